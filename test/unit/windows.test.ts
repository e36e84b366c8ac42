// Convolution, pooling and upsampling beyond conv2d and maxPool2d: what their definitions imply, and what bad input says. Values and gradients
// against PyTorch and differences are rows of test/tables/windows.ts.
import { describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { ArgumentError, DtypeError, type OmbreError, ShapeError } from '../../src/core/errors.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import * as o from '../../src/ops/index.ts';
import { checkGradients, expectClose, f32, i32, random, valuesOf } from './kernelChecks.ts';

const ramp = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

describe('convolution', () => {
  test('a volume one voxel deep is an image, a sequence an image one pixel high', () => {
    const [x, f] = [random([2, 5, 6, 4]), random([3, 2, 2, 6])];
    const options = { strides: [2, 1], dilations: [1, 2], padding: [[1, 2], [0, 1]], groups: 2 } as const; // prettier-ignore
    const volume = o.conv3d(o.expandDims(x, 1), o.expandDims(f, 0), {
      strides: [1, 2, 1],
      dilations: [1, 1, 2],
      padding: [[0, 0], ...options.padding],
      groups: 2,
    });
    expectClose(valuesOf(volume), valuesOf(o.conv2d(x, f, options)));
    const [s, g] = [random([2, 9, 3]), random([4, 3, 2])];
    const image = o.conv2d(o.expandDims(s, 1), o.expandDims(g, 0), { strides: [1, 2], padding: [[0, 0], [3, 1]] }); // prettier-ignore
    expectClose(valuesOf(o.conv1d(s, g, { strides: 2, padding: [[3, 1]] })), valuesOf(image));
  });

  test('a depthwise convolution is one of as many groups as channels', () => {
    const [x, f] = [random([2, 7, 6, 3]), random([3, 2, 3, 2])];
    const options = { strides: [2, 1], dilations: [1, 2], padding: 'same' } as const;
    const grouped = o.conv2d(x, o.reshape(f, [3, 2, 1, 6]), { ...options, groups: 3 });
    expectClose(valuesOf(o.depthwiseConv2d(x, f, options)), valuesOf(grouped));
  });

  test('conv2dTranspose has the sizes of Keras and is the transpose of conv2d', () => {
    const size = (n: number, k: number, options: o.Conv2dTransposeOptions): number =>
      o.conv2dTranspose(random([1, n, 1, 1]), random([k, 1, 1, 1]), options).shape[1];
    // prettier-ignore
    const cases: [number, number, o.Conv2dTransposeOptions, number][] = [
      [5, 3, {}, 7], [5, 3, { strides: 2 }, 11], [5, 2, { strides: 3 }, 15], [5, 2, { strides: 3, outputPadding: 0 }, 14],
      [5, 3, { strides: 2, padding: 'same' }, 10], [5, 2, { strides: 3, padding: 'same' }, 15], [5, 4, { strides: 2, padding: 'same' }, 10],
      [5, 4, { strides: [2, 1], padding: 'same', outputPadding: [1, 0] }, 9], [5, 3, { dilations: 2 }, 9],
      [5, 3, { strides: 2, padding: [[1, 0], [0, 0]], outputPadding: [1, 0] }, 11], [1, 1, { strides: 4 }, 4],
    ];
    for (const [n, k, options, expected] of cases) expect(size(n, k, options), JSON.stringify({ n, k, options })).toBe(expected);
    // <conv2d(y, f), x> = <y, conv2dTranspose(x, f)>
    const [y, f, x] = [random([2, 8, 6, 4]), random([3, 4, 4, 3]), random([2, 4, 3, 3])];
    const options = { strides: 2, padding: 'same' } as const;
    const left = o.sum(o.mul(o.conv2d(y, f, options), x));
    expectClose(valuesOf(o.sum(o.mul(y, o.conv2dTranspose(x, f, options)))), valuesOf(left));
  });

  test('gradients of gradients with uneven windows', () => {
    checkGradients((x, f) => o.conv3d(x, f, { strides: [1, 2, 2], padding: [[1, 0], [0, 1], [1, 1]] }), [[1, 2, 3, 3, 2], [2, 2, 2, 2, 1]]); // prettier-ignore
    checkGradients((x, f) => o.conv2dTranspose(x, f, { strides: [2, 3], padding: 'same' }), [[1, 2, 2, 2], [3, 2, 1, 2]]); // prettier-ignore
    checkGradients((x, f) => o.depthwiseConv2d(x, f, { strides: 2, dilations: 3, padding: [[2, 2], [3, 1]] }), [[1, 4, 3, 2], [2, 2, 2, 2]]); // prettier-ignore
  });

  test('no images, and whole numbers', () => {
    const nothing = o.depthwiseConv2d(f32([0, 4, 4, 2], []), random([3, 3, 2, 1]));
    expect(nothing.shape).toEqual([0, 2, 2, 2]);
    expect(valuesOf(nothing)).toEqual([]);
    const filter = random([2, 2, 2, 2, 3]);
    const empty = o.conv3d(f32([0, 3, 3, 3, 2], []), filter);
    expect(valuesOf(gradients(o.sum(empty), [filter])[0]).every((value) => value === 0)).toBe(true);
    const y = o.conv1d(i32([1, 3, 1], [1, 2, 3]), i32([2, 1, 1], [10, 1]));
    expect([y.dtype, ...valuesOf(y)]).toEqual(['f32', 12, 23]);
  });
});

describe('pooling', () => {
  test('a maximum of a volume: ties go to the first voxel in memory, and a NaN is the result', () => {
    // A reshape of values would be a new leaf, which the gradient does not pass.
    const x = o.alias(f32([1, 2, 2, 2, 1], [1, 5, 2, 5, 5, 0, 0, 5]));
    const y = o.maxPool3d(x);
    expect(valuesOf(y)).toEqual([5]);
    expect(valuesOf(gradients(o.sum(y), [x])[0])).toEqual([0, 1, 0, 0, 0, 0, 0, 0]);
    expect(valuesOf(o.maxPool3d(f32([1, 2, 1, 2, 1], [1, 2, NaN, 3]), { poolSize: [2, 1, 2] }))).toEqual([NaN]);
    expect(valuesOf(o.maxPool1d(f32([1, 4, 1], [3, 3, -Infinity, -Infinity])))).toEqual([3, -Infinity]);
  });

  test('padding is left out of the count', () => {
    const ones = o.ones([1, 5, 4, 3, 1]);
    for (const poolSize of [2, 3, [3, 1, 2]]) {
      expect(new Set(valuesOf(o.avgPool3d(ones, { poolSize, strides: 1, padding: 'same' })))).toEqual(new Set([1]));
    }
    expect(valuesOf(o.avgPool1d(f32([1, 5, 1], ramp(5)), { poolSize: 3, strides: 2, padding: 'same' }))).toEqual([0.5, 2, 3.5]);
    expect(valuesOf(o.avgPool2d(f32([1, 3, 3, 1], ramp(9)), { padding: 'same' }))).toEqual([2, 3.5, 6.5, 8]);
  });

  test('globalAvgPool of sequences, images and volumes', () => {
    for (const shape of [
      [2, 3, 1],
      [2, 3, 1, 1],
      [2, 1, 1, 3, 1],
    ]) {
      // prettier-ignore
      expect(valuesOf(o.globalAvgPool(f32(shape, ramp(6))))).toEqual([1, 4]);
    }
    expect(o.globalAvgPool(random([2, 3, 4, 5]), { keepDims: true }).shape).toEqual([2, 1, 1, 5]);
  });

  test('gradients of gradients', () => {
    checkGradients((x) => o.avgPool2d(x, { poolSize: [3, 2], strides: [2, 1], padding: 'same' }), [[2, 4, 3, 2]]);
    checkGradients((x) => o.maxPool3d(x, { poolSize: [2, 3, 2], strides: 1, padding: 'same' }), [[1, 3, 3, 3, 1]]);
    checkGradients((x) => o.upsample2d(x, { size: [2, 3], interpolation: 'bilinear' }), [[1, 2, 3, 2]]);
  });
});

test('upsampling keeps whole numbers where it only repeats, and constants everywhere', () => {
  const labels = o.upsample2d(i32([1, 1, 2, 1], [3, 7]));
  expect([labels.dtype, ...valuesOf(labels)]).toEqual(['i32', 3, 3, 7, 7, 3, 3, 7, 7]);
  expectClose(
    valuesOf(o.upsample2d(o.full([1, 3, 2, 1], 4), { size: 5, interpolation: 'bilinear' })),
    new Array<number>(150).fill(4),
    1e-7,
  );
  expectClose(valuesOf(o.upsample2d(i32([1, 1, 2, 1], [0, 4]), { size: [1, 2], interpolation: 'bilinear' })), [0, 1, 3, 4]);
});

const sequence = random([2, 8, 3]);
const image = random([1, 4, 4, 3]);
const volume = random([1, 4, 4, 4, 3]);
type Pooling = (x: Tensor, options?: o.PoolOptions) => Tensor;

// prettier-ignore
const wrong: [call: () => Tensor, type: typeof OmbreError, message: string][] = [
  [() => o.conv1d(image, random([3, 3, 2])), ShapeError, 'conv1d: x is [1,4,4,3]; sequences are [batch, width, channels], use reshape or expandDims'],
  [() => o.conv1d(sequence, random([3, 3])), ShapeError, 'conv1d: filter is [3,3]; filters are [width, channels / groups, output channels]'],
  [() => o.conv1d(sequence, random([3, 4, 2])), ShapeError, 'conv1d: channels differ: x [2,8,3] has 3, filter [3,4,2] takes 4; filters are'],
  [() => o.conv1d(sequence, random([9, 3, 2])), ShapeError, "conv1d: a window of 9 does not fit into a sequence of 8; use padding 'same' or a smaller window"],
  [() => o.conv1d(sequence, random([5, 3, 2]), { dilations: 2 }), ShapeError, 'conv1d: a window of 5 (dilated by 2) does not fit into a sequence of 8'],
  [() => o.conv1d(sequence, f32([0, 3, 2], [])), ShapeError, 'conv1d: filter [0,3,2] has no taps'],
  [() => o.conv1d(sequence, random([3, 3, 2]), { strides: [1, 1] }), ArgumentError, 'conv1d: strides is [1,1]; give a positive whole number'],
  [() => o.conv1d(sequence, random([3, 3, 2]), { padding: [1, 1] as never }), ArgumentError, "conv1d: padding is [1,1]; give 'valid', 'same' or [[left, right]] in steps"],
  [() => o.conv1d(sequence, random([3, 1, 4]), { groups: 3 }), ShapeError, 'conv1d: 4 output channels do not divide into 3 groups'],
  [() => o.conv1d(sequence, random([3, 1, 3]), { groups: 1.5 }), ArgumentError, 'conv1d: groups is 1.5; give a positive whole number'],
  [() => o.conv1d(sequence, random([3, 3, 2]), { stride: 2 } as never), ArgumentError, "conv1d: unknown option 'stride'; it takes strides, padding, dilations, groups"],
  [() => o.conv3d(image, random([1, 1, 1, 3, 2])), ShapeError, 'conv3d: x is [1,4,4,3]; volumes are [batch, depth, height, width, channels]'],
  [() => o.conv3d(volume, random([3, 3, 3, 2])), ShapeError, 'conv3d: filter is [3,3,3,2]; filters are [depth, height, width, channels / groups, output channels]'],
  [() => o.conv3d(volume, random([1, 1, 1, 2, 2])), ShapeError, 'conv3d: channels differ: x [1,4,4,4,3] has 3, filter [1,1,1,2,2] takes 2;'],
  [() => o.conv3d(volume, random([1, 5, 1, 3, 2])), ShapeError, 'conv3d: a window of 1x5x1 does not fit into a volume of 4x4x4'],
  [() => o.conv3d(volume, random([1, 1, 1, 3, 2]), { strides: [1, 2] }), ArgumentError, 'conv3d: strides is [1,2]; give a positive whole number, or three: [depth, height, width]'],
  [() => o.conv3d(volume, random([1, 1, 1, 3, 2]), { padding: 1 as never }), ArgumentError, "conv3d: padding is 1; give 'valid', 'same' or [[front, back], [top, bottom], [left, right]] in voxels"],
  [() => o.conv2dTranspose(volume, random([3, 3, 2, 3])), ShapeError, 'conv2dTranspose: x is [1,4,4,4,3]; images are [batch, height, width, channels]'],
  [() => o.conv2dTranspose(image, random([3, 3, 3])), ShapeError, 'conv2dTranspose: filter is [3,3,3]; filters are [height, width, output channels, channels]'],
  [() => o.conv2dTranspose(image, random([3, 3, 3, 2])), ShapeError, 'conv2dTranspose: channels differ: x [1,4,4,3] has 3, filter [3,3,3,2] takes 2; filters are [height, width, output channels, channels]'],
  [() => o.conv2dTranspose(image, random([3, 3, 2, 3]), { outputPadding: 1 }), ArgumentError, 'conv2dTranspose: outputPadding is 1; give whole numbers from 0 on and less than the strides 1x1'],
  [() => o.conv2dTranspose(image, random([3, 3, 2, 3]), { strides: 2, outputPadding: [1] }), ArgumentError, 'conv2dTranspose: outputPadding is [1]; give'],
  [() => o.conv2dTranspose(image, random([1, 1, 2, 3]), { padding: [[2, 2], [0, 0]] }), ShapeError, 'conv2dTranspose: x [1,4,4,3] under a filter of 1x1 leaves a result of 0x4; use less padding or a larger x'],
  [() => o.conv2dTranspose(f32([1, 0, 4, 3], []), random([2, 2, 1, 3])), ShapeError, 'conv2dTranspose: x [1,0,4,3] under a filter of 2x2 leaves a result'],
  [() => o.conv2dTranspose(image, random([3, 3, 2, 3]), { padding: 'full' as never }), ArgumentError, `conv2dTranspose: padding is "full"; give 'valid', 'same' or [[top, bottom], [left, right]] in pixels`],
  [() => o.depthwiseConv2d(sequence, random([3, 3, 3, 1])), ShapeError, 'depthwiseConv2d: x is [2,8,3]; images are [batch, height, width, channels]'],
  [() => o.depthwiseConv2d(image, random([3, 3, 3])), ShapeError, 'depthwiseConv2d: filter is [3,3,3]; filters are [height, width, channels, multiplier]'],
  [() => o.depthwiseConv2d(image, random([3, 3, 1, 3])), ShapeError, 'depthwiseConv2d: channels differ: x [1,4,4,3] has 3, filter [3,3,1,3] takes 1; filters are [height, width, channels, multiplier]'],
  [() => o.depthwiseConv2d(image, random([5, 3, 3, 1])), ShapeError, 'depthwiseConv2d: a window of 5x3 does not fit into an image of 4x4'],
  [() => o.depthwiseConv2d(image, random([3, 3, 3, 1]), { groups: 3 } as never), ArgumentError, "depthwiseConv2d: unknown option 'groups'; it takes strides, padding, dilations"],
  [() => o.globalAvgPool(random([2, 3])), ShapeError, 'globalAvgPool: x is [2,3]; it needs axes between batch and channels'],
  [() => o.globalAvgPool(f32([2, 0, 4, 3], [])), ShapeError, 'globalAvgPool: x [2,0,4,3] has nothing to average between batch and channels'],
  [() => o.upsample2d(sequence), ShapeError, 'upsample2d: x is [2,8,3]; images are [batch, height, width, channels]'],
  [() => o.upsample2d(image, { size: 1.5 }), ArgumentError, 'upsample2d: size is 1.5; give a positive whole number, or two: [height, width]'],
  [() => o.upsample2d(image, { interpolation: 'cubic' as never }), ArgumentError, `upsample2d: interpolation is "cubic"; give 'nearest' or 'bilinear'`],
  [() => o.upsample2d(f32([1, 0, 4, 3], []), { interpolation: 'bilinear' }), ShapeError, "upsample2d: x [1,0,4,3] has no pixels to interpolate between; use 'nearest' or a larger image"],
  ...([['maxPool1d', o.maxPool1d], ['avgPool1d', o.avgPool1d]] as [string, Pooling][]).flatMap(([name, pool]): typeof wrong => [
    [() => pool(image), ShapeError, `${name}: x is [1,4,4,3]; sequences are [batch, width, channels]`],
    [() => pool(sequence, { poolSize: 9 }), ShapeError, `${name}: a window of 9 does not fit into a sequence of 8`],
    [() => pool(sequence, { padding: [[2, 0]] }), ArgumentError, `${name}: padding [[2,0]] is as large as the window 2; keep it smaller`],
    [() => pool(i32([1, 2, 1], [1, 2])), DtypeError, `${name}: takes floats, got i32; use cast(x, 'f32')`],
    [() => pool(sequence, { size: 2 } as never), ArgumentError, `${name}: unknown option 'size'; it takes poolSize, strides, padding`],
  ]),
  ...([['maxPool3d', o.maxPool3d], ['avgPool3d', o.avgPool3d]] as [string, Pooling][]).flatMap(([name, pool]): typeof wrong => [
    [() => pool(image), ShapeError, `${name}: x is [1,4,4,3]; volumes are [batch, depth, height, width, channels]`],
    [() => pool(volume, { poolSize: [1, 5, 1] }), ShapeError, `${name}: a window of 1x5x1 does not fit into a volume of 4x4x4`],
    [() => pool(volume, { strides: [2, 2] }), ArgumentError, `${name}: strides is [2,2]; give a positive whole number, or three: [depth, height, width]`],
    [() => pool(i32([1, 1, 1, 2, 1], [1, 2]), { poolSize: 1 }), DtypeError, `${name}: takes floats, got i32; use cast(x, 'f32')`],
  ]),
  [() => o.avgPool2d(sequence), ShapeError, 'avgPool2d: x is [2,8,3]; images are [batch, height, width, channels]'],
  [() => o.avgPool2d(image, { poolSize: 5 }), ShapeError, 'avgPool2d: a window of 5x5 does not fit into an image of 4x4'],
  [() => o.avgPool2d(i32([1, 2, 2, 1], [1, 2, 3, 4])), DtypeError, "avgPool2d: takes floats, got i32; use cast(x, 'f32')"],
  [() => o.avgPool2d(image, { padding: [[2, 0], [0, 0]] }), ArgumentError, 'avgPool2d: padding [[2,0],[0,0]] is as large as the window 2x2; keep it smaller'],
  [() => o.avgPool2d(f32([1, 0, 4, 3], [])), ShapeError, 'avgPool2d: a window of 2x2 does not fit into an image of 0x4'],
];

test.each(wrong.map(([call, type, message]) => [message, call, type] as const))('says: %s', (message, call, type) => {
  expect(call).toThrow(message);
  expect(call).toThrow(type);
});
