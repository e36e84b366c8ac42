// State dicts of PyTorch: every layout against outputs of torch.nn, rearrangements, maps, and files that are refused.
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { planRearrangement, rearrange, rearrangeBack } from '../../src/core/rearrange.ts';
import { setDevice } from '../../src/engine/index.ts';
import { pytorch } from '../../src/exchange/index.ts';
import { type StoredTensor, readSafetensors, writeSafetensors } from '../../src/formats/safetensors.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Layer, defineLayer, layers } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import { flip, tensor } from '../../src/ops/index.ts';
import { type Model, type WeightMap, createModel, sequential } from '../../src/train/index.ts';
import { input } from '../../src/index.ts';
import { goldenModels, pattern, worst } from '../support/goldenModels.ts';

beforeAll(() => setDevice('cpu'));

const file = new Uint8Array(readFileSync(new URL('../golden/models/modules.safetensors', import.meta.url)));
const tensors = readSafetensors(file).tensors;

/** The part of the file that a module has. */
const fileOf = (module: string): Uint8Array => writeSafetensors([...tensors].filter(([name]) => name.startsWith(`${module}.`)));

const steps = pattern(2, 5, 4);
const image = pattern(2, 5, 5, 3);
const volume = pattern(1, 3, 4, 3, 2);
const normal = { epsilon: 1e-5 } as const;
const block = { intermediateDim: 6, numHeads: 2 } as const;
const recurrent = { units: 3, returnSequences: true } as const;
type Row = readonly [module: string, x: Tensor, model: () => Model, modules?: string | readonly string[]];

const one = (x: Tensor, layer: (inputShape: number[]) => Layer): Model => sequential([layer(x.shape.slice(1))]);
const rows: readonly Row[] = [
  ['conv1', steps, () => one(steps, (inputShape) => layers.conv1d({ filters: 6, kernelSize: 3, padding: 'same', groups: 2, inputShape }))],
  ['conv2', image, () => one(image, (inputShape) => layers.conv2d({ filters: 4, kernelSize: [3, 1], inputShape }))],
  ['conv3', volume, () => one(volume, (inputShape) => layers.conv3d({ filters: 3, kernelSize: 2, inputShape }))],
  ['up1', steps, () => one(steps, (inputShape) => layers.conv1dTranspose({ filters: 3, kernelSize: 3, strides: 2, inputShape }))],
  ['up2', image, () => one(image, (inputShape) => layers.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2, inputShape }))],
  ['up3', volume, () => one(volume, (inputShape) => layers.conv3dTranspose({ filters: 3, kernelSize: 2, inputShape }))],
  ['depthwise', image, () => one(image, (inputShape) => layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, inputShape }))],
  ['separable', image, () => one(image, (inputShape) => layers.separableConv2d({ filters: 2, kernelSize: 3, depthMultiplier: 2, inputShape }))],
  ['batch', image, () => one(image, (inputShape) => layers.batchNormalization({ ...normal, inputShape }))],
  ['group', steps, () => one(steps, (inputShape) => layers.groupNormalization({ groups: 2, ...normal, inputShape }))],
  ['instance', image, () => one(image, (inputShape) => layers.instanceNormalization({ ...normal, inputShape }))],
  ['slope', image, () => one(image, (inputShape) => layers.prelu({ sharedAxes: [1, 2], inputShape }))],
  ['rnn', steps, () => one(steps, (inputShape) => layers.simpleRnn({ ...recurrent, inputShape }))],
  [
    'lstm', steps,
    () => sequential([0, 1].map((i) => layers.bidirectional({ layer: layers.lstm(recurrent), ...(i === 0 && { inputShape: [5, 4] }) }))),
    ['lstm.forward', 'lstm.backward', 'lstm_l1.forward', 'lstm_l1.backward'],
  ],
  ['gru', steps, () => one(steps, (inputShape) => layers.gru({ ...recurrent, inputShape }))],
  ['attention', steps, () => one(steps, (inputShape) => layers.multiHeadAttention({ numHeads: 2, keyDim: 2, inputShape }))],
  ['encoder', steps, () => one(steps, (inputShape) => layers.transformerEncoder({ ...block, normalizeFirst: true, inputShape }))],
  [
    'decoder', steps,
    () => {
      const x = input({ shape: [5, 4] });
      return createModel({ inputs: x, outputs: layers.transformerDecoder(block).apply<Tensor>([x, flip(x, 1)]) });
    },
  ],
  ['embedding', tensor([[0, 4, 2]], [1, 3], 'i32'), () => sequential([layers.embedding({ inputDim: 5, outputDim: 3, inputShape: [3] })])],
]; // prettier-ignore

