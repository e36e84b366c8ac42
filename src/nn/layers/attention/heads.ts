// Attention over several heads: projections, masks and dropout that the attention layers share.
import type { RandomStream } from '../../../core/random.ts';
import { Tensor } from '../../../graph/tensor.ts';
import {
  add,
  broadcastTo,
  cast,
  dropout,
  expandDims,
  logicalAnd,
  reshape,
  scaledDotProductAttention,
  transpose,
  where,
} from '../../../ops/index.ts';
import { composedAttention, excluded } from '../../../ops/attention/scores.ts';
import type { Initializer } from '../../initializers.ts';
import type { Decoding } from '../../decoding.ts';
import { loraProduct } from '../../lora.ts';
import { alibiBias } from './alibi.ts';
import type { LoraAxes } from '../../loraOptions.ts';
import type { Masks } from '../../layer.ts';
import { nameScale } from '../../packedKernels.ts';

/** Sizes of one attention. */
export interface HeadSizes {
  readonly heads: number;
  /** Heads of keys and values, each used by heads / keyHeads queries. */
  readonly keyHeads: number;
  readonly keyDim: number;
  readonly valueDim: number;
}

/** Features of the inputs and of the output. */
export interface HeadFeatures {
  readonly query: number;
  readonly key: number;
  readonly value: number;
  readonly output: number;
}

interface Initializers {
  readonly useBias: boolean;
  readonly kernelInitializer: Initializer;
  readonly biasInitializer: Initializer;
}

/** Name of a parameter, with the prefix of a layer that has several attentions. */
const named = (prefix: string, name: string): string => (prefix ? prefix + name[0].toUpperCase() + name.slice(1) : name);

/** Parameters of the four products, in Keras's layout: kernels [features, heads, dim], the last one [heads, dim, features]. */
export function headParameters(
  { heads, keyHeads, keyDim, valueDim }: HeadSizes,
  { query, key, value, output }: HeadFeatures,
  { useBias, kernelInitializer, biasInitializer }: Initializers,
  random: RandomStream,
  prefix = '',
): Record<string, Tensor> {
  const shapes = {
    query: [query, heads, keyDim],
    key: [key, keyHeads, keyDim],
    value: [value, keyHeads, valueDim],
    output: [heads, valueDim, output],
  };
  const entries = Object.entries(shapes).flatMap(([name, shape]) => [
    [named(prefix, `${name}Kernel`), kernelInitializer(shape, random)] as const,
    ...(useBias ? [[named(prefix, `${name}Bias`), biasInitializer(name === 'output' ? [output] : shape.slice(1), random)] as const] : []),
  ]);
  return Object.fromEntries(entries);
}

/** Kernels of the products that take LoRA. A is [features, rank], or [heads, dim, rank] for the output: one for all heads. */
export const headLora = (prefix = ''): LoraAxes =>
  Object.fromEntries(['query', 'key', 'value', 'output'].map((name) => [named(prefix, `${name}Kernel`), name === 'output' ? 2 : 1]));

/** Kernels of the products that can be packed. Each output has a scale. */
export const headScales = (prefix = ''): Readonly<Record<string, readonly number[]>> =>
  Object.fromEntries(['query', 'key', 'value', 'output'].map((name) => [named(prefix, `${name}Kernel`), name === 'output' ? [0, 1] : [0]]));

/** x [batch, time, features] times a kernel [features, heads, dim], as [batch, heads, time, dim]. */
function project(x: Tensor, parameters: Readonly<Record<string, Tensor | undefined>>, name: string, bias: Tensor | undefined): Tensor {
  const [, heads, dim] = (parameters[name] ?? parameters[nameScale(name)])!.shape;
  const y = loraProduct(x, parameters, name);
  const [batch, time] = x.shape;
  return transpose(reshape(bias ? add(y, reshape(bias, [heads * dim])) : y, [batch, time, heads, dim]), [0, 2, 1, 3]);
}

