// The problem of test/golden/trajectories.json (scripts/golden/trajectories.py): a loss of two parameters, with other noise at each update.
import golden from '../golden/trajectories.json';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { type LossAndGradients, type Optimizer, type OptimizerState, optimizers } from '../../src/optim/index.ts';
import { add, mul, square, stack, sub, sum } from '../../src/ops/index.ts';
import '../../src/train/names.ts';

type Name = 'kernel' | 'bias';
export type Pair<T> = Record<Name, T>;

export interface TrajectoryCase {
  readonly name: keyof typeof optimizers;
  readonly options: Readonly<Record<string, unknown>>;
  readonly noise: number;
  readonly trajectory: readonly (Pair<number[]> & { readonly averages?: Pair<number[]> })[];
}

interface Golden {
  readonly steps: number;
  readonly stored: readonly number[];
  readonly shapes: Pair<number[]>;
  readonly initial: Pair<number[]>;
  readonly curvature: Pair<number[]>;
  readonly cases: readonly TrajectoryCase[];
}

export const { steps, stored, shapes, initial, curvature, cases } = golden as unknown as Golden;

export const titleOf = ({ name, options }: TrajectoryCase): string => `${name} ${JSON.stringify(options)}`;

/** Makes optimizers from options such as `{ $optimizer: 'adam', learningRate: 0.02 }`. */
function revived(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { $optimizer: name, ...options } = value as { $optimizer?: keyof typeof optimizers };
  const read = Object.fromEntries(Object.entries(options).map(([key, one]) => [key, revived(one)]));
  return name ? make(name, read) : read;
}
const make = (name: keyof typeof optimizers, options: unknown): Optimizer => (optimizers[name] as (options: unknown) => Optimizer)(options);
export const optimizerOf = ({ name, options }: TrajectoryCase): Optimizer => make(name, revived(options));

const names: readonly Name[] = ['kernel', 'bias'];
export const pairOf = <T>(fn: (name: Name) => T): Pair<T> => ({ kernel: fn('kernel'), bias: fn('bias') });

/** Values in f64. Only the CPU interpreter in its f64 mode keeps them. */
export const hosted = (values: Pair<number[]>, ArrayType: typeof Float32Array | typeof Float64Array): Pair<Tensor> =>
  pairOf((name) => hostTensor({ shape: shapes[name], dtype: 'f32' }, ArrayType.from(values[name]) as Float32Array));

/** The noise of update t. The first update is number 1. */
export const noiseAt = (t: number, amount: number): Pair<number[]> =>
  pairOf((name) => initial[name].map((_, i) => amount * Math.sin(1.7 * t + 2.3 * (i + (name === 'kernel' ? 0 : 12)))));

/** sum(c (p - 0.3)^2) / 2 + sum(p noise), and its gradients. */
export const lossAndGradients =
  (curvatures: Pair<Tensor>, noise: Pair<Tensor>): LossAndGradients =>
  (parameters) => {
    const p = parameters as Pair<Tensor>;
    const offset = pairOf((name) => sub(p[name], 0.3));
    return {
      loss: names
        .map((name) => add(mul(sum(mul(curvatures[name], square(offset[name]))), 0.5), sum(mul(p[name], noise[name]))))
        .reduce((a, b) => add(a, b)),
      gradients: pairOf((name) => add(mul(curvatures[name], offset[name]), noise[name])),
    };
  };

/** One update of the problem. */
export function updateOnce(
  optimizer: Optimizer,
  parameters: Pair<Tensor>,
  state: OptimizerState,
  curvatures: Pair<Tensor>,
  noise: Pair<Tensor>,
): { parameters: Pair<Tensor>; state: OptimizerState } {
  const at = lossAndGradients(curvatures, noise);
  const { gradients } = at(parameters) as { gradients: Pair<Tensor> };
  // Three samples. The mean of their gradients is the gradient.
  const sampleGradients = pairOf((name) => stack([0.5, 1, 1.5].map((size) => mul(gradients[name], size))));
  return optimizer.update(gradients, state, parameters, { lossAndGradients: at, sampleGradients });
}