describe.each(rows.map((row, i) => [row[0], row, i] as const))('%s', (module, [, x, make, given], i) => {
  const mapOf = (model: Model): WeightMap => {
    const [first] = model.variables();
    return pytorch(model, { modules: Array.isArray(given) ? given : { [first.path.split('/')[0]]: module } });
  };

  test('has the outputs of torch.nn', async () => {
    const model = make();
    await model.loadWeights(fileOf(module), { map: mapOf(model) });
    const { shape, data } = goldenModels.modules[i];
    const found = await model.predict(x);
    expect(found.shape).toEqual(shape);
    const difference = worst(await found.data(), data);
    if (process.env.OMBRE_FIGURES) console.log(module, difference);
    expect(difference).toBeLessThan(2e-6);
  });

  test('a file that is saved holds the same function', async () => {
    const model = make();
    const map = mapOf(model);
    await model.loadWeights(fileOf(module), { map });
    let bytes = new Uint8Array();
    await model.saveWeights((written) => void (bytes = written), { map: JSON.parse(JSON.stringify(map)) as WeightMap });
    const saved = readSafetensors(bytes).tensors;
    const own = [...tensors].filter(([name]) => name.startsWith(`${module}.`) && !name.endsWith('num_batches_tracked'));
    expect([...saved.keys()].sort()).toEqual(own.map(([name]) => name).sort());
    for (const [name, { shape, data }] of own) {
      expect(saved.get(name)!.shape).toEqual(shape);
      // RNN and LSTM: the sum of both biases, and zeros.
      const sum = (at: StoredTensor, other: string): number[] => Array.from(at.data as Float32Array, (value, k) => Math.fround(value + (tensors.get(other)!.data as Float32Array)[k])); // prettier-ignore
      const isSummed = /^(rnn|lstm)\.bias/.test(name);
      if (!isSummed) expect(saved.get(name)!.data).toEqual(data);
      else if (name.includes('bias_hh')) expect(saved.get(name)!.data).toEqual(new Float32Array(data.length));
      else expect(Array.from(saved.get(name)!.data as Float32Array)).toEqual(sum(tensors.get(name)!, name.replace('_ih', '_hh')));
    }
    const again = make();
    await again.loadWeights(bytes, { map: mapOf(again) });
    expect(await (await again.predict(x)).data()).toEqual(await (await model.predict(x)).data());
  });
});

