// The cases of test/golden/layers.json and augmentations.json (scripts/golden/layers.py and augmentations.py): a layer, its input and
// parameters, and the values of PyTorch.
import augmentations from '../golden/augmentations.json';
import golden from '../golden/layers.json';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { type Layer, layers } from '../../src/nn/index.ts';
import { mul, sum } from '../../src/ops/index.ts';

export interface LayerCase {
  readonly name: keyof typeof layers;
  readonly options: object;
  readonly shape: readonly number[];
  readonly range: readonly [number, number];
  /** Shapes of the other inputs. */
  readonly others?: readonly (readonly number[])[];
  /** Range of the parameters. @default [0.2, 1.2] */
  readonly spread?: readonly [number, number];
  readonly training: boolean;
  readonly parameters: Readonly<Record<string, readonly number[]>>;
  /** Tolerance, for layers with f32 tables. @default 1e-10 */
  readonly tolerance?: number;
  readonly outputShape: readonly number[];
  readonly output: readonly number[];
  /** Of the input, then of the parameters. */
  readonly gradients: readonly (readonly number[])[];
}

export const layerCases = [...golden, ...augmentations] as unknown as readonly LayerCase[];
export const titleOf = ({ name, options, shape }: LayerCase): string => `${name} ${JSON.stringify(options)} of ${JSON.stringify(shape)}`;

/** Value i is low + (high - low) * frac((i + 1) * golden + k * plastic): make() of scripts/golden/goldenRows.py. */
function made(
  k: number,
  shape: readonly number[],
  low: number,
  high: number,
  ArrayType: typeof Float32Array | typeof Float64Array,
): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  const values = Array.from({ length: size }, (_, i) => low + (high - low) * (((i + 1) * 0.6180339887498949 + k * 0.7548776662466927) % 1));
  return hostTensor({ shape: [...shape], dtype: 'f32' }, ArrayType.from(values));
}

export interface MadeCase {
  readonly layer: Layer;
  /** One input, or a list. */
  readonly inputs: readonly Tensor[];
  readonly parameters: Readonly<Record<string, Tensor>>;
  readonly weights: Tensor;
}

export function makeCase(one: LayerCase, ArrayType: typeof Float32Array | typeof Float64Array): MadeCase {
  const { name, options, shape, range, others = [], spread = [0.2, 1.2], parameters, outputShape } = one;
  return {
    layer: (layers[name] as (options: object) => Layer)(options),
    inputs: [shape, ...others].map((own, k) => made(k && 100 + k, own, range[0], range[1], ArrayType)),
    parameters: Object.fromEntries(
      Object.entries(parameters).map(([key, own], i) => [key, made(i + 1, own, spread[0], spread[1], ArrayType)]),
    ),
    weights: made(9, outputShape, -1, 1, ArrayType),
  };
}

/** Outputs of the layer, and the weighted sum whose gradients the file has. */
export function runCase(
  layer: Layer,
  training: boolean,
  inputs: readonly Tensor[],
  parameters: Readonly<Record<string, Tensor>>,
  weights: Tensor,
): { output: Tensor; total: Tensor } {
  const { outputs } = layer.call({ parameters, state: {} }, inputs.length > 1 ? inputs : inputs[0], { training });
  return { output: outputs as Tensor, total: sum(mul(outputs as Tensor, weights)) };
}
