// Ops whose result sizes depend on the data. They are computed on the host, so their inputs must be known there.
import { sizeOf, stridesOf } from '../../../core/shape.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { flatten, gather, tensor } from '../../../ops/index.ts';
import type { Call, RuleTable } from '../call.ts';
import { Value } from '../value.ts';

const indexTensor = (indices: readonly number[]): Tensor => tensor(Int32Array.from(indices), [indices.length], 'i32');

/** Positions of the elements that are not 0, [rank, count]. */
function nonZero(call: Call): Value {
  const data = call.numbers(0, 'X');
  const shape = call.shape(0);
  const places = data.flatMap((x, i) => (x !== 0 ? [i] : []));
  const rows = stridesOf(shape).flatMap((stride, axis) => places.map((i) => Math.floor(i / stride) % shape[axis]));
  return Value.ofElements('INT64', [shape.length, places.length], rows);
}

/** Elements or slices whose condition is true. */
function compressed(call: Call): Tensor {
  const kept = call.numbers(1, 'condition').flatMap((flag, i) => (flag ? [i] : []));
  const axis = call.int('axis');
  if (axis === undefined) return gather(flatten(call.tensor(0)), indexTensor(kept));
  return gather(call.tensor(0), indexTensor(kept), { axis: call.axis(axis, call.shape(0).length) });
}

/** Distinct slices, their first positions, the position of each slice among them, and their counts. */
function unique(call: Call): (Tensor | Value)[] {
  const given = call.tensor(0);
  const axis = call.int('axis');
  const x = axis === undefined ? flatten(given) : given;
  const at = axis === undefined ? 0 : call.axis(axis, x.rank);
  const data = call.numbers(0, 'X');
  const inner = sizeOf(x.shape.slice(at + 1));
  const n = x.shape[at];
  const slices = Array.from({ length: n }, (_, k) => data.filter((_, i) => Math.floor(i / inner) % n === k));
  const groups = new Map<string, number[]>();
  slices.forEach((slice, k) => {
    const key = slice.join();
    groups.set(key, [...(groups.get(key) ?? []), k]);
  });
  const found = [...groups.values()];
  if (call.flag('sorted', 1)) found.sort(([a], [b]) => compare(slices[a], slices[b]));
  const firsts = found.map(([first]) => first);
  const inverse = new Array<number>(n);
  found.forEach((members, i) => members.forEach((k) => (inverse[k] = i)));
  const counts = found.map(({ length }) => length);
  return [gather(x, indexTensor(firsts), { axis: at }), ...[firsts, inverse, counts].map((list) => Value.ofIntegers(list))];
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((x, i) => x !== b[i]);
  return at < 0 ? 0 : a[at] - b[at];
}

type Box = readonly [top: number, left: number, bottom: number, right: number];

/** Share of the union of two boxes that both cover. */
function overlap(a: Box, b: Box): number {
  const area = ([top, left, bottom, right]: Box): number => Math.max(0, bottom - top) * Math.max(0, right - left);
  const common = area([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]);
  const union = area(a) + area(b) - common;
  return union > 0 ? common / union : 0;
}

/** Keeps boxes in the order of their scores, unless they overlap with one that is kept. Rows are (batch, class, box). */
function suppressed(call: Call): Value {
  const [boxes, scores] = [call.numbers(0, 'boxes'), call.numbers(1, 'scores')];
  const [batch, classes, count] = call.shape(1);
  const most = call.has(2) ? call.number(2, 'max_output_boxes_per_class') : 0;
  const threshold = call.has(3) ? call.number(3, 'iou_threshold') : 0;
  const least = call.has(4) ? call.number(4, 'score_threshold') : -Infinity;
  const isCentered = call.flag('center_point_box');
  const boxOf = (at: number): Box => {
    const [a, b, c, d] = boxes.slice(4 * at, 4 * at + 4);
    if (isCentered) return [b - d / 2, a - c / 2, b + d / 2, a + c / 2];
    return [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)];
  };
  const rows: number[] = [];
  for (let image = 0; image < batch; image++) {
    for (let kind = 0; kind < classes; kind++) {
      const score = (box: number): number => scores[(image * classes + kind) * count + box];
      const order = Array.from({ length: count }, (_, i) => i).filter((box) => score(box) > least);
      const kept: number[] = [];
      for (const box of order.sort((a, b) => score(b) - score(a))) {
        if (kept.length >= most) break;
        const own = boxOf(image * count + box);
        if (kept.every((other) => overlap(own, boxOf(image * count + other)) <= threshold)) kept.push(box);
      }
      for (const box of kept) rows.push(image, kind, box);
    }
  }
  return Value.ofElements('INT64', [rows.length / 3, 3], rows);
}

export const dynamicRules: RuleTable = {
  Compress: { run: compressed, hostInputs: [1] },
  NonMaxSuppression: { run: suppressed, hostInputs: [0, 1, 2, 3, 4] },
  NonZero: { run: nonZero, hostInputs: [0] },
  Unique: { run: unique, hostInputs: [0] },
};
