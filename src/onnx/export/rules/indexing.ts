// Gathering, scattering, sorting and running sums.
import { dependsOnBatch } from '../../../core/batchAxis.ts';
import type { Shape } from '../../../core/shape.ts';
import { elementOfDtype } from '../../format/elements.ts';
import { int, text } from '../attributes.ts';
import type { ExportCall, ExportRule, ExportTable } from '../call.ts';

interface AxisAttributes {
  readonly axis: number;
}

const modes = { add: 'add', replace: 'none', multiply: 'mul', min: 'min', max: 'max' } as const;
type Mode = keyof typeof modes;

function reductionOf(call: ExportCall, mode: Mode): ReturnType<typeof text> {
  if (mode === 'min' || mode === 'max') call.needs(18, `the mode '${mode}'`);
  return text(modes[mode]);
}

const zerosOf = (call: ExportCall, shape: Shape): string => call.writer.expand(call.number(0), shape);

/** Sum of updates with indices of their own, into zeros. */
const scatterAlong: ExportRule = (call) => {
  const { axis } = call.attributes<AxisAttributes>();
  const inputs = [zerosOf(call, call.output.shape), call.x(1), call.x(0)];
  return call.emit('ScatterElements', inputs, { axis: int(axis), reduction: text('add') });
};

/** Updates of whole rows. ScatterND takes rows along the first axes. */
function scatterRows(call: ExportCall, base: string, indices: number, updates: number, axis: number, mode: Mode): string {
  const { writer } = call;
  const { shape } = call.output;
  const count = call.shape(indices).length;
  const rank = shape.length;
  const others = shape.map((_, i) => i).filter((i) => i !== axis);
  const wide = call.shape(updates).map((_, i) => i);
  const own = wide.slice(axis, axis + count);
  const forward = [axis, ...others];
  const back = Array.from({ length: rank }, (_, i) => forward.indexOf(i));
  const tuples = writer.unsqueeze(writer.cast(call.x(indices), 'INT64'), [count]);
  const rows = writer.transpose(call.x(updates), [...own, ...wide.filter((i) => !own.includes(i))]);
  const y = call.emit('ScatterND', [writer.transpose(base, forward), tuples, rows], { reduction: reductionOf(call, mode) });
  return writer.transpose(y, back);
}

const scatterSum: ExportRule = (call) =>
  scatterRows(call, zerosOf(call, call.output.shape), 1, 0, call.attributes<AxisAttributes>().axis, 'add');

const scatterReduce: ExportRule = (call) => {
  const { axis, mode, ownIndices } = call.attributes<AxisAttributes & { readonly mode: Mode; readonly ownIndices: boolean }>();
  if (!ownIndices) return scatterRows(call, call.x(0), 1, 2, axis, mode);
  return call.emit('ScatterElements', [call.x(0), call.x(1), call.x(2)], { axis: int(axis), reduction: reductionOf(call, mode) });
};

/** TopK of all elements. */
const argSort: ExportRule = (call) => {
  const { axis, descending } = call.attributes<AxisAttributes & { readonly descending: boolean }>();
  const [, indices] = call.writer.nodeWith(2, 'TopK', [call.x(0), call.writer.list([call.shape(0)[axis]])], {
    axis: int(axis),
    largest: int(Number(descending)),
  });
  return call.writer.cast(indices, 'INT32');
};

interface ScanAttributes extends AxisAttributes {
  readonly reverse: boolean;
  readonly exclusive: boolean;
  readonly lagged: boolean;
}

const cumSum: ExportRule = (call) => {
  const { axis, reverse, exclusive } = call.attributes<ScanAttributes>();
  const at = call.writer.constant('INT64', [], [axis]);
  return call.emit('CumSum', [call.x(0), at], { reverse: int(Number(reverse)), exclusive: int(Number(exclusive)) });
};

/** Moves elements along an axis by some places, towards the end of the scan, and fills with a number. */
function shifted(call: ExportCall, x: string, places: number, fill: number): string {
  const { axis, reverse } = call.attributes<ScanAttributes>();
  const { shape, dtype } = call.output;
  const n = shape[axis];
  const distance = Math.min(n, places);
  const kept = call.writer.slice(x, axis, reverse ? distance : 0, reverse ? n : n - distance);
  const borders = shape.map((_, i) => (i === axis ? distance : 0));
  const none = shape.map(() => 0);
  const list = call.writer.list(reverse ? [...none, ...borders] : [...borders, ...none]);
  return call.emit('Pad', [kept, list, call.number(fill, dtype)]);
}

