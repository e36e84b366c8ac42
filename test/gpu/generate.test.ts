// Generated tokens on the GPU are those of the CPU.
import { afterAll, expect, test } from 'vitest';
import { setSeed } from '../../src/core/random.ts';
import { setDevice } from '../../src/engine/index.ts';
import '../../src/ops/methods.ts';
import { generate } from '../../src/train/index.ts';
import { decoders, rowsOf } from '../support/decoders.ts';

afterAll(() => setDevice('auto'));

test.each(['sines and grouped heads', 'recurrent'] as const)('%s: the same tokens as on the CPU', async (name) => {
  const run = async (device: 'cpu' | 'webgpu'): Promise<number[][]> => {
    await setDevice(device);
    setSeed(4);
    const model = decoders[name]();
    const prompts = [[3, 1, 4], [9]];
    return rowsOf(generate(model, prompts, { maxNewTokens: 6, topK: 8, topP: 0.9, seed: 2 }));
  };
  const expected = await run('cpu');
  expect(await run('webgpu')).toEqual(expected);
});
