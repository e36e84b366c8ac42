// Metrics on a GPU stack, streamed, against the CPU: one for each form of state and result. The CPU tests cover the others.
import { beforeAll, expect, test } from 'vitest';
import { evaluate, readAll, setDevice } from '../../src/engine/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { noteDifference, noteError } from '../support/findings.ts';
import { type MetricKey, batchesOf, makeMetricOf, rows, tensorsOf } from '../support/metricRows.ts';

beforeAll(async () => {
  await setDevice('webgpu');
});

const chosen: readonly MetricKey[] = [
  ...(['auc', 'matthews', 'calibrationError', 'pearsonCorrelation', 'spearmanCorrelation', 'meanIoU', 'ndcg'] as const),
  ...(['meanReciprocalRank', 'perplexity', 'ssim', 'psnr', 'max', 'editDistance'] as const),
];

test.each(chosen)('%s is what the CPU computes', async (name) => {
  const row = rows.find((candidate) => candidate.name === name && candidate.weighted)!;
  const metric = makeMetricOf(name, row.options);
  const [{ targets, predictions, weight }] = batchesOf(row.data);
  let state = metric.init();
  let wanted = metric.init();
  // Twice the same form: the second update replays the program of the first.
  for (let i = 0; i < 2; i++) {
    [state] = await evaluate([metric.update(state, targets, predictions, weight)]);
    wanted = metric.update(wanted, targets, predictions, weight);
  }
  const values = await readAll(tensorsOf(metric.result(state)));
  interpret(tensorsOf(metric.result(wanted))).forEach((want, leaf) => {
    noteDifference('metrics', name, values[leaf], want);
    for (const [i, expected] of want.entries()) {
      const error = Math.abs(values[leaf][i] - expected) / Math.max(1e-2, Math.abs(expected));
      noteError('metrics', name, error, 1e-5);
      expect(error, `${name} [${i}]: ${values[leaf][i]} for ${expected}`).toBeLessThan(1e-5);
    }
  });
});