describe('rearrange', () => {
  const numbers = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => i + 1);
  test.each([
    ['a b -> b a', [3, 2], [2, 3], [1, 4, 2, 5, 3, 6]],
    ['(a b) -> a b', [2, 3], [6], [1, 2, 3, 4, 5, 6]],
    ['(a 1) b -> 1 b a', [1, 3, 2], [2, 3], [1, 4, 2, 5, 3, 6]],
    ['a ... -> ... a', [2, 1, 3], [3, 2, 1], [1, 3, 5, 2, 4, 6]],
    [' -> ', [], [], [1]],
  ])('%s', (text, to, from, expected) => {
    const plan = planRearrangement(text, { to })!;
    expect(plan.from).toEqual(from);
    const source = numbers(expected.length);
    const found = rearrange(source, new Float32Array(expected.length), plan);
    expect(Array.from(found)).toEqual(expected);
    expect(rearrangeBack(found, new Float32Array(expected.length), plan)).toEqual(source);
  });

  test('orders entries, and adds those of an axis that vanishes', () => {
    const ordered = planRearrangement('(g u) -> g u', { to: [3, 2], order: { g: [1, 2, 0] } })!;
    expect(Array.from(rearrange(numbers(6), new Float32Array(6), ordered))).toEqual([3, 4, 5, 6, 1, 2]);
    expect(Array.from(rearrangeBack(Float32Array.of(3, 4, 5, 6, 1, 2), new Float32Array(6), ordered))).toEqual([1, 2, 3, 4, 5, 6]);
    const summed = planRearrangement('n u -> u', { to: [3], first: 2 })!;
    expect(Array.from(rearrange(numbers(6), new Float32Array(3), summed))).toEqual([5, 7, 9]);
    expect(Array.from(rearrangeBack(Float32Array.of(5, 7, 9), new Float32Array(6), summed))).toEqual([5, 7, 9, 0, 0, 0]);
  });

  test.each([
    ['a b', [2], "axes 'a b': there must be one arrow; write it like 'o i h w -> h w i o'"],
    ['a (b -> a b', [2, 2], 'brackets must come in pairs'],
    ['a-b -> a', [2], "'a-b' is no name of an axis"],
    ['(a b) -> (b a)', [4], "the sizes of 'b' and 'a' are not known"],
    ['a -> a b', [2, 2], "'b' is not on the left side"],
    ['a c -> a', [2], "the size of 'c' is not known"],
    ['a a -> a a', [2, 2], 'a side has a name twice'],
  ])('refuses %s', (text, to, message) => expect(() => planRearrangement(text, { to })).toThrow(message));

  test('takes sizes that do not follow from the shape', () => {
    const flat = planRearrangement('o (c h w) -> (h w c) o', { to: [4, 1], sizes: { c: 2, h: 1, w: 2 } })!;
    expect(flat.from).toEqual([1, 4]);
    expect(Array.from(rearrange(numbers(4), new Float32Array(4), flat))).toEqual([1, 3, 2, 4]);
    expect(planRearrangement('o (c h w) -> (h w c) o', { to: [4, 1], sizes: { c: 2, h: 2, w: 2 } })).toBeUndefined();
  });

  test('an order must have each entry once, and a shape must fit', () => {
    expect(() => planRearrangement('g -> g', { to: [2], order: { g: [1, 1] } })).toThrow("order of 'g' is [1,1]; it must have each entry once");
    expect(planRearrangement('a b -> b a', { to: [2] })).toBeUndefined();
    expect(planRearrangement('(g u) -> (g u)', { to: [4], order: { g: [2, 1, 0] } })).toBeUndefined();
    expect(() => rearrange(numbers(3), new Float32Array(4), planRearrangement('a -> a', { to: [4] })!)).toThrow('rearrange: 3 elements do not fit [4]');
  }); // prettier-ignore
});

