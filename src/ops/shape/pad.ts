// Padding with a constant (a kernel), or with the mirrored or repeated border (compositions).
import { type Dtype, isFloat, toElement } from '../../core/dtype.ts';
import { ArgumentError, DtypeError, ShapeError, checkOptions } from '../../core/errors.ts';
import { type Shape, forEachIndex, formatShape, sizeOf, stridesOf } from '../../core/shape.ts';
import { type KernelPlan, type Target, type TensorType, defineOp } from '../../graph/op.ts';
import { type Tensor, apply } from '../../graph/tensor.ts';
import { gridOf, lanesFor, runOf } from '../../graph/workgroups.ts';
import padSource from '../../../shaders/pad.wgsl?raw';
import { type KernelFile, computeType, f32Bits, fillKernel, ofLanes, storageType } from '../../wgsl/index.ts';
import { checkInRange, checkNumber, checkTensor, isList } from '../operands/arguments.ts';
import { cast } from '../elementwise/cast.ts';
import { concat } from './concat.ts';
import { flip, sliceAxis, sliceStrided } from './slice.ts';
import { broadcastTo } from './shape.ts';

const padKernel: KernelFile = { name: 'pad', text: padSource };

interface PadAttributes {
  /** For each axis: number of elements before, after, and between two neighbours. */
  readonly padding: readonly (readonly [before: number, after: number, interior: number])[];
  readonly value: number;
}

const padOp = defineOp<PadAttributes>({
  name: 'pad',
  infer: ([x], { padding }) => {
    if (x.dtype === 'bool') throw new DtypeError(`pad: the primitive does not take bool; cast(x, 'u32') first`);
    return [{ shape: x.shape.map((n, i) => paddedSize(n, padding[i])), dtype: x.dtype }];
  },
  batch: ({ inputs: [x], attributes: { padding, value } }) => [padInterior(x, [[0, 0, 0], ...padding], value)],
  // Only the elements of x matter: dx is the strided window of dy at their positions.
  vjp: ({ inputs: [x], cotangents: [g], attributes: { padding } }) => [
    g &&
      sliceStrided(
        g,
        padding.map(([before]) => before),
        x.shape,
        padding.map(([, , interior]) => interior + 1),
      ),
  ],
  reference: ({ inputs: [x], outputs: [type], attributes: { padding, value }, allocate }) => {
    const out = allocate(type.dtype, sizeOf(type.shape)).fill(value);
    const strides = stridesOf(type.shape);
    const places = {
      shape: x.shape,
      strides: strides.map((stride, i) => stride * (padding[i][2] + 1)),
      offset: strides.reduce((total, stride, i) => total + stride * padding[i][0], 0),
    };
    forEachIndex(places, (flat, position) => {
      out[position] = x.data[flat];
    });
    return [out];
  },
  passesInfinities: true,
  lowering: { kind: 'kernel', plan: ({ inputs: [x], outputs: [y], attributes, target }) => planPad(x, y, attributes, target) },
  sum: joinPadded,
  simplify: ([x], { padding }) =>
    padding.every(([before, after]) => before === 0 && after === 0) && padding.every(isPlain(x.shape)) ? x : undefined,
});

/** Whether an axis has no gaps, or no neighbours to have gaps between. */
const isPlain =
  (shape: Shape) =>
  ([, , interior]: readonly [number, number, number], axis: number): boolean =>
    interior === 0 || shape[axis] < 2;

const paddedSize = (n: number, [before, after, interior]: readonly [number, number, number]): number =>
  before + n + Math.max(0, n - 1) * interior + after;

const maxAxes = 8;

