// Convolution and pooling on the CPU: references against naive loops, gradients against differences, and what bad input says.
import { describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import type { Shape } from '../../src/core/shape.ts';
import { type Conv2dOptions, conv2d } from '../../src/ops/conv/conv2d.ts';
import { sum } from '../../src/ops/index.ts';
import { type Pool2dOptions, maxPool2d } from '../../src/ops/pool/maxPool.ts';
import { checkGradients, dataOf, expectClose, f32, i32, indices, random, valuesOf } from './kernelChecks.ts';

describe('conv2d', () => {
  interface Case {
    x: Shape;
    filter: Shape;
    options: Conv2dOptions;
    output: Shape;
    /** [top, left] */
    pad: [number, number];
  }
  const cases: Case[] = [
    { x: [2, 5, 6, 3], filter: [3, 2, 3, 4], options: {}, output: [2, 3, 5, 4], pad: [0, 0] },
    { x: [1, 5, 6, 2], filter: [3, 3, 2, 3], options: { padding: 'same' }, output: [1, 5, 6, 3], pad: [1, 1] },
    { x: [2, 6, 5, 1], filter: [3, 2, 1, 2], options: { padding: 'same', strides: 2 }, output: [2, 3, 3, 2], pad: [0, 0] },
    {
      x: [1, 7, 6, 4],
      filter: [2, 3, 2, 4],
      options: {
        groups: 2,
        dilations: [2, 1],
        padding: [
          [1, 0],
          [0, 2],
        ],
      },
      output: [1, 6, 6, 4],
      pad: [1, 0],
    },
    { x: [1, 6, 7, 3], filter: [2, 2, 1, 6], options: { groups: 3, strides: [1, 2], dilations: 2 }, output: [1, 4, 3, 6], pad: [0, 0] },
    { x: [2, 3, 4, 3], filter: [1, 1, 3, 2], options: {}, output: [2, 3, 4, 2], pad: [0, 0] },
    { x: [1, 3, 4, 3], filter: [1, 1, 3, 2], options: { strides: 2 }, output: [1, 2, 2, 2], pad: [0, 0] },
  ];
  const pairOf = (value: number | readonly number[] = 1): readonly number[] => (typeof value === 'number' ? [value, value] : value);

  test.each(cases)('x $x * filter $filter $options', ({ x: xShape, filter: filterShape, options, output, pad }) => {
    const x = random(xShape);
    const filter = random(filterShape);
    const y = conv2d(x, filter, options);
    expect(y.shape).toEqual(output);
    const strides = pairOf(options.strides);
    const dilations = pairOf(options.dilations);
    const { groups = 1 } = options;
    const [kh, kw, depth, out] = filterShape;
    const expected = Array.from(indices(output), ([b, i, j, o]) => {
      let sum = 0;
      for (const [ky, kx, c] of indices([kh, kw, depth])) {
        const row = i * strides[0] + ky * dilations[0] - pad[0];
        const column = j * strides[1] + kx * dilations[1] - pad[1];
        if (row < 0 || row >= xShape[1] || column < 0 || column >= xShape[2]) continue;
        const channel = Math.floor(o / (out / groups)) * depth + c;
        sum +=
          dataOf(x)[((b * xShape[1] + row) * xShape[2] + column) * xShape[3] + channel] *
          dataOf(filter)[((ky * kw + kx) * depth + c) * out + o];
      }
      return sum;
    });
    expectClose(valuesOf(y), expected);
  });

  test('first and second gradients', () => {
    checkGradients(
      (x, f) => conv2d(x, f, { padding: 'same', strides: 2 }),
      [
        [1, 3, 4, 2],
        [2, 3, 2, 2],
      ],
    );
    checkGradients(
      (x, f) =>
        conv2d(x, f, {
          groups: 2,
          dilations: 2,
          padding: [
            [1, 0],
            [0, 1],
          ],
        }),
      [
        [1, 3, 3, 2],
        [2, 2, 1, 2],
      ],
    );
    checkGradients(
      (x, f) => conv2d(x, f),
      [
        [2, 2, 2, 3],
        [1, 1, 3, 2],
      ],
      1,
    );
  });

  test('says what is wrong', () => {
    const x = random([1, 4, 4, 3]);
    expect(() => conv2d(random([4, 4, 3]), random([3, 3, 3, 8]))).toThrow(
      'conv2d: x is [4,4,3]; images are [batch, height, width, channels]',
    );
    expect(() => conv2d(x, random([3, 3, 8]))).toThrow(
      'conv2d: filter is [3,3,8]; filters are [height, width, channels / groups, output channels]',
    );
    expect(() => conv2d(x, random([3, 3, 4, 8]))).toThrow('conv2d: channels differ: x [1,4,4,3] has 3, filter [3,3,4,8] takes 4;');
    expect(() => conv2d(x, random([3, 3, 1, 8]), { groups: 3 })).toThrow('conv2d: 8 output channels do not divide into 3 groups');
    expect(() => conv2d(x, random([5, 3, 3, 8]))).toThrow(
      "conv2d: a window of 5x3 does not fit into an image of 4x4; use padding 'same' or a smaller window",
    );
    expect(() => conv2d(x, random([3, 3, 3, 8]), { strides: 0 })).toThrow(
      'conv2d: strides is 0; give a positive whole number, or two: [height, width]',
    );
    // @ts-expect-error: four numbers in a row do not say which side is which
    expect(() => conv2d(x, random([3, 3, 3, 8]), { padding: [1, 1, 1, 1] })).toThrow('conv2d: padding is [1,1,1,1]; give');
    // @ts-expect-error: not a padding
    expect(() => conv2d(x, random([3, 3, 3, 8]), { padding: 'full' })).toThrow(
      "conv2d: padding is \"full\"; give 'valid', 'same' or [[top, bottom], [left, right]]",
    );
  });
});

describe('maxPool2d', () => {
  const image = f32([1, 3, 4, 1], [1, 5, 5, 2, 3, 5, 0, -1, -4, -2, -3, -9]);

  test('values: valid, same, overlapping', () => {
    expect(valuesOf(maxPool2d(image))).toEqual([5, 5]);
    expect(valuesOf(maxPool2d(image, { padding: 'same' }))).toEqual([5, 5, -2, -3]);
    expect(valuesOf(maxPool2d(image, { poolSize: [2, 3], strides: 1 }))).toEqual([5, 5, 5, 5]);
    expect(valuesOf(maxPool2d(f32([1, 1, 2, 1], [-Infinity, -Infinity]), { poolSize: [1, 2] }))).toEqual([-Infinity]);
  });

  test('a NaN in a window is its result, at any position', () => {
    expect(valuesOf(maxPool2d(f32([1, 1, 6, 1], [NaN, 1, 1, NaN, 2, 3]), { poolSize: [1, 2] }))).toEqual([NaN, NaN, 3]);
  });

  test('among equals the first gets the gradient', () => {
    const [g] = gradients(sum(maxPool2d(image)), [image]);
    expect(valuesOf(g)).toEqual([0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  });

  test('first and second gradients', () => {
    const options: Pool2dOptions[] = [
      {},
      { poolSize: 3, strides: 2, padding: 'same' },
      { poolSize: [3, 2], strides: 1 },
      { poolSize: 1, strides: 2 },
    ];
    for (const option of options) checkGradients((x) => maxPool2d(x, option), [[2, 4, 5, 2]]);
  });

  test('says what is wrong', () => {
    expect(() => maxPool2d(random([4, 4]))).toThrow('maxPool2d: x is [4,4]; images are [batch, height, width, channels]');
    expect(() => maxPool2d(random([1, 2, 2, 1]), { poolSize: 3 })).toThrow('maxPool2d: a window of 3x3 does not fit into an image of 2x2');
    expect(() =>
      maxPool2d(random([1, 2, 2, 1]), {
        padding: [
          [2, 0],
          [0, 0],
        ],
      }),
    ).toThrow('maxPool2d: padding [[2,0],[0,0]] is as large as the window 2x2');
    expect(() => maxPool2d(i32([1, 2, 2, 1], [1, 2, 3, 4]))).toThrow("maxPool2d: takes floats, got i32; use cast(x, 'f32')");
    // @ts-expect-error: Keras's older name
    expect(() => maxPool2d(random([1, 2, 2, 1]), { size: 2 })).toThrow(
      "maxPool2d: unknown option 'size'; it takes poolSize, strides, padding",
    );
  });
});
