// Launches of the attention kernels.
import type { StridedView } from '../../core/shape.ts';
import type { KernelContext, KernelDispatch, KernelPlan, Operand } from '../../graph/op.ts';
import { gridOf } from '../kernelSource.ts';
import { sizesOf } from './reference.ts';
import type { AttentionAttributes } from './scores.ts';

/** The register arrays of an invocation hold one row each: longer ones would not fit. */
export const deepest = 256;

const workgroupSize = 64;

/** Rows without gaps, all starts in whole vec4s. */
export const acceptsRows = ({ shape, strides, offset }: StridedView): boolean =>
  shape.length === 4 && strides[3] === 1 && [offset, ...strides.slice(0, 3)].every((n) => n >= 0 && n % 4 === 0);

/** A mask is read element by element; only its strides must be walkable with unsigned numbers. */
export const acceptsMask = ({ shape, strides }: StridedView): boolean => shape.length === 4 && strides.every((n) => n >= 0);

const rowParams = ({ strides, offset }: StridedView): number[] => [offset, ...strides.slice(0, 3)].map((n) => n / 4);

const bits = new DataView(new ArrayBuffer(4));
function bitsOf(value: number): number {
  bits.setFloat32(0, value);
  return bits.getUint32(0);
}

/** One dispatch over 64 rows an invocation each: of queries, or of keys. `rows` are the operands walked in vec4s, `flat` those read as they lie. */
export function planAttention(
  name: string,
  source: string,
  along: 'queries' | 'keys',
  operands: { readonly rows: readonly number[]; readonly flat: readonly number[] },
  { inputs, views, outputs, attributes, target }: KernelContext<AttentionAttributes>,
): KernelPlan {
  const sizes = sizesOf(inputs[0], inputs[1]);
  const quads = sizes.depth / 4;
  const tiles = Math.ceil(sizes[along] / workgroupSize);
  const groups = tiles * sizes.heads;
  const workgroups = gridOf(groups, target);
  const { causal, masked, scale } = attributes;
  const maskAt = inputs.length - 1;
  const mask = masked ? [views[maskAt].offset, ...views[maskAt].strides] : [0, 0, 0, 0, 0];
  const input = (index: number): Operand => ({ kind: 'input', index });
  const maskOperand = input(masked ? maskAt : 0);
  // The forward kernel binds the mask behind v, the others behind delta: always behind what else it reads.
  const dispatch: KernelDispatch = {
    name,
    source: source
      .replace(/const quads = \d+u;/, `const quads = ${quads}u;`)
      .replace('const unrolled = true;', `const unrolled = ${target.processor === 'gpu'};`),
    operands: [
      ...[...operands.rows, ...operands.flat].map(input),
      maskOperand,
      ...outputs.map((_, index): Operand => ({ kind: 'output', index })),
    ],
    params: [
      ...[
        workgroups[0],
        groups,
        tiles,
        inputs[0].shape[1],
        sizes.queries,
        sizes.keys,
        quads,
        Number(causal),
        Number(masked),
        bitsOf(scale),
      ],
      ...operands.rows.flatMap((index) => rowParams(views[index])),
      ...mask,
    ],
    workgroups,
  };
  return { dispatches: [dispatch], temporaries: [] };
}
