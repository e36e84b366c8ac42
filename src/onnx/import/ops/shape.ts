// Changes of shape: views, joins and repetitions.
import { broadcastShapes, sizeOf } from '../../../core/shape.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import {
  arange,
  broadcastTo,
  concat,
  depthToSpace,
  less,
  reshape,
  spaceToDepth,
  squeeze,
  takeAlongAxis,
  tile,
  transpose,
  triL,
  triU,
  where,
  sub,
  cast,
} from '../../../ops/index.ts';
import type { Call, RuleTable } from '../call.ts';
import { Value } from '../value.ts';

/** 0 keeps the size of the input, -1 takes the rest. */
function reshaped(call: Call): Tensor {
  const x = call.tensor(0);
  const wanted = call.list(1, 'shape') ?? [];
  const allowZero = call.flag('allowzero');
  const shape = wanted.map((n, i) =>
    n === 0 && !allowZero ? (x.shape[i] ?? call.fail(`shape[${i}] is 0; the input has ${x.rank} axes`)) : n,
  );
  if (shape.filter((n) => n === -1).length > 1) call.fail(`shape is [${wanted.join()}]; -1 may occur once`);
  return reshape(x, shape);
}

function flattened(call: Call): Tensor {
  const x = call.tensor(0);
  const axis = call.int('axis', 1);
  const at = axis < 0 ? axis + x.rank : axis;
  if (at < 0 || at > x.rank) call.fail(`axis is ${axis}; the input has ${x.rank} axes`);
  return reshape(x, [sizeOf(x.shape.slice(0, at)), sizeOf(x.shape.slice(at))]);
}

function unsqueezed(call: Call): Tensor {
  const x = call.tensor(0);
  const given = call.list(1, 'axes') ?? [];
  const rank = x.rank + given.length;
  const axes = call.axes(given, rank);
  let next = 0;
  return reshape(
    x,
    Array.from({ length: rank }, (_, i) => (axes.includes(i) ? 1 : x.shape[next++])),
  );
}

function squeezed(call: Call): Tensor {
  const x = call.tensor(0);
  const given = call.list(1, 'axes');
  return squeeze(x, given && call.axes(given, x.rank));
}

function expanded(call: Call): Tensor {
  const x = call.tensor(0);
  return broadcastTo(x, broadcastShapes('Expand', x.shape, call.numbers(1, 'shape')));
}

function tiled(call: Call): Tensor {
  const x = call.tensor(0);
  const repeats = call.numbers(1, 'repeats');
  if (repeats.length !== x.rank) call.fail(`repeats has ${repeats.length} entries; the input has ${x.rank} axes`);
  return tile(x, repeats);
}

/** Sizes of axes from `start` to `end`. */
function shapeOf(call: Call): Value {
  const { shape } = call.value(0);
  return Value.ofIntegers(shape.slice(call.int('start', 0), call.int('end', shape.length)));
}

function blocks(call: Call): number {
  call.checkRank(0, 4);
  return call.int('blocksize') ?? call.fail('blocksize is missing');
}

const toLast = (x: Tensor): Tensor => transpose(x, [0, 2, 3, 1]);
const toFirst = (x: Tensor): Tensor => transpose(x, [0, 3, 1, 2]);

/** DCR reads channels as [block, block, channels], CRD as [channels, block, block]. */
function deeper(call: Call): Tensor {
  const block = blocks(call);
  const x = call.tensor(0);
  if (call.text('mode', 'DCR') === 'DCR') return toFirst(depthToSpace(toLast(x), block));
  const [batch, channels, height, width] = x.shape;
  const depth = channels / (block * block);
  const parts = reshape(x, [batch, depth, block, block, height, width]);
  return reshape(transpose(parts, [0, 1, 4, 2, 5, 3]), [batch, depth, height * block, width * block]);
}

/** Reverses the first steps of each sequence, as many as its length. */
function reverseSequence(call: Call): Tensor {
  const x = call.tensor(0);
  const [timeAxis, batchAxis] = [call.int('time_axis', 0), call.int('batch_axis', 1)];
  if (!(timeAxis + batchAxis === 1 && timeAxis * batchAxis === 0)) call.fail('time_axis and batch_axis must be 0 and 1');
  const along = (axis: number, n: number): number[] => [0, 1].map((i) => (i === axis ? n : 1));
  const steps = reshape(arange(x.shape[timeAxis]), along(timeAxis, x.shape[timeAxis]));
  const lengths = reshape(cast(call.tensor(1), 'i32'), along(batchAxis, x.shape[batchAxis]));
  const places = where(less(steps, lengths), sub(sub(lengths, steps), 1), steps);
  const wide = reshape(places, [...places.shape, ...x.shape.slice(2).map(() => 1)]);
  return takeAlongAxis(x, broadcastTo(wide, x.shape), { axis: timeAxis });
}

export const shapeRules: RuleTable = {
  Concat: (call) => {
    const list = call.all().map(({ tensor }) => tensor);
    return concat(list, call.axis(call.int('axis') ?? call.fail('axis is missing'), list[0].rank));
  },
  DepthToSpace: deeper,
  Expand: { run: expanded, hostInputs: [1] },
  Flatten: flattened,
  Reshape: { run: reshaped, hostInputs: [1] },
  ReverseSequence: reverseSequence,
  Shape: shapeOf,
  Size: (call) => Value.ofElements('INT64', [], [sizeOf(call.shape(0))]),
  SpaceToDepth: (call) => toFirst(spaceToDepth(toLast(call.tensor(0)), blocks(call))),
  Squeeze: { run: squeezed, hostInputs: [1] },
  Tile: { run: tiled, hostInputs: [1] },
  Transpose: (call) => {
    const x = call.tensor(0);
    return transpose(x, call.ints('perm'));
  },
  Trilu: {
    hostInputs: [1],
    run: (call) => {
      const k = call.has(1) ? call.number(1, 'k') : 0;
      return call.flag('upper', 1) ? triU(call.tensor(0), { k }) : triL(call.tensor(0), { k });
    },
  },
  Unsqueeze: { run: unsqueezed, hostInputs: [1] },
};
