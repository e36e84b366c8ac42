// Launches of the attention kernels.
import type { StridedView } from '../../core/shape.ts';
import type { KernelContext, KernelDispatch, KernelPlan, Operand, Target, TensorType } from '../../graph/op.ts';
import { gridOf } from '../../graph/workgroups.ts';
import { type KernelFile, f32Bits, fillKernel } from '../../wgsl/index.ts';
import { sizesOf } from './reference.ts';
import type { AttentionAttributes } from './scores.ts';
import { type AttentionTile, fitsTiles, rowsOfTile } from './tileParts.ts';
import { type AttentionKernelName, tiledMain } from './tiles.ts';

/** Maximum depth: an invocation holds one row in register arrays, and longer rows do not fit. */
export const deepest = 256;

/** Rows of a workgroup of the kernels in shaders/, which compute one row per invocation. */
const workgroupSize = 64;

/** The tile of the kernels for GPUs. 8 x 8 rows, 4 x 8 rows and loads ahead of the scores were not faster on an H200. */
export const attentionTile: AttentionTile = { rows: 4, height: 16 };

/** Whether rows have no gaps and start at whole vec4s. */
export const acceptsRows = ({ shape, strides, offset }: StridedView): boolean =>
  shape.length === 4 && strides[3] === 1 && [offset, ...strides.slice(0, 3)].every((n) => n >= 0 && n % 4 === 0);

/** Whether a mask has four axes and no negative strides. The kernels read it element by element. */
export const acceptsMask = ({ shape, strides }: StridedView): boolean => shape.length === 4 && strides.every((n) => n >= 0);

/** Maximum bytes of the scores of all heads that a GPU stores. */
const storedScoreBytes = 2 ** 28;

/** Bytes of the scores of all heads. */
export function scoreBytes([q, k]: readonly TensorType[]): number {
  const { heads, queries, keys } = sizesOf(q, k);
  return 4 * heads * queries * keys;
}

/**
 * Whether a GPU stores the scores of all heads: of attention to all keys, if they fit in 256 MB and in one binding. On an H200 the gradient then
 * takes 0.7 of the time of the tiled kernels. These skip the future of causal attention, and take 0.7 of the time of stored scores.
 */
export function storesScores(inputs: readonly TensorType[], { causal, mayStore }: AttentionAttributes, target: Target): boolean {
  if (!mayStore || causal || target.processor !== 'gpu') return false;
  return scoreBytes(inputs) <= Math.min(storedScoreBytes, target.maxBindingBytes);
}

/** A kernel of shaders/, whose block `main` a tiled kernel replaces. */
export type AttentionKernel = KernelFile & { readonly name: AttentionKernelName };

/** Start of a matrix of rows, and the stride of its rows, in vec4s. */
const rowParams = (name: string, { offset, strides }: StridedView): [param: string, value: number][] => [
  [`${name}Offset`, offset / 4],
  [`${name}Batch`, strides[0] / 4],
  [`${name}Head`, strides[1] / 4],
  [`${name}Row`, strides[2] / 4],
];

/** Products of [queries, keys] by the depth that a kernel computes. */
const productsOf: Readonly<Record<AttentionKernelName, number>> = {
  attention: 2,
  attentionQueryGradient: 3,
  attentionKeyGradient: 4,
};

/**
 * One dispatch with a tile of queries or keys per workgroup. `rows` are the inputs that are read by vec4, by their names in the kernel;
 * `flat` are inputs that are read element by element.
 */
export function planAttention(
  kernel: AttentionKernel,
  along: 'queries' | 'keys',
  operands: { readonly rows: Readonly<Record<string, number>>; readonly flat: readonly number[] },
  { inputs, views, outputs, attributes, target }: KernelContext<AttentionAttributes>,
): KernelPlan {
  const sizes = sizesOf(inputs[0], inputs[1]);
  const quads = sizes.depth / 4;
  const tile = target.processor === 'gpu' && fitsTiles(quads) ? attentionTile : undefined;
  const tiles = Math.ceil(sizes[along] / (tile ? rowsOfTile(tile) : workgroupSize));
  const groups = tiles * sizes.heads;
  const workgroups = gridOf(groups, target);
  const { causal, masked, scale } = attributes;
  // The forward kernel binds the mask after v, the gradient kernels after delta: it is always the last input.
  const maskAt = inputs.length - 1;
  const { offset: maskOffset, strides: maskStrides } = masked ? views[maskAt] : { offset: 0, strides: [0, 0, 0, 0] };
  const [maskBatch, maskHead, maskRow, maskColumn] = maskStrides;
  const input = (index: number): Operand => ({ kind: 'input', index });
  const maskOperand = input(masked ? maskAt : 0);
  const blocks: Record<string, string> = tile
    ? { main: tiledMain(kernel.name, tile, quads, attributes) }
    : target.processor === 'gpu'
      ? { depth: '  const depth = quads;' }
      : {};
  const dispatch: KernelDispatch = {
    name: tile ? `${kernel.name}_tiled` : kernel.name,
    ...fillKernel(kernel, {
      constants: { quads },
      blocks,
      params: {
        ...{ gridWidth: workgroups[0], groups, tiles, heads: inputs[0].shape[1], queries: sizes.queries, keys: sizes.keys, quads },
        ...{ causal, masked, scale: f32Bits(scale) },
        ...Object.fromEntries(Object.entries(operands.rows).flatMap(([name, index]) => rowParams(name, views[index]))),
        ...{ maskOffset, maskBatch, maskHead, maskRow, maskColumn },
      },
    }),
    operands: [
      ...[...Object.values(operands.rows), ...operands.flat].map(input),
      maskOperand,
      ...outputs.map((_, index): Operand => ({ kind: 'output', index })),
    ],
    workgroups,
    operations: (productsOf[kernel.name] * 2 * sizes.heads * sizes.queries * sizes.keys * sizes.depth) / (causal ? 2 : 1),
  };
  return { dispatches: [dispatch], temporaries: [] };
}