function planPad(x: TensorType, y: TensorType, { padding, value }: PadAttributes, target: Target): KernelPlan {
  // Neighbouring axes without padding are merged into one.
  const axes: { from: number; to: number; before: number; step: number }[] = [];
  x.shape.forEach((n, i) => {
    const [before, after, interior] = padding[i];
    const last = axes[axes.length - 1];
    if (last && before === 0 && after === 0 && interior === 0) {
      // On an axis with gaps, padding counts whole multiples of the merged inner axes.
      if (last.step === 1) axes[axes.length - 1] = { from: last.from * n, to: last.to * n, before: last.before * n, step: 1 };
      else axes.push({ from: n, to: n, before: 0, step: 1 });
    } else axes.push({ from: n, to: y.shape[i], before, step: interior + 1 });
  });
  if (axes.length > maxAxes)
    throw new ShapeError(`pad: more than ${maxAxes} padded axes on the GPU, got ${formatShape(x.shape)}; reshape first`);
  while (axes.length < maxAxes) axes.unshift({ from: 1, to: 1, before: 0, step: 1 });
  const last = axes[axes.length - 1];
  const lanes = lanesFor(sizeOf(y.shape), target, [last.from, last.to, last.before, last.step === 1 ? 0 : 1]);
  axes[axes.length - 1] = { from: last.from / lanes, to: last.to / lanes, before: last.before / lanes, step: last.step };
  const size = sizeOf(y.shape) / lanes;
  const run = runOf(size, target);
  const { aliases, blocks } = ofLanes(padKernel, lanes, storageType(x.dtype), computeType(x.dtype));
  return {
    temporaries: [],
    dispatches: [
      {
        name: 'pad',
        ...fillKernel(padKernel, {
          aliases: { ...aliases, Fill: computeType(x.dtype) },
          blocks,
          params: {
            fromSize: axes.map((a) => a.from),
            toSize: axes.map((a) => a.to),
            before: axes.map((a) => a.before),
            step: axes.map((a) => a.step),
            count: size,
            value: fillBits(x.dtype, value),
            run,
            unused: 0,
          },
        }),
        operands: [
          { kind: 'input', index: 0 },
          { kind: 'output', index: 0 },
        ],
        workgroups: gridOf(Math.ceil(size / (run * 64)), target),
      },
    ],
  };
}

/** Bits of the fill value in the kernel's dtype. */
function fillBits(dtype: Dtype, value: number): number {
  return isFloat(dtype) ? f32Bits(value) : toElement(dtype, value) >>> 0;
}

/** Pads with a number before, after and between the elements of each axis: the inverse of a strided slice. */
export function padInterior(
  x: Tensor,
  padding: readonly (readonly [before: number, after: number, interior: number])[],
  value: number,
): Tensor {
  if (padding.every(([before, after, interior]) => before === 0 && after === 0 && interior === 0)) return x;
  // Kernels store bools as integers.
  if (x.dtype === 'bool') return cast(padInterior(cast(x, 'u32'), padding, Number(value !== 0)), 'bool');
  return apply(padOp, [x], { padding, value });
}

/**
 * Recognises a sum of zero-padded tensors that do not overlap along one axis, and replaces it by one concat. Gradients of a tensor's parts
 * have this form. No rounding changes: of the terms of each sum, all but one are 0.
 */
function joinPadded(terms: readonly Tensor[]): readonly Tensor[] {
  const parts = terms.map((term) => ({ term, x: term.node!.inputs[0], ...(term.node!.attributes as PadAttributes) }));
  const [{ padding: first }] = parts;
  const axis = first.findIndex((p, i) => parts.some(({ padding }) => padding[i].join() !== p.join()));
  const isAlike = ({ padding, value }: PadAttributes): boolean =>
    value === 0 && padding.every((p, i) => (i === axis ? p[2] === 0 : p.join() === first[i].join()));
  if (axis < 0 || !parts.every(isAlike)) return terms;
  const runs: (typeof parts)[] = [];
  for (const part of [...parts].sort((a, b) => a.padding[axis][0] - b.padding[axis][0])) {
    const last = runs[runs.length - 1]?.[runs[runs.length - 1].length - 1];
    if (last && last.padding[axis][0] + last.x.shape[axis] === part.padding[axis][0]) runs[runs.length - 1].push(part);
    else runs.push([part]);
  }
  return runs.map((run) => {
    if (run.length === 1) return run[0].term;
    const ends = [run[0].padding[axis][0], run[run.length - 1].padding[axis][1], 0] as const;
    const joined = concat(
      run.map(({ x }) => x),
      axis,
    );
    return padInterior(
      joined,
      first.map((p, i) => (i === axis ? ends : p)),
      0,
    );
  });
}