/** Length of the scanned axis, which decides the number of steps. */
function lengthOf(call: ExportCall): number {
  const n = call.output.shape[call.attributes<ScanAttributes>().axis];
  return dependsOnBatch(n) ? call.fail('it scans the batch axis, whose size is free; pass { batchSize }') : n;
}

/** Products by doubling distances (Hillis and Steele, Data Parallel Algorithms, 1986). */
const cumProd: ExportRule = (call) => {
  const { exclusive } = call.attributes<ScanAttributes>();
  const n = lengthOf(call);
  let y = exclusive ? shifted(call, call.x(0), 1, 1) : call.x(0);
  for (let distance = 1; distance < n; distance *= 2) y = call.emit('Mul', [y, shifted(call, y, distance, 1)]);
  return y;
};

/** h[t] = a[t] h[t-1] + b[t], by doubling the distance of pairs (a, b). */
const linearRecurrence: ExportRule = (call) => {
  const { lagged, exclusive } = call.attributes<ScanAttributes>();
  const n = lengthOf(call);
  let a = lagged ? shifted(call, call.x(0), 1, 0) : call.x(0);
  let b = call.x(1);
  for (let distance = 1; distance < n; distance *= 2) {
    b = call.emit('Add', [call.emit('Mul', [a, shifted(call, b, distance, 0)]), b]);
    a = call.emit('Mul', [a, shifted(call, a, distance, 1)]);
  }
  return exclusive ? shifted(call, b, 1, 0) : b;
};

/** Positions of running extremes, by doubling distances. Of equal elements the latest counts. */
const cumArgExtreme: ExportRule = (call) => {
  const { axis, largest, reverse } = call.attributes<ScanAttributes & { readonly largest: boolean }>();
  const n = lengthOf(call);
  const { writer } = call;
  const { shape } = call.output;
  const line = writer.constant('INT32', shape.map((_, i) => (i === axis ? n : 1)), Float64Array.from({ length: n }, (_, i) => i)); // prettier-ignore
  let places = writer.expand(line, shape);
  for (let distance = 1; distance < n; distance *= 2) {
    // Positions before the first one are those of the first element.
    const before = shifted(call, places, distance, reverse ? n - 1 : 0);
    const [own, other] = [places, before].map((at) => call.emit('GatherElements', [call.x(0), at], { axis: int(axis) }));
    places = call.emit('Where', [call.emit(largest ? 'GreaterOrEqual' : 'LessOrEqual', [own, other]), places, before]);
  }
  return places;
};

/** x [B, P, C], indices [B, N, T], weights [B, N, T] -> Σ w x. An index of P reads zeros, which are added as a row. */
const weightedGather: ExportRule = (call) => {
  const { writer } = call;
  const x = call.emit('Pad', [call.x(0), writer.list([0, 0, 0, 0, 1, 0]), call.number(0)]);
  const tuples = writer.unsqueeze(writer.cast(call.x(1), 'INT64'), [3]);
  const taps = call.emit('GatherND', [x, tuples], { batch_dims: int(1) });
  const weights = writer.unsqueeze(call.x(2), [3]);
  const sum = writer.reduce('ReduceSum', call.emit('Mul', [writer.cast(taps, 'FLOAT'), weights]), [2]);
  return writer.cast(sum, elementOfDtype[call.output.dtype]);
};

export const indexingRules: ExportTable = {
  argSort,
  cumArgExtreme,
  cumProd,
  cumSum,
  gather: (call) => call.emit('Gather', [call.x(0), call.x(1)], { axis: int(call.attributes<AxisAttributes>().axis) }),
  linearRecurrence,
  scatterAlongAxis: scatterAlong,
  scatterDistinct: scatterAlong,
  scatterReduce,
  scatterSum,
  takeAlongAxis: (call) => call.emit('GatherElements', [call.x(0), call.x(1)], { axis: int(call.attributes<AxisAttributes>().axis) }),
  weightedGather,
};
