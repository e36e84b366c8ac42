// Mixed precision on a device: in f16 if it has shader-f16, as on the CPU up to rounding; else in f32, with one warning.
import { afterEach, expect, test, vi } from 'vitest';
import { setSeed } from '../../src/core/random.ts';
import { deviceInfo, lastProgram, setDevice } from '../../src/engine/index.ts';
import { layers } from '../../src/nn/index.ts';
import { optimizers } from '../../src/optim/index.ts';
import { type CompileOptions, sequential } from '../../src/train/index.ts';
import '../../src/train/names.ts';
import { points, quiet, targets } from '../support/models.ts';

afterEach(() => void vi.restoreAllMocks());

async function train(device: 'webgpu' | 'cpu', options: Partial<CompileOptions>): Promise<readonly number[]> {
  await setDevice(device);
  setSeed(7);
  const model = sequential([layers.dense({ units: 8, activation: 'tanh', inputShape: [2] }), layers.batchNormalization(), layers.dense({ units: 1 })]); // prettier-ignore
  model.compile({ optimizer: optimizers.adam({ learningRate: 0.05 }), loss: 'mse', seed: 1, ...options });
  return (await model.fit(points, targets, { epochs: 12, batchSize: 10, ...quiet })).history.loss;
}

test('mixedFloat16 trains in f16 where the device has it', async () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const gpu = await train('webgpu', { dtypePolicy: 'mixedFloat16' });
  const hasF16 = deviceInfo().features.includes('shader-f16');
  const usesF16 = lastProgram() !== undefined && warn.mock.calls.length === 0;
  expect(usesF16).toBe(hasF16);
  const same = await train(hasF16 ? 'cpu' : 'webgpu', hasF16 ? { dtypePolicy: 'mixedFloat16' } : {});
  gpu.forEach((loss, i) => expect(Math.abs(loss - same[i])).toBeLessThanOrEqual(hasF16 ? 0.02 * same[0] : 0));
  if (!hasF16) expect(warn.mock.calls.flat().join()).toContain('the device has no f16 (shader-f16)');
});
