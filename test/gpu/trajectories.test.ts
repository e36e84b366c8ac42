// 200 updates of every optimizer as one compiled step on the GPU, against PyTorch or the formula of its paper in f64.
import { afterAll, expect, test } from 'vitest';
import { compile, setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import type { OptimizerState } from '../../src/optim/index.ts';
import { noteDifference } from '../support/findings.ts';
import {
  type Pair,
  cases,
  curvature,
  hosted,
  initial,
  noiseAt,
  optimizerOf,
  stored,
  titleOf,
  updateOnce,
} from '../support/trajectories.ts';

afterAll(() => setDevice('auto'));

interface Run {
  readonly parameters: Pair<Tensor>;
  readonly state: OptimizerState;
}

test('200 updates of every optimizer', async () => {
  await setDevice('webgpu');
  const made = cases.map(optimizerOf);
  const first = compile((start: Pair<Tensor>) => made.map((optimizer) => optimizer.init(start)));
  const update = compile(
    (runs: Run[], noise: readonly Pair<Tensor>[], curvatures: Pair<Tensor>) =>
      runs.map(({ parameters, state }, i) => updateOnce(made[i], parameters, state, curvatures, noise[cases[i].noise ? 1 : 0])),
    { donate: [0] },
  );
  const states = await first(hosted(initial, Float32Array));
  let runs: Run[] = states.map((state) => ({ parameters: hosted(initial, Float32Array), state }));
  const worst = new Map<string, number>();
  for (let t = 1; t <= stored[stored.length - 1]; t++) {
    runs = await update(
      runs,
      [hosted(noiseAt(t, 0), Float32Array), hosted(noiseAt(t, 0.1), Float32Array)],
      hosted(curvature, Float32Array),
    );
    const at = stored.indexOf(t);
    if (at < 0) continue;
    for (const [i, one] of cases.entries()) {
      const errors = await Promise.all(
        (['kernel', 'bias'] as const).map(async (name) => {
          const values = await runs[i].parameters[name].data();
          return one.trajectory[at][name].map((value, k) => Math.abs(values[k] - value) / Math.max(1, Math.abs(value)));
        }),
      );
      const greatest = errors.flat().reduce((a, b) => (b <= a ? a : b), worst.get(titleOf(one)) ?? 0);
      worst.set(titleOf(one), greatest);
    }
  }
  for (const [what, error] of worst) noteDifference('optimizers after 200 updates', what, [error], [0]);
  // NaN is not at most the limit.
  expect([...worst].filter(([, error]) => !(error <= 1e-3))).toEqual([]);
  console.log(`worst error of 200 updates: ${Math.max(...worst.values()).toExponential(1)}`);
});
