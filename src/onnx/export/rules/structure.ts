// Views, joins, borders and reductions.
import { dependsOnBatch } from '../../../core/batchAxis.ts';
import type { Shape } from '../../../core/shape.ts';
import { firstInteger, int, lastInteger, text } from '../attributes.ts';
import type { ExportCall, ExportRule, ExportTable } from '../call.ts';

interface SliceAttributes {
  readonly begin: readonly number[];
  readonly size: Shape;
  readonly strides: readonly number[];
}

/** Only axes of which something is left out are listed. An end at the border of an axis is the largest integer. */
function slice(call: ExportCall): string {
  const { begin, size, strides } = call.attributes<SliceAttributes>();
  const shape = call.shape(0);
  const axes = shape.flatMap((n, axis) => (begin[axis] === 0 && size[axis] === n && strides[axis] === 1 ? [] : [axis]));
  if (axes.length === 0) return call.x(0);
  const starts = axes.map((axis) => (strides[axis] < 0 && begin[axis] === shape[axis] - 1 ? lastInteger : begin[axis]));
  const ends = axes.map((axis) => {
    if (size[axis] === 0) return begin[axis];
    const end = begin[axis] + (size[axis] - 1) * strides[axis] + Math.sign(strides[axis]);
    if (end < 0) return firstInteger;
    return end === shape[axis] && dependsOnBatch(end) ? lastInteger : end;
  });
  const lists = [starts, ends, axes, axes.map((axis) => strides[axis])].map((numbers) => call.writer.list(numbers));
  return call.emit('Slice', [call.x(0), ...lists]);
}

interface PadAttributes {
  readonly padding: readonly (readonly [before: number, after: number, interior: number])[];
  readonly value: number;
}

/** Gaps between elements: a new axis is padded, and joined with its neighbour. */
function pad(call: ExportCall): string {
  const { padding, value } = call.attributes<PadAttributes>();
  const { writer } = call;
  const fill = call.number(value);
  const bordered = (x: string, before: readonly number[], after: readonly number[]): string =>
    [...before, ...after].every((n) => n === 0)
      ? x
      : writer.node('Pad', [x, writer.list([...before, ...after]), fill], { mode: text('constant') });
  let x = call.x(0);
  let shape = [...call.shape(0)];
  padding.forEach(([, , interior], axis) => {
    if (interior === 0 || shape[axis] < 2) return;
    const n = shape[axis];
    const zeros = new Array<number>(shape.length + 1).fill(0);
    const wide = bordered(
      writer.unsqueeze(x, [axis + 1]),
      zeros,
      zeros.map((_, i) => (i === axis + 1 ? interior : 0)),
    );
    shape = shape.map((size, i) => (i === axis ? n * (interior + 1) : size));
    x = writer.slice(writer.reshape(wide, shape), axis, 0, (n - 1) * (interior + 1) + 1);
    shape[axis] = (n - 1) * (interior + 1) + 1;
  });
  return bordered(
    x,
    padding.map(([before]) => before),
    padding.map(([, after]) => after),
  );
}

/** The main diagonal: every (n + 1)-th element of the square of n rows. */
function diagonal(call: ExportCall): string {
  const { writer } = call;
  const shape = call.shape(0);
  const n = call.output.shape[call.output.shape.length - 1];
  const last = shape.length - 1;
  const square = [last - 1, last].reduce((x, axis) => (shape[axis] === n ? x : writer.slice(x, axis, 0, n)), call.x(0));
  const flat = writer.reshape(square, [...shape.slice(0, -2), n * n]);
  return writer.slice(flat, last - 1, 0, n * n, n + 1);
}

const reduction =
  (op: string): ExportRule =>
  (call) => {
    const { axes } = call.attributes<{ readonly axes: readonly number[] }>();
    return axes.length === 0 ? call.x(0) : call.writer.reduce(op, call.x(0), axes);
  };

/** Reductions of bools are those of integers. */
const ofBools =
  (op: string): ExportRule =>
  (call) => {
    const { axes } = call.attributes<{ readonly axes: readonly number[] }>();
    if (axes.length === 0) return call.x(0);
    return call.writer.cast(call.writer.reduce(op, call.writer.cast(call.x(0), 'INT32'), axes), 'BOOL');
  };

/** Positions are int64 in ONNX. */
const position =
  (op: string): ExportRule =>
  (call) => {
    const [axis] = call.attributes<{ readonly axes: readonly number[] }>().axes;
    return call.writer.cast(call.emit(op, [call.x(0)], { axis: int(axis), keepdims: int(0) }), 'INT32');
  };

const same: ExportRule = (call) => call.x(0);

function iota(call: ExportCall): string {
  const { size } = call.attributes<{ readonly size: number }>();
  const { writer } = call;
  if (!dependsOnBatch(size))
    return writer.constant(
      'INT32',
      [size],
      Float64Array.from({ length: size }, (_, i) => i),
    );
  const limit = writer.squeeze(writer.list([size]), [0]);
  const numbers = writer.node('Range', [writer.constant('INT64', [], [0]), limit, writer.constant('INT64', [], [1])]);
  return writer.cast(numbers, 'INT32');
}

export const structureRules: ExportTable = {
  alias: same,
  all: ofBools('ReduceMin'),
  any: ofBools('ReduceMax'),
  argMax: position('ArgMax'),
  argMaxOfIntegers: position('ArgMax'),
  argMin: position('ArgMin'),
  argMinOfIntegers: position('ArgMin'),
  concat: (call) => {
    const { axis } = call.attributes<{ readonly axis: number }>();
    return call.emit(
      'Concat',
      call.node.inputs.map((_, i) => call.x(i)),
      { axis: int(axis) },
    );
  },
  diagonal,
  euclideanNorm: reduction('ReduceL2'),
  iota,
  max: reduction('ReduceMax'),
  maxOfIntegers: reduction('ReduceMax'),
  min: reduction('ReduceMin'),
  minOfIntegers: reduction('ReduceMin'),
  pad,
  prod: reduction('ReduceProd'),
  recompute: same,
  region: (call) => call.node.types.map(() => undefined),
  regionResult: same,
  reshape: (call) => call.writer.reshape(call.x(0), call.output.shape),
  slice,
  stopGradient: same,
  sum: reduction('ReduceSum'),
  transpose: (call) => call.writer.transpose(call.x(0), call.attributes<{ readonly permutation: readonly number[] }>().permutation),
};
