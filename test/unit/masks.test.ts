// Masks: who makes them, who passes them on, and how merges combine them.
import { beforeAll, describe, expect, test } from 'vitest';
import { setDevice } from '../../src/engine/index.ts';
import { Tensor } from '../../src/graph/tensor.ts';
import { type Layer, type Tensors, chain, defineLayer, graph, input, NetworkPass, layers, networkOf } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import '../../src/train/names.ts';
import { concat, mul, tensor } from '../../src/ops/index.ts';

beforeAll(() => setDevice('cpu'));

const tokens = tensor([[1, 2, 0], [3, 0, 0]], [2, 3], 'i32'); // prettier-ignore
const others = tensor([[0, 2, 0], [3, 4, 0]], [2, 3], 'i32'); // prettier-ignore
const embedding = (): Layer => layers.embedding({ inputDim: 5, outputDim: 2, maskZero: true });

async function maskOf(layer: Layer, x: Tensors): Promise<number[] | undefined> {
  layer.apply(x);
  const network = networkOf(layer);
  const { mask } = new NetworkPass(network, network.current()!).run(x, false);
  return mask instanceof Tensor ? Array.from(await mask.data()) : undefined;
}

describe('masks', () => {
  test('are made by embedding and masking', async () => {
    expect(await maskOf(embedding(), tokens)).toEqual([1, 1, 0, 1, 0, 0]);
    expect(await maskOf(layers.embedding({ inputDim: 5, outputDim: 2 }), tokens)).toBeUndefined();
    const x = tensor([0, 1, 0, 0, 2, 2], [1, 3, 2]);
    expect(await maskOf(layers.masking(), x)).toEqual([1, 0, 1]);
    expect(await maskOf(layers.masking({ maskValue: 2 }), x)).toEqual([1, 1, 0]);
    expect(Array.from(await layers.masking({ maskValue: 2 }).apply(x).data())).toEqual([0, 1, 0, 0, 0, 0]);
  });

  test.each<[string, Layer, boolean]>([
    ['dense', layers.dense({ units: 3 }), true],
    ['activation', layers.activation({ activation: 'relu' }), true],
    ['dropout', layers.dropout({ rate: 0.5 }), true],
    ['batchNormalization', layers.batchNormalization(), true],
    ['timeDistributed', layers.timeDistributed({ layer: layers.dense({ units: 2 }) }), true],
    ['a chain of such layers', chain([layers.dense({ units: 3 }), layers.dropout({ rate: 0.5 })]), true],
    ['flatten', layers.flatten(), false],
    ['reshape', layers.reshape({ targetShape: [2, 3] }), false],
    ['lambda', layers.lambda({ fn: (x) => x }), false],
  ])('%s passes them on: %#', async (_, layer, passes) => {
    expect(await maskOf(chain([embedding(), layer]), tokens)).toEqual(passes ? [1, 1, 0, 1, 0, 0] : undefined);
  });

  test('reach the layers that use them', async () => {
    const zeroed = defineLayer({
      kind: 'zeroed',
      options: {},
      apply: (_, x, { mask }) => (mask instanceof Tensor ? mul(x, mask.cast('f32').expandDims(-1)) : x),
    });
    const model = chain([layers.embedding({ inputDim: 5, outputDim: 1, maskZero: true, embeddingsInitializer: 'ones' }), zeroed]);
    expect(Array.from(await model.apply(tokens).data())).toEqual([1, 1, 0, 1, 0, 0]);
  });

  const a = input({ shape: [3], dtype: 'i32', name: 'a' });
  const b = input({ shape: [3], dtype: 'i32', name: 'b' });
  const joined = (merge: Layer, mask = true): Layer => {
    const other = mask ? embedding() : layers.embedding({ inputDim: 5, outputDim: 2 });
    return graph({ inputs: [a, b], outputs: merge.apply([embedding().apply(a), other.apply(b)]) });
  };

  test.each<[string, Layer]>([
    ['add', layers.add()],
    ['subtract', layers.subtract()],
    ['multiply', layers.multiply()],
    ['average', layers.average()],
    ['maximum', layers.maximum()],
    ['minimum', layers.minimum()],
    ['concatenate', layers.concatenate()],
  ])('%s counts a step that counts in any input', async (name, merge) => {
    expect(await maskOf(joined(merge), [tokens, others])).toEqual([1, 1, 0, 1, 1, 0]);
    const partly = await maskOf(joined(merge, false), [tokens, others]);
    expect(partly).toEqual(name === 'concatenate' ? [1, 1, 1, 1, 1, 1] : undefined);
  });

  test('of the time axis are joined', async () => {
    const merge = layers.concatenate({ axis: 1 });
    expect(await maskOf(joined(merge), [tokens, others])).toEqual([1, 1, 0, 0, 1, 0, 1, 0, 0, 1, 1, 0]);
  });

  test('end at ops', async () => {
    const x = embedding().apply(a);
    expect(await maskOf(graph({ inputs: a, outputs: concat([x, x], 1) }), tokens)).toBeUndefined();
  });
});

describe('merges', () => {
  const [x, y] = [tensor([[1, 5]]), tensor([[3, 2]])];
  test.each<[string, Layer, number[]]>([
    ['add', layers.add(), [4, 7]],
    ['subtract', layers.subtract(), [-2, 3]],
    ['multiply', layers.multiply(), [3, 10]],
    ['average', layers.average(), [2, 3.5]],
    ['maximum', layers.maximum(), [3, 5]],
    ['minimum', layers.minimum(), [1, 2]],
    ['concatenate', layers.concatenate(), [1, 5, 3, 2]],
  ])('%s', async (_, layer, expected) => {
    expect(Array.from(await layer.apply<Tensor>([x, y]).data())).toEqual(expected);
    expect(() => layer.apply(x)).toThrow(`${layer.kind}: takes a list of tensors, such as ${layer.kind}.apply([a, b])`);
  });

  test('refuse shapes that do not join', () => {
    expect(() => layers.add().apply([x, tensor([[1, 2, 3]])])).toThrow('add: shapes [2] and [3] do not broadcast');
    expect(() => layers.add().apply([x, tensor([[[1, 2]]])])).toThrow('add: inputs [batch,2] and [batch,1,2] have different ranks');
    expect(() => layers.subtract().apply([x, x, x])).toThrow('subtract: takes two tensors, got 3; give [a, b] for a - b');
    expect(() => layers.concatenate({ axis: 0 }).apply([x, y])).toThrow('concatenate: axis 0 is the batch axis; choose another one');
    expect(() => layers.concatenate({ axis: 1 }).apply([tensor([[[1], [2]]]), tensor([[[1, 2]]])])).toThrow(
      'concatenate: inputs [batch,2,1] and [batch,1,2] do not join along axis 1; all other axes must be equal',
    );
  });
});
