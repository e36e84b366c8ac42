// Preprocessing of numbers on the GPU against the CPU, as one evaluation.
import { afterAll, expect, test } from 'vitest';
import { leavesOf } from '../../src/core/tree.ts';
import { evaluate, setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { layers } from '../../src/nn/index.ts';
import { tensor } from '../../src/ops/index.ts';

afterAll(() => setDevice('auto'));

const numbers = [[-1.5, 0, 3], [1, 2.5, NaN]]; // prettier-ignore
const ids = [[12, 1138, -7], [42, 1000, 36]]; // prettier-ignore
const vocabulary = [36, 12, 1138, 42];

async function outputs(device: 'cpu' | 'webgpu'): Promise<unknown[]> {
  await setDevice(device);
  const [x, i] = [tensor(numbers), tensor(ids, [2, 3], 'i32')];
  const results = [
    layers.normalization({ mean: [1, 2, 3], variance: [4, 1, 0] }).apply(x),
    layers.rescaling({ scale: 2, offset: [1, 2, 3] }).apply(x),
    layers.categoryEncoding({ numTokens: 50, outputMode: 'count' }).apply(i),
    layers.discretization({ binBoundaries: [0, 1, 2] }).apply(x),
    layers.discretization({ binBoundaries: [0, 1, 2], outputMode: 'multiHot' }).apply(x),
    layers.integerLookup({ vocabulary, numOovIndices: 3, maskToken: 1000 }).apply(i),
    layers.integerLookup({ vocabulary, outputMode: 'tfIdf', idfWeights: [0.5, 1.5, 2, 3] }).apply(i),
    layers.integerLookup({ vocabulary, invert: true }).apply(tensor([0, 1, 4, 9], [4], 'i32')),
  ];
  await evaluate(results);
  return Promise.all(leavesOf(results).map(({ value }) => (value as Tensor).array()));
}

test('the same numbers on the GPU and the CPU', async () => {
  const [expected, found] = [await outputs('cpu'), await outputs('webgpu')];
  expect(found).toEqual(expected);
});