/** Each head of keys or values as often as queries use it: [batch, heads, time, dim]. */
function shared(x: Tensor, times: number): Tensor {
  if (times === 1) return x;
  const [batch, heads, time, dim] = x.shape;
  const repeated = broadcastTo(expandDims(x, 2), [batch, heads, times, time, dim]);
  return reshape(repeated, [batch, heads * times, time, dim]);
}

export interface AttentionRun {
  readonly causal: boolean;
  /** Probability that a weight is dropped. 0 outside of training. */
  readonly dropout: number;
  /** Keys that count: bool [batch, keys]. */
  readonly keys: Tensor | undefined;
  /** Caches of keys and values. */
  readonly decoding?: Decoding | undefined;
  /** Lowers scores by the distance of query and key. */
  readonly alibi?: boolean;
}

/** softmax(q k^T / sqrt(keyDim)) v over heads, and the last product. Inputs [batch, time, features]. */
export function attendHeads(
  inputs: { readonly query: Tensor; readonly key: Tensor; readonly value: Tensor },
  parameters: Readonly<Record<string, Tensor | undefined>>,
  run: AttentionRun,
  prefix = '',
): Tensor {
  const of = (name: string): Tensor => parameters[named(prefix, name)]!;
  const q = project(inputs.query, parameters, named(prefix, 'queryKernel'), of('queryBias'));
  const { keys: mask, decoding: pass } = run;
  const isMemory = pass?.isMemory(inputs.value) === true;
  const decoding = isMemory ? undefined : pass;
  const [keys, values] = (['key', 'value'] as const).map((name) => {
    const compute = (): Tensor => project(inputs[name], parameters, named(prefix, `${name}Kernel`), of(`${name}Bias`));
    const x = isMemory ? pass.keep(() => ({ value: compute() })).value : compute();
    return shared(decoding?.extend(x) ?? x, q.shape[1] / x.shape[1]);
  });
  const attended = attend(q, keys, values, { ...run, keys: mask && (decoding?.extendMask(mask) ?? mask), decoding });
  const joined = transpose(attended, [0, 2, 1, 3]);
  const [batch, time, heads, dim] = joined.shape;
  const y = loraProduct(reshape(joined, [batch, time, heads * dim]), parameters, named(prefix, 'outputKernel'));
  const bias = of('outputBias') as Tensor | undefined;
  return bias ? add(y, bias) : y;
}

/** Attention of q, k, v [batch, heads, time, dim]. Dropped weights need them all: without dropout long sequences take less memory. */
export function attend(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  { causal: isCausal, dropout: rate, keys, decoding, alibi = false }: AttentionRun,
  scale?: number,
): Tensor {
  const earlier = decoding?.visible(keys);
  const causal = isCausal && !earlier;
  const seen = earlier ?? (keys && expandDims(expandDims(keys, 1), 1));
  const bias = alibi ? alibiBias(q.shape[1], q.shape[2], k.shape[2], { at: decoding?.position }) : undefined;
  const mask = bias && seen ? where(seen, bias, excluded) : (bias ?? seen);
  const factor = scale ?? 1 / Math.sqrt(Math.max(1, q.shape[3]));
  if (rate === 0) return scaledDotProductAttention(q, k, v, { isCausal: causal, scale: factor, ...(mask && { mask }) });
  const [f, g, h] = [q, k, v].map((x) => cast(x, 'f32'));
  const added = bias ? mask : mask && where(mask, 0, excluded);
  const attributes = { causal, scale: factor, masked: added !== undefined };
  return cast(
    composedAttention(f, g, h, added, attributes, (weights) => dropout(weights, { rate })),
    q.dtype,
  );
}

/** Masks of keys and values together: a step counts if it counts in each mask. */
export function keyMask(masks: readonly Masks[]): Tensor | undefined {
  const found = masks.filter((mask): mask is Tensor => mask instanceof Tensor);
  return found.length ? found.reduce((a, b) => logicalAnd(a, b)) : undefined;
}
