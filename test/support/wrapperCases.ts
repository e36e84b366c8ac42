// The cases of test/golden/wrappers.json (scripts/golden/wrappers.py): layers with a normalized kernel, and tied embeddings.
import golden from '../golden/wrappers.json';
import { gradients } from '../../src/autodiff/index.ts';
import { RandomStream } from '../../src/core/random.ts';
import { leavesOf, mapTree, variablePath } from '../../src/core/tree.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { type Layer, NetworkPass, layers, networkOf } from '../../src/nn/index.ts';
import { specsOfBatch } from '../../src/nn/spec.ts';
import { mul, sub, sum } from '../../src/ops/index.ts';

export type Floats = typeof Float32Array | typeof Float64Array;

export interface WrapperCase {
  readonly wrapper: 'spectralNormalization' | 'weightNormalization';
  readonly layer: keyof typeof layers;
  readonly options: object;
  readonly iterations: number;
  readonly shape: readonly number[];
  readonly kernelShape: readonly number[];
  readonly steps: readonly { readonly output: readonly number[]; readonly gradients: Readonly<Record<string, readonly number[]>> }[];
  readonly state: Readonly<Record<string, readonly number[]>>;
  readonly inference: readonly number[];
}

export const wrapperCases = golden.wrappers as unknown as readonly WrapperCase[];
export const embeddingCases = golden.embeddings as readonly {
  readonly tieWeights: boolean;
  readonly cap: number | null;
  readonly output: readonly number[];
  readonly gradients: Readonly<Record<string, readonly number[]>>;
}[];

/** Value i is low + (high - low) * frac((i + 1) * golden + k * plastic): make() of scripts/golden/goldenRows.py. */
export function made(k: number, shape: readonly number[], low: number, high: number, Floats: Floats, whole = false): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  const values = Array.from({ length: size }, (_, i) => low + (high - low) * (((i + 1) * 0.6180339887498949 + k * 0.7548776662466927) % 1));
  return whole
    ? hostTensor({ shape: [...shape], dtype: 'i32' }, Int32Array.from(values, Math.floor))
    : hostTensor({ shape: [...shape], dtype: 'f32' }, Floats.from(values));
}

const normalized = ({ value, shape }: Tensor, Floats: Floats): Tensor => {
  const data = (value as { data: Float64Array }).data;
  const norm = Math.sqrt(data.reduce((total, v) => total + v * v, 0));
  return hostTensor({ shape, dtype: 'f32' }, Floats.from(data.map((v) => v / norm)));
};

export interface Running {
  readonly network: ReturnType<typeof networkOf>;
  readonly x: Tensor;
  readonly variables: {
    readonly parameters: Record<string, Record<string, Tensor>>;
    readonly state: Record<string, Record<string, Tensor>>;
  };
}

export function startWrapper({ wrapper, layer, options, iterations, shape, kernelShape }: WrapperCase, Floats: Floats): Running {
  const inner = (layers[layer] as (options: object) => Layer)(options);
  const root =
    wrapper === 'spectralNormalization'
      ? layers.spectralNormalization({ layer: inner, powerIterations: iterations })
      : layers.weightNormalization({ layer: inner });
  const network = networkOf(root);
  const isEmbedding = layer === 'embedding';
  const x = isEmbedding ? made(0, shape, 0, 6, Floats, true) : made(0, shape, -1, 1, Floats);
  const built = network.draft(specsOfBatch(x), RandomStream.fromSeed(1));
  const sizes = leavesOf(built).map(({ path, value }) => [variablePath(path), (value as Tensor).shape] as const);
  const shapeOf = (name: string): readonly number[] => sizes.find(([path]) => path.endsWith(`/${name}`))![1];
  const values: Record<string, () => Tensor> = {
    kernel: () => made(1, kernelShape, -1, 1, Floats),
    embeddings: () => made(1, kernelShape, -1, 1, Floats),
    bias: () => made(2, shapeOf('bias'), -1, 1, Floats),
    vectorU: () => normalized(made(3, shapeOf('vectorU'), -1, 1, Float64Array), Floats),
    vectorV: () => normalized(made(4, shapeOf('vectorV'), -1, 1, Float64Array), Floats),
    scale: () => {
      const own = made(5, shapeOf('scale'), -1, 1, Float64Array);
      const data = Floats.from((own.value as { data: Float64Array }).data.map((v) => Math.abs(v) + 0.5));
      return hostTensor({ shape: own.shape, dtype: 'f32' }, data);
    },
  };
  const variables = mapTree(built, (_, path) => values[variablePath(path).split('/').at(-1)!]()) as Running['variables'];
  return { network, x, variables };
}

/** One step of training as tensors: outputs, gradients by name, and the next variables. */
export function wrapperStep({ network }: Running, x: Tensor, variables: Running['variables'], Floats: Floats) {
  const { outputs, state } = new NetworkPass(network, variables).run(x, true);
  const y = outputs as Tensor;
  const loss = sum(mul(y, made(9, y.shape, -1, 1, Floats)));
  const leaves = leavesOf(variables.parameters);
  const wrt = [...(x.dtype === 'f32' ? [x] : []), ...leaves.map(({ value }) => value as Tensor)];
  const slopes = gradients(loss, wrt);
  const ofParameters = slopes.slice(wrt.length - leaves.length);
  const named = Object.fromEntries(
    leaves.map(({ path }, i) => [variablePath(path).split('/').at(-1)!.replace('embeddings', 'kernel'), ofParameters[i]]),
  );
  let i = 0;
  const parameters = mapTree(variables.parameters, (value) => sub(value as Tensor, mul(ofParameters[i++], 0.1)));
  return { output: y, gradients: x.dtype === 'f32' ? { ...named, input: slopes[0] } : named, variables: { parameters, state } as Running['variables'] };
} // prettier-ignore

export const wrapperInference = ({ network }: Running, x: Tensor, variables: Running['variables']): Tensor =>
  new NetworkPass(network, variables).run(x, false).outputs as Tensor;
