// Base models with weights of PyTorch: outputs on the GPU.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { setDevice } from '../../src/engine/index.ts';
import { gpt2 } from '../../src/models/index.ts';
import '../../src/ops/methods.ts';
import { generate } from '../../src/train/index.ts';
import { baseModels } from '../support/baseModels.ts';
import { expectGolden } from '../support/goldenModels.ts';

beforeAll(() => setDevice('webgpu'));
afterAll(() => setDevice('auto'));

describe.each(Object.entries(baseModels))('%s', (name, { url, map, make, run }) => {
  test('has the outputs of PyTorch', async () => {
    const model = make();
    await model.loadWeights(url, { map });
    await expectGolden(await run(model), name as keyof typeof baseModels);
  });
});

test('gpt2 generates the tokens of the CPU', async () => {
  const tokensOn = async (device: 'cpu' | 'webgpu'): Promise<ArrayLike<number>> => {
    await setDevice(device);
    const model = gpt2({ layers: 2, heads: 2, width: 8, vocabulary: 13, window: 12 });
    await model.loadWeights(baseModels.gpt2.url, { map: gpt2.map });
    return (await generate(model, [[3, 1, 4, 1, 5], [8]], { maxNewTokens: 7, temperature: 0 })).data(); // prettier-ignore
  };
  expect(await tokensOn('webgpu')).toEqual(await tokensOn('cpu'));
});
