// reversibleEmbedding: vectors and logits of one table, its gradient from both uses, and errors.
import { describe, expect, test } from 'vitest';
import { setDevice } from '../../src/engine/index.ts';
import { type Tensor, grad, input, layers, tensor } from '../../src/index.ts';
import { canDecode, networkOf } from '../../src/nn/index.ts';
import { createModel } from '../../src/train/index.ts';

await setDevice('cpu');

const table = tensor([[1, 2], [3, 4], [-5, 6]]); // prettier-ignore
const make = (): ReturnType<typeof layers.reversibleEmbedding> => layers.reversibleEmbedding({ inputDim: 3, outputDim: 2 });
const call = (x: Tensor, embeddings = table): Tensor =>
  make().call({ parameters: { embeddings }, state: {} }, x, { training: false }).outputs as Tensor;

describe('values', () => {
  const ids = tensor([[2, 0]], [1, 2], 'i32');

  test('ids give rows of the table, features give products with all rows', async () => {
    expect(await call(ids).array()).toEqual([[[-5, 6], [1, 2]]]); // prettier-ignore
    expect(await call(tensor([[[1, 10]]])).array()).toEqual([[[21, 43, 55]]]);
  });

  test('the gradient is the sum of both uses', async () => {
    // f = sum over rows r of e_2 . e_r + e_0 . e_r, so that df/de_r = e_2 + e_0, and rows 2 and 0 get the sum of all rows.
    const f = (embeddings: Tensor): Tensor => call(call(ids, embeddings), embeddings).sum();
    expect(await grad(f)(table).array()).toEqual([[-5, 20], [-4, 8], [-5, 20]]); // prettier-ignore
  });

  test('both uses in a model share the weights, and keep a cache', () => {
    const tokens = make();
    const x = input({ shape: [4], dtype: 'i32' });
    const model = createModel({ inputs: x, outputs: tokens.apply(layers.dense({ units: 2 }).apply(tokens.apply(x))) });
    expect(model.variables().map(({ path }) => path)).toEqual(['reversibleEmbedding_1/embeddings', 'dense_1/kernel', 'dense_1/bias']);
    expect(model.asLayer.outputShape([4])).toEqual([4, 3]);
    expect(canDecode(networkOf(model.asLayer).root)).toBe(true);
  });
});

test('other inputs are refused', () => {
  expect(() => make().outputShape([4, 3])).toThrow('takes ids [batch, time] or features [batch, time, 2], got [batch,4,3]');
  expect(() => make().outputShape([4, 2, 2])).toThrow('got [batch,4,2,2]');
});

test('geluTanh is the approximation by tanh', async () => {
  const x = [-3, -0.5, 0, 1, 2];
  const expected = x.map((v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))));
  const found = await layers.activation({ activation: 'geluTanh' }).apply(tensor([x])).data(); // prettier-ignore
  expected.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 6));
  expect(layers.activation({ activation: 'geluTanh' }).config.options).toMatchObject({ activation: 'geluTanh' });
});
