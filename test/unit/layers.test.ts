// Layers and initializers by themselves: shapes, values, the contract of build and apply, errors.
import { describe, expect, test } from 'vitest';
import { ArgumentError, type OmbreError, ShapeError } from '../../src/core/errors.ts';
import { RandomStream } from '../../src/core/random.ts';
import { type Shape, sizeOf } from '../../src/core/shape.ts';
import { topological } from '../../src/graph/graph.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { withTrace } from '../../src/graph/trace.ts';
import { type InitializerName, type Layer, initializers, layers } from '../../src/nn/index.ts';
import { fansOf } from '../../src/nn/initializers.ts';
import { tensor } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import '../../src/train/names.ts';

const random = (): RandomStream => RandomStream.fromSeed(5);
const list = (x: Tensor): number[] => Array.from(interpret([x])[0]);
const draw = (initializer: ReturnType<(typeof initializers)['zeros']>, shape: Shape): Float32Array =>
  interpret([initializer(shape, random())])[0] as Float32Array;

/** Output of a fresh layer for one batch. */
function run(layer: Layer, x: Tensor, training = false): Tensor {
  return layer.call(layer.build(x.shape.slice(1), random()), x, { training }).outputs as Tensor;
}
const counting = (...shape: number[]): Tensor => tensor(Array.from({ length: sizeOf(shape) }, (_, i) => i), shape, 'f32'); // prettier-ignore

