// A GAN with two optimizers and a gradient penalty: one program per step, and the numbers of the CPU.
import { expect, test } from 'vitest';
import { lastProgram, setDevice } from '../../src/engine/index.ts';
import { circle, makeGan } from '../support/adversarial.ts';
import { quiet, weightsOf } from '../support/models.ts';

async function train(device: 'webgpu' | 'cpu'): Promise<{ loss: readonly number[]; weights: number[][]; programs: Set<string> }> {
  await setDevice(device);
  const { both } = makeGan();
  const programs = new Set<string>();
  const onBatchEnd = (): void => void programs.add(lastProgram()?.name ?? 'none');
  const { history } = await both.fit(circle(64), undefined, { epochs: 3, batchSize: 16, callbacks: [{ onBatchEnd }], ...quiet });
  return { loss: history.loss, weights: await weightsOf(both), programs };
}

test('a GAN step is one program, with the numbers of the CPU', async () => {
  const [cpu, gpu] = [await train('cpu'), await train('webgpu')];
  expect([...gpu.programs].filter((name) => name !== 'results')).toEqual(['trainStep']);
  gpu.loss.forEach((loss, i) => expect(loss).toBeCloseTo(cpu.loss[i], 3));
  gpu.weights.forEach((values, i) => values.forEach((value, j) => expect(value).toBeCloseTo(cpu.weights[i][j], 3)));
});
