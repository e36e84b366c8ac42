// Generated tokens on the GPU are those of the CPU.
import { afterAll, expect, test } from 'vitest';
import { setSeed } from '../../src/core/random.ts';
import { setDevice } from '../../src/engine/index.ts';
import '../../src/ops/methods.ts';
import { generate } from '../../src/train/index.ts';
import { type WithMemory, decoders, rowsOf, withMemory } from '../support/decoders.ts';

afterAll(() => setDevice('auto'));

test.each(['sines and grouped heads', 'alibi', 'recurrent'] as const)('%s: the same tokens as on the CPU', async (name) => {
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

test.each<keyof typeof withMemory>(['encoder and decoder blocks, masks', 'an image, and ops on features and steps'])(
  'a memory, %s: the same tokens as on the CPU',
  async (name) => {
    const { make, inputs }: WithMemory = withMemory[name];
    const run = async (device: 'cpu' | 'webgpu', useCache: boolean): Promise<number[][]> => {
      await setDevice(device);
      setSeed(4);
      return rowsOf(generate(make(), [[3, 1, 4], [9], [2, 2]], { maxNewTokens: 4, temperature: 0, inputs, useCache }));
    };
    const expected = await run('cpu', false);
    expect(await run('webgpu', true)).toEqual(expected);
    expect(await run('webgpu', false)).toEqual(expected);
  },
);
