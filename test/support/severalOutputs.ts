// Models with several inputs and outputs, made of one layer that is defined here.
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Layer, type Network, type Specs, TensorSpec, defineLayer, networkOf } from '../../src/nn/index.ts';
import { cast, matmul, ones, softmax, tensor } from '../../src/ops/index.ts';
import { Model } from '../../src/train/index.ts';

type Heads = { readonly digit: Tensor; readonly parity: Tensor };

/** digit = softmax(x W) [3], parity = x v [1], with fixed first weights. */
export const headsLayer = (): Layer =>
  defineLayer<Tensor, Heads>({
    kind: 'heads',
    options: { inputShape: [2] },
    outputShape: () => ({ digit: [3], parity: [1] }),
    build: () => ({ parameters: { digit: tensor([[0.5, -0.25, 0], [0.125, 0.25, -0.5]]), parity: tensor([[0.5], [-0.5]]) } }), // prettier-ignore
    apply: ({ parameters }, x) => ({ digit: softmax(matmul(x, parameters.digit)), parity: matmul(x, parameters.parity) }),
  });

export const twoHeads = (): Model => new Model(networkOf(headsLayer()));

/** The same outputs as a list. */
export const listHeads = (): Model =>
  new Model(
    networkOf(
      defineLayer<Tensor, readonly Tensor[]>({
        kind: 'heads',
        options: { inputShape: [2] },
        outputShape: () => [[3], [1]],
        build: (shape, random) => headsLayer().build(shape, random),
        apply: ({ parameters }, x) => [softmax(matmul(x, parameters.digit)), matmul(x, parameters.parity)],
      }),
    ),
  );

/** A network whose inputs have the structure of `inputs`. */
const withInputs = (layer: Layer, inputs: Specs): Network => ({ ...networkOf(layer), inputs });

type Pair = { readonly a: Tensor; readonly b: Tensor };

/** y = a w + b, with whole numbers a [2] and b [1]. */
export const twoInputs = (): Model =>
  new Model(
    withInputs(
      defineLayer<Pair, Tensor>({
        takes: 'tree',
        kind: 'join',
        options: {},
        outputShape: () => [1],
        build: () => ({ parameters: { w: ones([2, 1]) } }),
        apply: ({ parameters: { w } }, { a, b }) => matmul(a, w).add(cast(b, 'f32')),
      }),
      { a: new TensorSpec([2]), b: new TensorSpec([1], 'i32') },
    ),
  );

/** The same with a list of inputs. */
export const listInputs = (): Model =>
  new Model(
    withInputs(
      defineLayer<readonly Tensor[], Tensor>({
        takes: 'tree',
        kind: 'join',
        options: {},
        outputShape: () => [1],
        build: () => ({ parameters: { w: ones([2, 1]) } }),
        apply: ({ parameters: { w } }, [a, b]) => matmul(a, w).add(cast(b, 'f32')),
      }),
      [new TensorSpec([2]), new TensorSpec([1], 'i32')],
    ),
  );
