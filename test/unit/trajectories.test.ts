// Every optimizer over 200 updates against PyTorch, or against the formula of its paper in f64: test/golden/trajectories.json.
import { describe, expect, test } from 'vitest';
import { leavesOf, mapTree } from '../../src/core/tree.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { type OptimizerState, optimizers } from '../../src/optim/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { noteDifference, noteVectors } from '../support/findings.ts';
import { type Pair, type TrajectoryCase, cases, curvature, hosted, initial, noiseAt, optimizerOf, stored, titleOf, updateOnce } from '../support/trajectories.ts'; // prettier-ignore

/** The greatest difference from the golden values over all stored updates, relative to numbers above 1. */
function worstError(one: TrajectoryCase, mode: 'f64' | 'f32'): number {
  const ArrayType = mode === 'f64' ? Float64Array : Float32Array;
  const optimizer = optimizerOf(one);
  const curvatures = hosted(curvature, ArrayType);
  const computed = <T>(tree: T): T => {
    const tensors = leavesOf(tree).map(({ value }) => value as Tensor);
    const values = interpret(tensors, { mode });
    let i = 0;
    return mapTree(tree, (leaf) => hostTensor(leaf as Tensor, values[i++])) as T;
  };
  let parameters = hosted(initial, ArrayType);
  let state: OptimizerState = computed(optimizer.init(parameters));
  let worst = 0;
  for (let t = 1; t <= stored[stored.length - 1]; t++) {
    ({ parameters, state } = computed(updateOnce(optimizer, parameters, state, curvatures, hosted(noiseAt(t, one.noise), ArrayType))));
    const at = stored.indexOf(t);
    if (at < 0) continue;
    const golden = one.trajectory[at];
    worst = Math.max(worst, difference(parameters, golden));
    if (golden.averages) worst = Math.max(worst, difference(state.average as Pair<Tensor>, golden.averages));
  }
  return worst;
}

function difference(actual: Pair<Tensor>, golden: Pair<number[]>): number {
  const parts = (['kernel', 'bias'] as const).flatMap((name) => {
    const [values] = interpret([actual[name]], { mode: 'f64' });
    return golden[name].map((value, i) => Math.abs(values[i] - value) / Math.max(1, Math.abs(value)));
  });
  // NaN counts as the greatest difference.
  return parts.some(Number.isNaN) ? Infinity : Math.max(...parts);
}

describe('200 updates', () => {
  test.each(cases.map((one) => [titleOf(one), one] as const))('%s', (_, one) => {
    // Options such as the learning rate are f32: 0.02 in it is 4.5e-10 off, and 200 updates add up.
    for (const [mode, limit] of [
      ['f64', 5e-7],
      ['f32', 1e-4],
    ] as const) {
      const error = worstError(one, mode);
      noteDifference(`optimizers after 200 updates, ${mode}`, one.name, [error], [0]);
      expect(error, `in ${mode}`).toBeLessThanOrEqual(limit);
    }
    noteVectors(2 * stored.length);
  });

  test('every optimizer has a case', () => {
    expect(Object.keys(optimizers).filter((name) => !cases.some((one) => one.name === name))).toEqual([]);
  });
});