describe('initializers', () => {
  const moments = (values: Float32Array): { mean: number; stddev: number; largest: number } => {
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
    return { mean, stddev: Math.sqrt(variance), largest: values.reduce((a, b) => Math.max(a, Math.abs(b)), 0) };
  };

  // fan-in 3 * 3 * 40 = 360, fan-out 3 * 3 * 60 = 540, mean 450
  const shape = [3, 3, 40, 60];
  const truncated = 0.8796256610342398;
  test.each<[InitializerName, number, number]>([
    ['randomNormal', 0.05, Infinity],
    ['randomUniform', 0.05 / Math.sqrt(3), 0.05],
    ['truncatedNormal', 0.05 * truncated, 0.1],
    ['varianceScaling', Math.sqrt(1 / 360), (2 * Math.sqrt(1 / 360)) / truncated],
    ['glorotNormal', Math.sqrt(1 / 450), (2 * Math.sqrt(1 / 450)) / truncated],
    ['glorotUniform', Math.sqrt(1 / 450), Math.sqrt(3 / 450)],
    ['heNormal', Math.sqrt(2 / 360), (2 * Math.sqrt(2 / 360)) / truncated],
    ['heUniform', Math.sqrt(2 / 360), Math.sqrt(6 / 360)],
    ['lecunNormal', Math.sqrt(1 / 360), (2 * Math.sqrt(1 / 360)) / truncated],
    ['lecunUniform', Math.sqrt(1 / 360), Math.sqrt(3 / 360)],
  ])('%s has the deviation and the range of its formula', (name, stddev, limit) => {
    const found = moments(draw(initializers[name](), shape));
    expect(Math.abs(found.mean)).toBeLessThan(0.02 * stddev);
    expect(found.stddev / stddev).toBeCloseTo(1, 1.7);
    expect(found.largest).toBeLessThanOrEqual(limit * 1.000001);
    if (Number.isFinite(limit)) expect(found.largest).toBeGreaterThan(0.97 * limit);
  });

  test('untruncated normal, fan-out', () => {
    const options = { scale: 3, mode: 'fanOut', distribution: 'untruncatedNormal' } as const;
    expect(moments(draw(initializers.varianceScaling(options), shape)).stddev).toBeCloseTo(Math.sqrt(3 / 540), 3);
  });

  test('fans as Keras counts them', () => {
    expect([[], [7], [3, 5], [2, 2, 3, 5]].map((s) => Object.values(fansOf(s)))).toEqual([[1, 1], [7, 7], [3, 5], [12, 20]]); // prettier-ignore
  });

  test('zeros, ones, constant, identity', () => {
    expect(Array.from(draw(initializers.zeros(), [2]))).toEqual([0, 0]);
    expect(Array.from(draw(initializers.ones(), [2]))).toEqual([1, 1]);
    expect(Array.from(draw(initializers.constant({ value: 0.5 }), [2]))).toEqual([0.5, 0.5]);
    expect(Array.from(draw(initializers.identity({ gain: 2 }), [2, 3]))).toEqual([2, 0, 0, 0, 2, 0]);
  });

  test.each([[[6, 4]], [[4, 6]], [[2, 3, 5]]])('orthogonal %j', (wanted) => {
    const q = draw(initializers.orthogonal({ gain: 2 }), wanted);
    const columns = wanted[wanted.length - 1];
    const rows = q.length / columns;
    const tall = rows >= columns;
    for (let a = 0; a < Math.min(rows, columns); a++) {
      for (let b = 0; b < Math.min(rows, columns); b++) {
        let product = 0;
        for (let k = 0; k < Math.max(rows, columns); k++) {
          product += tall ? q[k * columns + a] * q[k * columns + b] : q[a * columns + k] * q[b * columns + k];
        }
        expect(product).toBeCloseTo(a === b ? 4 : 0, 5);
      }
    }
  });

  test('a separate seed makes them independent of the stream', () => {
    const seeded = initializers.heNormal({ seed: 1 });
    const stream = random();
    expect(interpret([seeded([4, 4], stream)])).toEqual(interpret([seeded([4, 4], stream)]));
    const unseeded = initializers.heNormal();
    expect(interpret([unseeded([4, 4], stream)])).not.toEqual(interpret([unseeded([4, 4], stream)]));
  });

  test.each<[() => unknown, string]>([
    [() => initializers.varianceScaling({ scale: 0 }), 'initializers.varianceScaling: scale is 0; it must be a number above 0'],
    [
      () => initializers.varianceScaling({ mode: 'fan_in' as never }),
      "mode is 'fan_in'; it must be 'fanIn', 'fanOut' or 'fanAvg'; did you mean 'fanIn'?",
    ],
    [
      () => initializers.varianceScaling({ distribution: 'normal' as never }),
      "distribution is 'normal'; it must be 'truncatedNormal', 'untruncatedNormal' or 'uniform'",
    ],
    [() => initializers.heNormal({ stddev: 1 } as never), "initializers.heNormal: unknown option 'stddev'; it takes seed"],
    [() => initializers.zeros({ value: 1 }), "initializers.zeros: unknown option 'value'; it takes no options"],
    [() => draw(initializers.orthogonal(), [3]), 'initializers.orthogonal: needs a shape of rank 2 or more, got [3]'],
    [() => draw(initializers.identity(), [3]), 'initializers.identity: needs a matrix, got the shape [3]'],
  ])('error %#', (act, message) => expect(act).toThrow(message));
});

