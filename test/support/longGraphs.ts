// Functions whose graphs grow with a number. The work of compiling them must grow linearly, not with the square.
import { checkpoint, valueAndGrad } from '../../src/autodiff/index.ts';
import { type TracedFunction, traceFunction } from '../../src/engine/traceFunction.ts';
import { layerNorm, matmul, relu, reshape, slice, softmax, sum, tanh, zeros } from '../../src/ops/index.ts';
import { optimizers } from '../../src/optim/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import '../../src/ops/methods.ts';

interface Weights {
  readonly w: Tensor;
  readonly b: Tensor;
}

const width = 16;
const layer = (): Weights => ({ w: zeros([width, width]), b: zeros([width]) });
const layers = (n: number): Weights[] => Array.from({ length: n }, layer);
const batch = (): Tensor => zeros([8, width]);
const squares = (x: Tensor): Tensor => sum(x.mul(x));
const repeat = (n: number, x: Tensor, step: (x: Tensor, i: number) => Tensor): Tensor => {
  for (let i = 0; i < n; i++) x = step(x, i);
  return x;
};
const trace = (fn: (...args: never[]) => unknown, ...args: readonly unknown[]): TracedFunction =>
  traceFunction(fn, args, fn.name, new Set([0, 1]));

/** A loss and its gradients. The first argument is differentiated. */
const gradientsOf = (loss: (...args: never[]) => Tensor, ...args: readonly unknown[]): TracedFunction => trace(valueAndGrad(loss), ...args);

/** A training step of Adam over this many layers. */
function training(n: number, x: Tensor, forward: (p: readonly Weights[], x: Tensor) => Tensor): TracedFunction {
  const optimizer = optimizers.adam();
  const parameters = layers(n);
  const step = (p: Weights[], state: ReturnType<typeof optimizer.init>, x: Tensor): unknown => {
    const [loss, gradients] = valueAndGrad((p: Weights[]) => squares(forward(p, x)))(p);
    return { ...optimizer.update(gradients, state, p), loss };
  };
  return trace(step, parameters, optimizer.init(parameters), x);
}

export const longGraphs = {
  'elementwise chain': (n) => trace((x: Tensor) => repeat(n, x, (y, i) => (i % 2 ? y.mul(1.01) : tanh(y))), zeros([64, 64])),
  'slices of one tensor, gradients': (n) =>
    gradientsOf(
      (x: Tensor) => sum(repeat(n, zeros([8]), (y, i) => y.add(tanh(reshape(slice(x, [i], [i + 1]), [8]).mul(i + 0.5))))),
      zeros([n, 8]),
    ),
  'recurrence, gradients': (n) =>
    gradientsOf(
      ({ w, u, b }: Record<'w' | 'u' | 'b', Tensor>, x: Tensor) => {
        const input = (t: number): Tensor => matmul(reshape(slice(x, [t], [t + 1]), [8, 4]), w);
        return squares(repeat(n, batch(), (h, t) => tanh(input(t).add(matmul(h, u)).add(b))));
      },
      { w: zeros([4, width]), u: zeros([width, width]), b: zeros([width]) },
      zeros([n, 8, 4]),
    ),
  'softmaxes, gradients': (n) => gradientsOf((x: Tensor) => squares(repeat(n, x, (y) => softmax(y.mul(1.1)))), zeros([32, 64])),
  'dense layers, Adam': (n) => training(n, batch(), (p, x) => repeat(n, x, (y, i) => relu(matmul(y, p[i].w).add(p[i].b)))),
  'normalised residual layers, Adam': (n) =>
    training(n, batch(), (p, x) => repeat(n, x, (y, i) => y.add(relu(matmul(layerNorm(y), p[i].w).add(p[i].b))))),
  'checkpointed layers, gradients': (n) =>
    gradientsOf(
      (p: Weights[], x: Tensor) =>
        squares(repeat(n, x, (y, i) => checkpoint((y: Tensor, { w, b }: Weights) => tanh(matmul(y, w).add(b)))(y, p[i]))),
      layers(n),
      batch(),
    ),
  'a sum of many losses, gradients': (n) =>
    gradientsOf(
      (xs: Tensor[]) => xs.map((x) => sum(tanh(x))).reduce((a, b) => a.add(b)),
      Array.from({ length: n }, () => zeros([8])),
    ),
} satisfies Readonly<Record<string, (n: number) => TracedFunction>>;

export type LongGraph = keyof typeof longGraphs;
export const longGraphNames = Object.keys(longGraphs) as LongGraph[];
