// Launches of the attention kernels.
import type { StridedView } from '../../core/shape.ts';
import type { KernelContext, KernelDispatch, KernelPlan, Operand } from '../../graph/op.ts';
import { gridOf } from '../../graph/workgroups.ts';
import { type KernelFile, f32Bits, fillKernel } from '../../wgsl/index.ts';
import { sizesOf } from './reference.ts';
import type { AttentionAttributes } from './scores.ts';

/** Maximum depth: an invocation holds one row in register arrays, and longer rows do not fit. */
export const deepest = 256;

const workgroupSize = 64;

/** Whether rows have no gaps and start at whole vec4s. */
export const acceptsRows = ({ shape, strides, offset }: StridedView): boolean =>
  shape.length === 4 && strides[3] === 1 && [offset, ...strides.slice(0, 3)].every((n) => n >= 0 && n % 4 === 0);

/** Whether a mask has four axes and no negative strides. The kernels read it element by element. */
export const acceptsMask = ({ shape, strides }: StridedView): boolean => shape.length === 4 && strides.every((n) => n >= 0);

/** Start of a matrix of rows, and the stride of its rows, in vec4s. */
const rowParams = (name: string, { offset, strides }: StridedView): [param: string, value: number][] => [
  [`${name}Offset`, offset / 4],
  [`${name}Batch`, strides[0] / 4],
  [`${name}Head`, strides[1] / 4],
  [`${name}Row`, strides[2] / 4],
];

/**
 * One dispatch with 64 rows of queries or keys per workgroup. `rows` are the inputs that are read by vec4, by their names in the kernel;
 * `flat` are inputs that are read element by element.
 */
export function planAttention(
  kernel: KernelFile,
  along: 'queries' | 'keys',
  operands: { readonly rows: Readonly<Record<string, number>>; readonly flat: readonly number[] },
  { inputs, views, outputs, attributes, target }: KernelContext<AttentionAttributes>,
): KernelPlan {
  const sizes = sizesOf(inputs[0], inputs[1]);
  const quads = sizes.depth / 4;
  const tiles = Math.ceil(sizes[along] / workgroupSize);
  const groups = tiles * sizes.heads;
  const workgroups = gridOf(groups, target);
  const { causal, masked, scale } = attributes;
  const maskAt = inputs.length - 1;
  const { offset: maskOffset, strides: maskStrides } = masked ? views[maskAt] : { offset: 0, strides: [0, 0, 0, 0] };
  const [maskBatch, maskHead, maskRow, maskColumn] = maskStrides;
  const input = (index: number): Operand => ({ kind: 'input', index });
  const maskOperand = input(masked ? maskAt : 0);
  // The forward kernel binds the mask after v, the gradient kernels after delta: it is always the last input.
  const dispatch: KernelDispatch = {
    name: kernel.name,
    ...fillKernel(kernel, {
      constants: { quads, unrolled: target.processor === 'gpu' },
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
  };
  return { dispatches: [dispatch], temporaries: [] };
}
