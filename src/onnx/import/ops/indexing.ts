// Gathering and scattering. Negative indices count from the end.
import type { Tensor } from '../../../graph/tensor.ts';
import {
  add,
  arange,
  broadcastTo,
  cast,
  gather,
  gatherNd,
  less,
  reshape,
  scatterAlongAxis,
  scatterNd,
  slice,
  stack,
  takeAlongAxis,
  tensor,
  where,
  type ScatterMode,
} from '../../../ops/index.ts';
import type { Call, RuleTable } from '../call.ts';
import type { Value } from '../value.ts';

/** Indices along an axis of n elements, from 0 on. */
function indicesOf(call: Call, i: number, n: number): Tensor {
  const indices = call.value(i);
  const { constant } = indices;
  if (!constant) {
    const t = cast(indices.tensor, 'i32');
    return where(less(t, 0), add(t, n), t);
  }
  return tensor(
    Int32Array.from(constant, (index) => (index < 0 ? index + n : index)),
    indices.shape,
    'i32',
  );
}

function gathered(call: Call): Tensor {
  const x = call.tensor(0);
  const axis = call.axis(call.int('axis', 0), x.rank);
  return gather(x, indicesOf(call, 1, x.shape[axis]), { axis });
}

function gatheredAlong(call: Call): Tensor {
  const x = call.tensor(0);
  const axis = call.axis(call.int('axis', 0), x.rank);
  const indices = indicesOf(call, 1, x.shape[axis]);
  if (indices.rank !== x.rank) call.fail(`indices have ${indices.rank} axes; the data have ${x.rank}`);
  // Indices may cover a part of the other axes.
  const part = x.shape.map((n, i) => (i === axis ? n : Math.min(n, indices.shape[i])));
  return takeAlongAxis(part.every((n, i) => n === x.shape[i]) ? x : slice(x, [], part), indices, { axis });
}

const modeNames: Readonly<Record<string, ScatterMode>> = { none: 'replace', add: 'add', mul: 'multiply', min: 'min', max: 'max' };

function modeOf(call: Call): ScatterMode {
  const name = call.text('reduction', 'none');
  return Object.hasOwn(modeNames, name)
    ? modeNames[name]
    : call.fail(`reduction is '${name}'; it must be one of ${Object.keys(modeNames).join(', ')}`);
}

function scatteredAlong(call: Call): Tensor {
  const x = call.tensor(0);
  const axis = call.axis(call.int('axis', 0), x.rank);
  const indices = indicesOf(call, 1, x.shape[axis]);
  const [updates, mode] = [call.tensor(2), modeOf(call)];
  const isWhole = indices.shape.every((n, i) => i === axis || n === x.shape[i]);
  if (isWhole) return scatterAlongAxis(x, indices, updates, { axis, mode });
  return scatterNd(x, tuplesOf(indices, axis), updates, { mode });
}

/** The position of each index as a tuple, [..indices, rank]. */
function tuplesOf(indices: Tensor, axis: number): Tensor {
  const parts = indices.shape.map((n, i) => {
    if (i === axis) return indices;
    const line = arange(n);
    return broadcastTo(
      reshape(
        line,
        indices.shape.map((_, k) => (k === i ? n : 1)),
      ),
      indices.shape,
    );
  });
  return stack(parts, -1);
}

/** Tuples of indices from 0 on. */
function tuplesFrom(indices: Value, sizes: readonly number[]): Tensor {
  const given = cast(indices.tensor, 'i32');
  const length = indices.shape[indices.shape.length - 1] ?? 0;
  const extent = tensor(Int32Array.from(sizes.slice(0, length)), [length], 'i32');
  return where(less(given, 0), add(given, extent), given);
}

export const indexingRules: RuleTable = {
  Gather: gathered,
  GatherElements: gatheredAlong,
  GatherND: (call) => {
    const x = call.tensor(0);
    const batchDims = call.int('batch_dims', 0);
    return gatherNd(x, tuplesFrom(call.value(1), x.shape.slice(batchDims)), { batchDims });
  },
  Scatter: scatteredAlong,
  ScatterElements: scatteredAlong,
  ScatterND: (call) => {
    const x = call.tensor(0);
    return scatterNd(x, tuplesFrom(call.value(1), x.shape), call.tensor(2), { mode: modeOf(call) });
  },
};