export interface PadOptions {
  /** `constant` fills with `value`, `reflect` mirrors without repeating the border, `edge` repeats the border. @default 'constant' */
  readonly mode?: 'constant' | 'reflect' | 'edge';
  /** Value of the new elements in the mode `constant`. @default 0 */
  readonly value?: number;
}

/**
 * Adds elements before and after each axis of x.
 *
 * x [N, ..], padding [[before, after], ..] -> [before + N + after, ..].
 * @throws ShapeError if padding does not have an entry per axis, is negative, or reflects more elements than the axis has; ArgumentError
 * for another mode.
 *
 *     pad(tensor([1, 2, 3]), [[1, 2]])                        // [0, 1, 2, 3, 0, 0]
 *     pad(tensor([1, 2, 3]), [[1, 2]], { mode: 'reflect' })   // [2, 1, 2, 3, 2, 1]
 */
export function pad(x: Tensor, padding: readonly (readonly [before: number, after: number])[], options: PadOptions = {}): Tensor {
  checkTensor('pad', 'x', x);
  checkOptions('pad', options, ['mode', 'value']);
  const { mode = 'constant', value = 0 } = options;
  checkNumber('pad', 'value', value);
  checkInRange('pad', 'value', value, x.dtype, 'cast x to f32 first');
  if (!isList(padding) || padding.length !== x.rank || !padding.every(arePair)) {
    throw new ShapeError(
      `pad: padding ${JSON.stringify(padding)} does not fit ${formatShape(x.shape)}; give [before, after], whole numbers from 0 on, for each axis`,
    );
  }
  if (mode === 'constant') {
    return padInterior(
      x,
      padding.map(([before, after]) => [before, after, 0] as const),
      value,
    );
  }
  const extend = Object.hasOwn(borders, mode) ? borders[mode] : undefined;
  if (!extend) throw new ArgumentError(`pad: mode '${String(mode)}' is none of constant, reflect, edge`);
  return padding.reduce((padded, [before, after], axis) => {
    if (before === 0 && after === 0) return padded;
    const parts = [extend(padded, axis, before, 'before'), padded, extend(padded, axis, after, 'after')];
    return concat(
      parts.filter((part) => part.shape[axis] > 0),
      axis,
    );
  }, x);
}

const arePair = (sides: unknown): boolean =>
  Array.isArray(sides) && sides.length === 2 && sides.every((n) => Number.isInteger(n) && (n as number) >= 0);

type Border = (x: Tensor, axis: number, count: number, side: 'before' | 'after') => Tensor;

const borders: Record<'reflect' | 'edge', Border> = {
  reflect: (x, axis, count, side) => {
    const n = x.shape[axis];
    if (count >= n)
      throw new ShapeError(`pad: cannot reflect ${count} elements of axis ${axis} of ${formatShape(x.shape)}; at most ${n - 1}`);
    return flip(sliceAxis(x, axis, side === 'before' ? 1 : n - 1 - count, count), axis);
  },
  edge: (x, axis, count, side) => {
    const n = x.shape[axis];
    if (n === 0) throw new ShapeError(`pad: axis ${axis} of ${formatShape(x.shape)} has no border to repeat`);
    return broadcastTo(
      sliceAxis(x, axis, side === 'before' ? 0 : n - 1, 1),
      x.shape.map((size, i) => (i === axis ? count : size)),
    );
  },
};
