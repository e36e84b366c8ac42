// All steps of a cell over sequences. Inputs of all steps are multiplied by the kernel at once, and the op `recurrence` computes all steps.
// Activations that the op does not have take a graph with ops for each step.
import type { Tensor } from '../../../graph/tensor.ts';
import { expandDims, mul, recurrence, slice, squeeze, stack, unstack, where } from '../../../ops/index.ts';
import type { TensorRecord } from '../../layer.ts';
import type { Cell } from './cells.ts';

export interface StepInputs {
  /** [batch, time, features], in the order in which the steps are computed */
  readonly x: Tensor;
  readonly initial: readonly Tensor[];
  /** bool [batch, time] */
  readonly mask: Tensor | undefined;
  /** Dropout masks of the inputs [batch, features] and of the recurrent outputs [batch, units]. */
  readonly dropped: Tensor | undefined;
  readonly scale: Tensor | undefined;
}

/** Outputs of all steps [batch, time, units], and the last states. */
export function allSteps(
  cell: Cell,
  parameters: TensorRecord,
  { x, initial, mask, dropped, scale }: StepInputs,
): { readonly outputs: Tensor; readonly last: readonly Tensor[] } {
  const projected = cell.project(parameters, dropped ? mul(x, expandDims(dropped, 1)) : x);
  if (!cell.fused) {
    const { outputs, last } = unrolled(projected, initial, mask, (input, states) => {
      const next = cell.step(parameters, input, states, scale);
      return [next[0], next];
    });
    return { outputs: stack(outputs, 1), last };
  }
  const recurrentBias = cell.recurrentBias(parameters);
  const states = recurrence(projected, parameters.recurrentKernel, {
    cell: cell.name,
    ...cell.fused,
    initialState: stack(initial, 1),
    ...(mask && { mask }),
    ...(scale && { recurrentScale: scale }),
    ...(recurrentBias && { recurrentBias }),
  });
  const [batch, time] = x.shape;
  const after = (first: number, i: number): Tensor =>
    squeeze(slice(states, [0, first, i, 0], [batch, time + 1, i + 1, cell.settings.units]), 2);
  return { outputs: after(1, 0), last: initial.map((_, i) => squeeze(after(time, i), 1)) };
}

/** Runs a step made of ops over the steps of a sequence [batch, time, n]. */
export function unrolled(
  x: Tensor,
  initial: readonly Tensor[],
  mask: Tensor | undefined,
  step: (x: Tensor, states: readonly Tensor[]) => readonly [output: Tensor, states: readonly Tensor[]],
): { readonly outputs: readonly Tensor[]; readonly last: readonly Tensor[] } {
  const counts = mask && unstack(mask, 1).map((m) => expandDims(m, -1));
  const outputs: Tensor[] = [];
  let states = initial;
  unstack(x, 1).forEach((input, t) => {
    const [output, next] = step(input, states);
    // A step that is left out keeps the states, and repeats the output before, which is the first state at first.
    const before = t > 0 ? outputs[t - 1] : states[0].shape[1] === output.shape[1] ? states[0] : mul(output, 0);
    outputs.push(counts ? where(counts[t], output, before) : output);
    states = counts ? next.map((state, i) => where(counts[t], state, states[i])) : next;
  });
  return { outputs, last: states };
}