describe('maps', () => {
  const mlp = (): Model =>
    sequential([layers.dense({ units: 3, inputShape: [2], name: 'hidden' }), layers.relu(), layers.dense({ units: 1, name: 'out' })]);
  const linear = (dtype: StoredTensor['dtype'], more: [string, StoredTensor][] = []): Uint8Array =>
    writeSafetensors([
      ['0.weight', { dtype, shape: [3, 2], data: dtype === 'F64' ? Float64Array.of(1, 2, 3, 4, 5, 6) : Float32Array.of(1, 2, 3, 4, 5, 6) }],
      ['0.bias', { dtype: 'F32', shape: [3], data: Float32Array.of(7, 8, 9) }],
      ['2.weight', { dtype: 'F32', shape: [1, 3], data: Float32Array.of(1, 0, -1) }],
      ['2.bias', { dtype: 'F32', shape: [1], data: Float32Array.of(0.5) }],
      ...more,
    ]);

  test.each(['F32', 'F16', 'BF16', 'F64'] as const)('floats of the file become those of the model: %s', async (dtype) => {
    const model = mlp();
    await model.loadWeights(linear(dtype), { map: pytorch(model, { modules: ['0', '2'] }) });
    expect(await model.parameters().hidden.kernel.array()).toEqual([[1, 3, 5], [2, 4, 6]]); // prettier-ignore
    expect(await model.predict(tensor([[1, 1]])).array()).toEqual([[10 - 20 + 0.5]]);
  });

  test('names of modules are those of the layers, unless others are given', () => {
    const model = mlp();
    const names = (map: WeightMap): unknown[] => map.rules.map((rule) => rule.names);
    expect(names(pytorch(model))).toEqual(['hidden.weight', 'hidden.bias', 'out.weight', 'out.bias']);
    expect(names(pytorch(model, { modules: { out: 'net.fc' } }))).toEqual(['hidden.weight', 'hidden.bias', 'net.fc.weight', 'net.fc.bias']);
    const nested = sequential([layers.dense({ units: 2, inputShape: [2] }), mlp()]);
    expect(names(pytorch(nested, { modules: { sequential_1: 'body' } }))).toContain('body.hidden.weight');
  });

  test('aliases, copies and ignored names', async () => {
    const model = mlp();
    const base = pytorch(model, { modules: ['0', '2'] });
    const map: WeightMap = {
      ...base,
      aliases: [
        ['model.{m}', '{m}'],
        ['.{m}', '{m}'],
      ],
      copies: { 'tied.bias': '2.bias' },
      ignore: ['{m}.unused'],
    };
    const bias: StoredTensor = { dtype: 'F32', shape: [1], data: Float32Array.of(3) };
    await model.loadWeights(linear('F32', [['tied.bias', bias], ['a.unused', bias]]), { map }); // prettier-ignore
    expect(await model.parameters().out.bias.array()).toEqual([0.5]);
    const renamed = writeSafetensors([...readSafetensors(linear('F32')).tensors].map(([name, value]) => [`model.${name}`, value]));
    await mlp().loadWeights(renamed, { map });
    const twice = linear('F32', [['model.2.bias', bias]]);
    await expect(mlp().loadWeights(twice, { map })).rejects.toThrow('not in the model: model.2.bias F32[1] (the file has 2.bias too);');
    const before = linear('F32', [['.2.bias', bias]]);
    await expect(mlp().loadWeights(before, { map })).rejects.toThrow('not in the model: .2.bias F32[1] (the file has 2.bias too);');
    await model.loadWeights(before, { map, skipMismatch: true });
    expect(await model.parameters().out.bias.array()).toEqual([0.5]);
    let bytes = new Uint8Array();
    await model.saveWeights((written) => void (bytes = written), { map });
    const saved = readSafetensors(bytes).tensors;
    expect([...saved.keys()].sort()).toEqual(['0.bias', '0.weight', '2.bias', '2.weight', 'tied.bias']);
    expect(saved.get('tied.bias')!.data).toEqual(Float32Array.of(0.5));
  });

  test('a group of weights without a rule is missing for files, and refused for saving', async () => {
    const model = mlp();
    const map: WeightMap = { rules: [{ names: 'x', paths: 'hidden/bias' }] };
    await expect(model.loadWeights(linear('F32'), { map })).rejects.toThrow(
      "missing: hidden/kernel f32[2,3] (map has no rule for it), out/kernel f32[3,1] (map has no rule for it), out/bias f32[1] (map has no rule for it), hidden/bias f32[3] (the file has no 'x')",
    );
    await expect(model.saveWeights(() => undefined, { map })).rejects.toThrow(
      'saveWeights: map has no rule for hidden/kernel, out/kernel, out/bias; add rules, or save without a map',
    );
    await expect(model.saveWeights(() => undefined, { map: pytorch(model), optimizer: true })).rejects.toThrow(
      'saveWeights: a file with a map holds only weights; leave out optimizer, or map',
    );
  });

  test.each<[unknown, string]>([
    [5, 'loadWeights: map'],
    [{}, 'loadWeights: map has the rules undefined; it must be like { rules: ['],
    [{ rules: [{ names: 'x' }] }, "loadWeights: rule 0 of map has the names 'x' and the paths undefined; both must be texts"],
    [{ rules: [{ names: 'x', paths: 'y', axis: 'o' }] }, "loadWeights: rule 0 of map: unknown option 'axis'"],
    [{ rules: [{ names: 'x', paths: 'hidden/kernel', axes: 'a b c -> a b c' }] }, "the rule 'a b c -> a b c' of map does not fit hidden/kernel [2,3] with 'x'"],
    [{ rules: [{ names: 'x', paths: ['hidden/kernel', 'out/kernel'], axes: 'a p b -> p a b' }] }, 'does not fit hidden/kernel [2,3], out/kernel [3,1]'],
  ])('refuses the map %j', async (map, message) => {
    await expect(mlp().loadWeights(linear('F32'), { map: map as WeightMap })).rejects.toThrow(message);
  }); // prettier-ignore

  test.each<[string, () => unknown, string]>([
    ['no model', () => pytorch(5 as never), 'pytorch: model is 5; pass a model of sequential() or createModel()'],
    ['an unknown layer', () => pytorch(mlp(), { modules: { hiden: 'x' } }), "pytorch: modules has 'hiden'; layers with weights are hidden, out; did you mean 'hidden'?"],
    ['too few names', () => pytorch(mlp(), { modules: ['0'] }), 'pytorch: modules has 1 names, and 2 layers have weights: hidden, out'],
    ['no names', () => pytorch(mlp(), { modules: [1, 2] as never }), 'it must be a list or a record of names'],
    ['a GRU of another kind', () => pytorch(sequential([layers.gru({ units: 2, resetAfter: false, inputShape: [3, 2] })])), "pytorch: the layer 'gru_1' has resetAfter: false"],
    ['a layer of the user', () => pytorch(sequential([own()])), "pytorch: the layer 'scale_1' is a scale, which has no module in PyTorch; give rules for 'scale_1/factor'"],
  ])('refuses %s', (_, make, message) => expect(make).toThrow(message)); // prettier-ignore

  const own = (): Layer =>
    defineLayer({
      kind: 'scale',
      options: { inputShape: [2] },
      build: () => ({ parameters: { factor: tensor([2, 3]) } }),
      apply: ({ parameters: { factor } }, x) => x.mul(factor),
    });

  test('rules for a layer of the user', async () => {
    const model = sequential([own()]);
    const map = pytorch(model, { rules: [{ names: 'scale', paths: 'scale_1/factor' }] });
    await model.loadWeights(writeSafetensors([['scale', { dtype: 'F32', shape: [2], data: Float32Array.of(5, 6) }]]), { map });
    expect(await model.predict(tensor([[1, 1]])).array()).toEqual([[5, 6]]);
  });
});

describe('pickles', () => {
  const advice =
    "it is a pickle of PyTorch, which can run any code when it is read; convert it in Python: weights = torch.load('model.bin', map_location='cpu'), then safetensors.torch.save_file(";
  // The first bytes of files of torch.save(), in both formats.
  const zip = Uint8Array.from([
    0x50,
    0x4b,
    3,
    4,
    0,
    0,
    8,
    8,
    ...new Uint8Array(18),
    12,
    0,
    22,
    0,
    ...new TextEncoder().encode('new/data.pkl'),
  ]);
  const old = Uint8Array.from([0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e]);
  const keras = Uint8Array.from([0x50, 0x4b, 3, 4, ...new Uint8Array(26), ...new TextEncoder().encode('metadata.json')]);

  test('are refused with the way to convert them', () => {
    expect(() => readSafetensors(zip, 'model.pt')).toThrow(`model.pt: not a safetensors file that can be read: ${advice}`);
    expect(() => readSafetensors(old, 'model.bin')).toThrow(advice);
    expect(() => readSafetensors(keras)).toThrow('the header has');
  });
});
