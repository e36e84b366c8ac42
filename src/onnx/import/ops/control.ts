// Branches and loops. Conditions and counts are known while the graph is built, so loops are unrolled.
import { ones, slice, squeeze, stack } from '../../../ops/index.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import type { Call, RuleTable } from '../call.ts';
import { Value } from '../value.ts';

function branch(call: Call): Value[] {
  const condition = call.number(0, 'cond');
  return call.runGraph(call.graph(condition ? 'then_branch' : 'else_branch'), []);
}

/** Joins the results of all steps. */
const joined = (values: readonly Value[], axis = 0): Tensor =>
  stack(
    values.map(({ tensor }) => tensor),
    axis,
  );

/** State goes from step to step; further outputs of the body are stacked. */
function loop(call: Call): (Value | Tensor)[] {
  const most = call.has(0) ? call.number(0, 'M') : Infinity;
  const body = call.graph('body');
  let isGoing = call.has(1) ? call.number(1, 'cond') !== 0 : true;
  let state = Array.from({ length: call.count - 2 }, (_, i) => call.value(i + 2));
  const scans: Value[][] = Array.from({ length: Math.max(0, call.outputs - state.length) }, () => []);
  for (let step = 0; step < most && isGoing; step++) {
    const [condition, ...results] = call.runGraph(body, [
      Value.ofElements('INT64', [], [step]),
      Value.ofElements('BOOL', [], [1]),
      ...state,
    ]);
    const known = condition?.elements();
    if (!known) call.fail('the condition of the body depends on the data; loops need a known number of steps');
    isGoing = known[0] !== 0;
    state = results.slice(0, state.length);
    scans.forEach((list, i) => list.push(results[state.length + i] ?? call.fail(`the body has no output for scan ${i}`)));
  }
  if (scans.some((list) => list.length === 0)) call.fail('no step runs, so the outputs of the steps have no shape');
  return [...state, ...scans.map((list) => joined(list))];
}

/** The body runs once for each position along the scan axes. */
function scan(call: Call): (Value | Tensor)[] {
  const count = call.int('num_scan_inputs') ?? call.fail('num_scan_inputs is missing');
  const body = call.graph('body');
  const states = call.count - count;
  const outputs = call.outputs - states;
  const list = (name: string, length: number): number[] => call.ints(name) ?? new Array<number>(length).fill(0);
  const inputs = Array.from({ length: count }, (_, i) => call.tensor(states + i));
  const axes = inputs.map((x, i) => call.axis(list('scan_input_axes', count)[i] ?? 0, x.rank));
  const directions = list('scan_input_directions', count);
  const steps = inputs[0]?.shape[axes[0]] ?? call.fail('it has no scan inputs');
  let state = Array.from({ length: states }, (_, i) => call.value(i));
  const scans: Value[][] = Array.from({ length: outputs }, () => []);
  const reversed = list('scan_output_directions', outputs);
  for (let step = 0; step < steps; step++) {
    const parts = inputs.map((x, i) => {
      const at = directions[i] ? steps - 1 - step : step;
      const begin = x.shape.map((_, axis) => (axis === axes[i] ? at : 0));
      const end = x.shape.map((n, axis) => (axis === axes[i] ? at + 1 : n));
      return Value.ofTensor(squeeze(slice(x, begin, end), axes[i]), call.value(states + i).type);
    });
    const results = call.runGraph(body, [...state, ...parts]);
    if (results.length < states + outputs) call.fail(`the body has ${results.length} outputs; it needs ${states + outputs}`);
    state = results.slice(0, states);
    scans.forEach((values, i) => (reversed[i] ? values.unshift(results[states + i]) : values.push(results[states + i])));
  }
  if (scans.some((values) => values.length === 0)) call.fail('no step runs, so the outputs of the steps have no shape');
  const outAxes = list('scan_output_axes', outputs);
  return [...state, ...scans.map((values, i) => joined(values, outAxes[i]))];
}

export const controlRules: RuleTable = {
  If: { run: branch, hostInputs: [0] },
  Loop: { run: loop, hostInputs: [0, 1] },
  Scan: scan,
  // In inference nothing is dropped.
  Dropout: {
    hostInputs: [1, 2],
    run: (call) => {
      const isTraining = call.has(2) && call.number(2, 'training_mode') !== 0;
      const ratio = call.has(1) ? call.number(1, 'ratio') : call.float('ratio', 0.5);
      if (isTraining && ratio > 0)
        call.fail('training_mode is true; its random numbers are those of another engine, so export for inference');
      return [call.value(0), ...(call.outputs > 1 ? [ones([...call.shape(0)], 'bool')] : [])];
    },
  },
};
