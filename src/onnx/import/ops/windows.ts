// Parts of tensors, and borders around them.
import type { Tensor } from '../../../graph/tensor.ts';
import { concat, pad, slice, split } from '../../../ops/index.ts';
import type { Call, RuleTable } from '../call.ts';

/** Starts and ends are clamped to the axis, so the largest integers mean its ends. */
function sliced(call: Call): Tensor {
  const x = call.tensor(0);
  const starts = call.list(1, 'starts') ?? call.fail('starts is missing');
  const ends = call.list(2, 'ends') ?? call.fail('ends is missing');
  const axes = call.axes(call.list(3, 'axes') ?? starts.map((_, i) => i), x.rank);
  const steps = call.has(4) ? call.numbers(4, 'steps') : starts.map(() => 1);
  if (new Set([starts, ends, axes, steps].map(({ length }) => length)).size > 1) {
    call.fail(`starts, ends, axes and steps have ${starts.length}, ${ends.length}, ${axes.length} and ${steps.length} entries`);
  }
  const begin = x.shape.map(() => 0);
  const end: (number | undefined)[] = [...x.shape];
  const strides = x.shape.map(() => 1);
  axes.forEach((axis, i) => {
    const n = x.shape[axis];
    begin[axis] = Math.max(-n, Math.min(n, starts[i]));
    strides[axis] = steps[i];
    // Before the first element: only an absent end says so.
    end[axis] = steps[i] < 0 && ends[i] < -n ? undefined : Math.max(-n, Math.min(n, ends[i]));
  });
  return slice(x, begin, end, strides);
}

/** Before opset 13 the sizes are an attribute. Without sizes the parts are equal; the last one may be smaller. */
function parts(call: Call): Tensor[] {
  const x = call.tensor(0);
  const axis = call.axis(call.int('axis', 0), x.rank);
  const n = x.shape[axis];
  const count = call.int('num_outputs', call.outputs);
  if (count !== call.outputs) call.fail(`num_outputs is ${count}; the node has ${call.outputs} outputs`);
  const size = Math.ceil(n / count);
  const sizes = call.list(1, 'split') ?? Array.from({ length: count }, (_, i) => Math.max(0, Math.min(size, n - i * size)));
  return split(x, sizes, axis);
}

/** Repetitions of an axis in the mode wrap. */
const maxTurns = 1000;
const modes = ['constant', 'reflect', 'edge', 'wrap'];

function padded(call: Call): Tensor {
  const x = call.tensor(0);
  const mode = call.text('mode', 'constant');
  if (!modes.includes(mode)) call.fail(`mode is '${mode}'; it must be one of ${modes.join(', ')}`);
  const pads = call.list(1, 'pads') ?? call.ints('paddings') ?? call.fail('pads is missing');
  const axes = call.has(3) ? call.axes(call.numbers(3, 'axes'), x.rank) : x.shape.map((_, i) => i);
  if (pads.length !== 2 * axes.length) call.fail(`pads has ${pads.length} entries; it needs ${2 * axes.length}`);
  const value = call.has(2) ? call.number(2, 'constant_value') : call.float('value', 0);
  const sides = x.shape.map((_, i): [number, number] => {
    const at = axes.indexOf(i);
    return at < 0 ? [0, 0] : [pads[at], pads[at + axes.length]];
  });
  // Negative borders cut elements off.
  const cut = slice(
    x,
    sides.map(([before]) => Math.max(0, -before)),
    sides.map(([, after], i) => x.shape[i] - Math.max(0, -after)),
  );
  const grown = sides.map(([before, after]): [number, number] => [Math.max(0, before), Math.max(0, after)]);
  const far = cut.shape.findIndex((n, i) => Math.max(...grown[i]) > maxTurns * n);
  if (mode === 'wrap' && far >= 0) call.fail(`pads of axis ${far} repeat its ${cut.shape[far]} elements more than ${maxTurns} times`);
  if (mode === 'wrap') return grown.reduce(wrappedAround, cut);
  return pad(cut, grown, mode === 'constant' ? { value } : { mode: mode as 'reflect' | 'edge' });
}

/** Continues an axis with its own elements, from the other end. */
function wrappedAround(x: Tensor, [before, after]: readonly [number, number], axis: number): Tensor {
  const n = x.shape[axis];
  if (n === 0 || (before === 0 && after === 0)) return x;
  const part = (begin: number, end: number): Tensor[] => {
    const at = (value: number): number[] => x.shape.map((_, i) => (i === axis ? value : 0));
    const until = x.shape.map((size, i) => (i === axis ? end : size));
    return begin < end ? [slice(x, at(begin), until)] : [];
  };
  const whole = (times: number): Tensor[] => Array.from({ length: times }, () => x);
  const list = [...part(n - (before % n), n), ...whole(Math.floor(before / n)), x, ...whole(Math.floor(after / n)), ...part(0, after % n)];
  return concat(list, axis);
}

export const windowRules: RuleTable = {
  Pad: { run: padded, hostInputs: [1, 2, 3] },
  Slice: { run: sliced, hostInputs: [1, 2, 3, 4] },
  Split: { run: parts, hostInputs: [1] },
};
