// Positions of the largest and smallest elements.
import { type Dtype, isFloat } from '../../core/dtype.ts';
import { checkOptions } from '../../core/errors.ts';
import { normalizeAxis, sizeOf } from '../../core/shape.ts';
import { type OpDefinition, defineOp } from '../../graph/op.ts';
import { type Tensor, apply } from '../../graph/tensor.ts';
import { checkFlag } from '../operands/arguments.ts';
import { shiftAxes } from '../batching/batching.ts';
import { operand } from '../operands/operands.ts';
import { type ReduceAttributes, forEachRow, inferReduced } from './reduce.ts';
import { expandDims, flatten } from '../shape/shape.ts';

export interface ArgReduceOptions {
  /** Axis to search. Without it, the flattened tensor is searched. */
  readonly axis?: number;
  /** Whether to keep the axis, with size 1. @default false */
  readonly keepDims?: boolean;
}

interface ArgRow {
  readonly name: string;
  /** Whether a candidate replaces the best element so far, on the CPU. */
  readonly beats: (candidate: number, best: number) => boolean;
  /** WGSL value that every other value replaces or equals. */
  readonly identity: (dtype: Dtype) => string;
  readonly merge: (a: string, b: string) => string;
}

function defineArgReduction({ name, beats, identity, merge }: ArgRow): OpDefinition<ReduceAttributes> {
  return defineOp<ReduceAttributes>({
    name,
    infer: ([x], { axes }) => [{ shape: inferReduced(name, x.shape, axes, false), dtype: 'i32' }],
    vjp: 'nondifferentiable',
    batch: shiftAxes,
    reference: ({ inputs: [x], outputs: [type], attributes: { axes }, allocate }) => {
      const out = allocate('i32', sizeOf(type.shape));
      forEachRow(x.shape, axes, (flat, base, offsets) => {
        let best = 0;
        for (let k = 1; k < offsets.length; k++) if (beats(x.data[base + offsets[k]], x.data[base + offsets[best]])) best = k;
        out[flat] = best;
      });
      return [out];
    },
    lowering: { kind: 'reduction', axes: ({ axes }) => axes, identity, merge, tracksIndex: true },
  });
}

// NaN is larger than every number, and the first NaN is taken, as in NumPy.
const larger = (x: number, best: number): boolean => x > best || (Number.isNaN(x) && !Number.isNaN(best));
const smaller = (x: number, best: number): boolean => x < best || (Number.isNaN(x) && !Number.isNaN(best));

const argMaxOp = defineArgReduction({
  name: 'argMax',
  beats: larger,
  identity: () => '(-infinity())',
  merge: (a, b) => `beatsMax(${a}, ${b})`,
});

const argMaxOfIntegersOp = defineArgReduction({
  name: 'argMaxOfIntegers',
  beats: larger,
  identity: (dtype) => (dtype === 'u32' ? '0u' : 'i32(-2147483648)'),
  merge: (a, b) => `(${b} > ${a})`,
});

const argMinOp = defineArgReduction({
  name: 'argMin',
  beats: smaller,
  identity: () => 'infinity()',
  merge: (a, b) => `beatsMin(${a}, ${b})`,
});

const argMinOfIntegersOp = defineArgReduction({
  name: 'argMinOfIntegers',
  beats: smaller,
  identity: (dtype) => (dtype === 'u32' ? '0xffffffffu' : '2147483647'),
  merge: (a, b) => `(${b} < ${a})`,
});

function argReduce(
  name: string,
  ofFloats: OpDefinition<ReduceAttributes>,
  ofIntegers: OpDefinition<ReduceAttributes>,
  x: Tensor,
  options: ArgReduceOptions,
): Tensor {
  checkOptions(name, options, ['axis', 'keepDims']);
  checkFlag(name, 'keepDims', options.keepDims);
  const t = operand(name, x, 'number');
  const op = isFloat(t.dtype) ? ofFloats : ofIntegers;
  if (options.axis === undefined) {
    const found = apply(op, [flatten(t)], { axes: [0] });
    return options.keepDims ? t.shape.reduce((y) => expandDims(y, 0), found) : found;
  }
  const axis = normalizeAxis(name, options.axis, t.rank);
  const found = apply(op, [t], { axes: [axis] });
  return options.keepDims ? expandDims(found, axis) : found;
}

/**
 * Position of the largest element along an axis, as i32; the first of equal elements, the first NaN if there is one.
 *
 * x [.., N, ..] -> the shape without the axis.
 * @throws ShapeError for an axis without elements.
 *
 *     argMax(tensor([[1, 5, 2], [7, 0, 7]]), { axis: 1 })   // [1, 0]
 */
export const argMax = (x: Tensor, options: ArgReduceOptions = {}): Tensor => argReduce('argMax', argMaxOp, argMaxOfIntegersOp, x, options);

/** Position of the smallest element along an axis, as i32; the first of equal elements, the first NaN if there is one. */
export const argMin = (x: Tensor, options: ArgReduceOptions = {}): Tensor => argReduce('argMin', argMinOp, argMinOfIntegersOp, x, options);