describe('layers', () => {
  test('dense: activation(x kernel + bias) over the last axis', () => {
    const layer = layers.dense({ units: 2, activation: 'relu', kernelInitializer: 'ones', biasInitializer: 'ones' });
    expect(list(run(layer, tensor([[1, 2], [-3, 1]])))).toEqual([4, 4, 0, 0]); // prettier-ignore
    expect(run(layer, counting(2, 3, 4)).shape).toEqual([2, 3, 2]);
    expect(Object.keys(layers.dense({ units: 2, useBias: false }).build([3]).parameters)).toEqual(['kernel']);
  });

  test('activation by name and by function', () => {
    expect(list(run(layers.activation({ activation: 'softmax' }), tensor([[0, Math.log(3)]])))).toEqual([
      expect.closeTo(0.25, 6),
      expect.closeTo(0.75, 6),
    ]);
    expect(list(run(layers.activation({ activation: (x) => x }), tensor([[5]])))).toEqual([5]);
    // Keras's activation of this name is exact. The op approximates by default.
    expect(list(run(layers.activation({ activation: 'gelu' }), tensor([[1]])))[0]).toBeCloseTo(0.8413447, 6);
  });

  test('flatten and reshape keep the order of elements', () => {
    expect(run(layers.flatten(), counting(2, 2, 3)).shape).toEqual([2, 6]);
    const y = run(layers.reshape({ targetShape: [3, -1] }), counting(2, 6));
    expect(y.shape).toEqual([2, 3, 2]);
    expect(list(y)).toEqual(list(counting(12)));
  });

  test('conv2d: kernel [h, w, in / groups, filters], Keras sizes', () => {
    const layer = layers.conv2d({ filters: 1, kernelSize: 2, kernelInitializer: 'ones', biasInitializer: 'ones' });
    expect(list(run(layer, counting(1, 2, 3, 1)))).toEqual([0 + 1 + 3 + 4 + 1, 1 + 2 + 4 + 5 + 1]);
    const shapes = (options: Parameters<typeof layers.conv2d>[0], input: Shape): [Shape, Shape] => {
      const made = layers.conv2d(options);
      return [made.build(input).parameters.kernel.shape, made.outputShape(input) as Shape];
    };
    expect(shapes({ filters: 8, kernelSize: [3, 5], strides: 2 }, [28, 28, 4])).toEqual([[3, 5, 4, 8], [13, 12, 8]]); // prettier-ignore
    expect(shapes({ filters: 8, kernelSize: 3, padding: 'same', strides: 2 }, [7, 8, 4])).toEqual([[3, 3, 4, 8], [4, 4, 8]]); // prettier-ignore
    expect(shapes({ filters: 6, kernelSize: 3, groups: 2, dilationRate: 2 }, [9, 9, 4])).toEqual([[3, 3, 2, 6], [5, 5, 6]]); // prettier-ignore
  });

  test('the shape a layer promises is the shape it gives', () => {
    for (const [layer, shape] of [
      [layers.conv2d({ filters: 3, kernelSize: 3, strides: [2, 1], padding: 'same' }), [7, 5, 2]],
      [layers.conv2d({ filters: 3, kernelSize: [2, 3], strides: 2, dilationRate: [2, 1] }), [9, 8, 2]],
      [layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }), [8, 7, 2]],
      [layers.maxPooling2d({ poolSize: [2, 3] }), [7, 7, 2]],
    ] as const) {
      expect(run(layer, counting(2, ...shape)).shape).toEqual([2, ...(layer.outputShape(shape) as Shape)]);
    }
  });

  test('maxPooling2d takes the largest of each window', () => {
    expect(list(run(layers.maxPooling2d(), counting(1, 4, 4, 1)))).toEqual([5, 7, 13, 15]);
  });

  test('dropout drops only while training, by the key of the trace', () => {
    const x = hostTensor({ shape: [1, 1000], dtype: 'f32' }, new Float32Array(1000).fill(1));
    const layer = layers.dropout({ rate: 0.25 });
    expect(run(layer, x)).toBe(x);
    const masked = (key: number): number[] => {
      const traceKey = hostTensor({ shape: [2], dtype: 'u32' }, Uint32Array.of(key, 0));
      return list(withTrace({ name: 'test', key: () => traceKey, nextSite: () => 0 }, () => run(layer, x, true)));
    };
    const first = masked(1);
    expect(new Set(first)).toEqual(new Set([0, Math.fround(1 / 0.75)]));
    expect(first.filter((v) => v === 0).length / 1000).toBeCloseTo(0.25, 1);
    expect(masked(1)).toEqual(first);
    expect(masked(2)).not.toEqual(first);
  });

  test('nodes have the name of their layer', () => {
    const layer = layers.dense({ units: 2, activation: 'relu', name: 'hidden' });
    const scopes = topological([run(layer, counting(1, 2))]).filter(({ op }) => op.lowering.kind !== 'leaf').map(({ scope }) => scope); // prettier-ignore
    expect(scopes.length).toBeGreaterThan(1);
    expect(new Set(scopes.map((scope) => scope.split('/')[0]))).toEqual(new Set(['hidden']));
  });

  test('apply does not change what it is given', () => {
    const layer = layers.dense({ units: 2 });
    const variables = layer.build([2]);
    const before = { ...variables.parameters };
    layer.call(variables, counting(1, 2), { training: true });
    expect(variables.parameters).toEqual(before);
  });

  test.each<[() => unknown, typeof OmbreError, string]>([
    [() => layers.dense({ units: 0 }), ArgumentError, 'layers.dense: units is 0; it must be a positive integer'],
    [() => layers.dense({ unit: 1 } as never), ArgumentError, "layers.dense: unknown option 'unit'; it takes units, activation,"],
    [
      () => layers.dense({ units: 1, activation: 'Relu' as never }),
      ArgumentError,
      "layers.dense: activation is 'Relu'; it must be one of linear,",
    ],
    [
      () => layers.dense({ units: 1, name: 'a/b' }),
      ArgumentError,
      "layers.dense: name is 'a/b'; it must be a text without blanks and slashes that is no whole number",
    ],
    [
      () => layers.dense({ units: 1, name: '10' }),
      ArgumentError,
      "layers.dense: name is '10'; it must be a text without blanks and slashes that is no whole number, such as 'layer_10'",
    ],
    [
      () => layers.dense({ units: 1, inputShape: [null] as never }),
      ArgumentError,
      'layers.dense: inputShape is [null]; it must be a list of positive integers, without the batch axis',
    ],
    [() => layers.dense({ units: 1 }).build([]), ShapeError, 'dense: takes inputs [batch, …, features], got inputs of shape [batch]'],
    [
      () => layers.conv2d({ filters: 1 } as never),
      ArgumentError,
      'layers.conv2d: kernelSize is missing; it must be a positive integer, or two: [height, width], such as layers.conv2d({ filters: 32,',
    ],
    [() => layers.dropout({ rate: 1.1 }), ArgumentError, 'layers.dropout: rate is 1.1; it must be a number from 0 to 1'],
    [() => layers.dropout({ rate: NaN }), ArgumentError, 'layers.dropout: rate is NaN; it must be a number from 0 to 1'],
    [() => layers.dropout({ rate: '0.5' as never }), ArgumentError, "layers.dropout: rate is '0.5'; it must be a number"],
    [
      () => layers.reshape({ targetShape: [-1, -1] }),
      ArgumentError,
      'layers.reshape: targetShape is [-1,-1]; it must be a list of positive integers, of which one may be -1',
    ],
    [
      () => layers.reshape({ targetShape: [4, -1], name: 'square' }).outputShape([6]),
      ShapeError,
      'square: cannot make [4,-1] of inputs of shape [batch,6]; the number of elements must stay (6 here)',
    ],
    [
      () => layers.conv2d({ filters: 1, kernelSize: [3] as never }),
      ArgumentError,
      'layers.conv2d: kernelSize is [3]; it must be a positive integer, or two: [height, width]',
    ],
    [() => layers.conv2d({ filters: 3, kernelSize: 3, groups: 2 }), ArgumentError, 'layers.conv2d: 3 filters do not divide into 2 groups'],
    [
      () => layers.conv2d({ filters: 2, kernelSize: 3, groups: 2 }).outputShape([8, 8, 3]),
      ShapeError,
      'conv2d: 3 channels do not divide into 2 groups; choose another groups',
    ],
    [
      () => layers.conv2d({ filters: 1, kernelSize: 3, padding: 'full' as never }),
      ArgumentError,
      `layers.conv2d: padding is 'full'; it must be 'valid' or 'same'`,
    ],
    [
      () => layers.conv2d({ filters: 1, kernelSize: 9 }).outputShape([8, 8, 1]),
      ShapeError,
      "conv2d: a window of 9x9 does not fit into an image of 8x8; use padding 'same' or a smaller window",
    ],
    [
      () => layers.maxPooling2d({ poolSize: 0 }),
      ArgumentError,
      'layers.maxPooling2d: poolSize is 0; it must be a positive integer, or two: [height, width]',
    ],
    [() => layers.activation({} as never), ArgumentError, 'layers.activation: activation is missing'],
  ])('error %#', (act, type, message) => {
    expect(act).toThrow(type);
    expect(act).toThrow(message);
  });
});
