// Properties that follow from the definitions of further pooling and of resampling. Comparisons of values and gradients with PyTorch and
// with differences are rows of test/tables/images.ts, bad input is in test/tables/errorsImages.ts.
import { describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import * as o from '../../src/ops/index.ts';
import { expectClose, f32, random, valuesOf } from './kernelChecks.ts';

describe('pooling', () => {
  test('a window whose taps miss the image gives -Infinity and no index, and passes no gradient', () => {
    const x = o.alias(f32([1, 1, 1, 1], [3]));
    const options = { poolSize: 2, strides: 1, dilations: 2, padding: [[1, 1], [1, 1]] } as const; // prettier-ignore
    const [values, indices] = o.maxPool2dWithIndices(x, options);
    expect(valuesOf(values)).toEqual([-Infinity]);
    expect(valuesOf(indices)).toEqual([-1]);
    expect(valuesOf(gradients(o.sum(values), [x])[0])).toEqual([0]);
    expect(valuesOf(o.maxUnpool2d(values, indices, { size: 1 }))).toEqual([0]);
  });

  test('ceilMode adds no window that begins in the padding at the end', () => {
    const sizes = (n: number, options: o.MaxPoolOptions): number => o.maxPool1d(random([1, n, 1]), { ...options, ceilMode: true }).shape[1];
    expect(sizes(5, { poolSize: 2 })).toBe(3);
    expect(sizes(4, { poolSize: 1, strides: 3 })).toBe(2);
    expect(sizes(4, { poolSize: 2, strides: 3, padding: [[0, 1]] })).toBe(2);
    expect(sizes(6, { poolSize: 2, strides: 3, padding: [[1, 1]] })).toBe(3);
    expect(sizes(5, { poolSize: 3, strides: 2, padding: 'same' })).toBe(3);
  });

  test('the indices pick the values', () => {
    const x = random([2, 3, 5, 4, 2]);
    const [values, indices] = o.maxPool3dWithIndices(x, { poolSize: 2, strides: 1 });
    const picked = o.takeAlongAxis(o.reshape(x, [2, 60, 2]), o.reshape(indices, [2, -1, 2]), { axis: 1 });
    expectClose(valuesOf(picked), valuesOf(values));
  });
});

describe('resize', () => {
  const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);
  const square = f32([1, 4, 4, 1], count(16));

  // From the examples of ONNX's specification of Resize; [options, results of the first rows].
  test.each([
    [{ scale: 0.8, method: 'cubic' }, [1.47119141, 2.78125, 4.08251953, 6.71142578, 8.02148438, 9.32275391]],
    [
      { scale: 0.8, method: 'cubic', cubicCoefficient: -0.5, excludeOutside: true },
      [1.36812675, 2.6695014, 4.0133367, 6.57362535, 7.875, 9.2188353],
    ],
    [{ size: [3, 1], method: 'linear', coordinates: 'pytorchHalfPixel' }, [1.6666666, 7, 12.333333]],
    [{ size: 8, rounding: 'floor', alignCorners: true }, [1, 1, 1, 2, 2, 3, 3, 4, 1, 1, 1, 2, 2, 3, 3, 4]],
    [{ size: 8, rounding: 'ceil', coordinates: 'halfPixel' }, [1, 2, 2, 3, 3, 4, 4, 4, 5, 6, 6, 7, 7, 8, 8, 8]],
    [{ size: 8, rounding: 'roundPreferCeil', coordinates: 'asymmetric' }, [1, 2, 2, 3, 3, 4, 4, 4, 5, 6, 6, 7, 7, 8, 8, 8]],
    [{ size: 8, rounding: 'roundPreferFloor', coordinates: 'asymmetric' }, [1, 1, 2, 2, 3, 3, 4, 4, 1, 1, 2, 2, 3, 3, 4, 4]],
  ] as const)('as ONNX has it: %j', (options, expected) => {
    const found = valuesOf(o.resize(square, options)).slice(0, expected.length);
    found.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 5));
  });

  test('the size of x gives x, whole factors what upsample2d gives', () => {
    const x = random([2, 3, 5, 2]);
    for (const method of ['nearest', 'linear', 'cubic', 'area'] as const) expect(o.resize(x, { scale: 1, method })).toBe(x);
    expectClose(valuesOf(o.resize(x, { scale: [2, 3] })), valuesOf(o.upsample2d(x, { size: [2, 3] })));
    const bilinear = o.upsample2d(x, { size: [2, 3], interpolation: 'bilinear' });
    expectClose(valuesOf(o.resize(x, { scale: [2, 3], method: 'linear' })), valuesOf(bilinear));
  });

  test('an Infinity reaches only the elements that it has a weight in', () => {
    const x = f32([1, 4, 1], [1, Infinity, 2, 3]);
    expect(valuesOf(o.resize(x, { size: 2, method: 'linear', alignCorners: true }))).toEqual([1, 3]);
    expect(valuesOf(o.resize(x, { size: 8 }))).toEqual([1, 1, Infinity, Infinity, 2, 2, 3, 3]);
  });

  test('many taps are taken axis by axis, with the same result', () => {
    const x = random([1, 40, 30, 2]);
    const together = o.resize(o.resize(x, { size: [3, 30], method: 'area' }), { size: [3, 2], method: 'area' });
    expectClose(valuesOf(o.resize(x, { size: [3, 2], method: 'area' })), valuesOf(together));
  });
});

describe('gridSample', () => {
  const x = f32([1, 3, 4, 1], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  // (NaN, 0), (0, NaN), (∞, 0), (-∞, 0), (1e20, 0), (-1e20, 0)
  const grid = f32([1, 1, 6, 2], [NaN, 0, 0, NaN, Infinity, 0, -Infinity, 0, 1e20, 0, -1e20, 0]);

  // As PyTorch 1.13 on the CPU.
  test.each([
    ['linear', 'zeros', [NaN, NaN, NaN, NaN, 0, 0]],
    ['linear', 'border', [5, 2.5, 8, 5, 8, 5]],
    ['linear', 'reflect', [5, 2.5, 5, 5]],
    ['nearest', 'zeros', [0, 0, 0, 0, 0, 0]],
    ['nearest', 'border', [5, 3, 8, 5, 8, 5]],
    ['nearest', 'reflect', [5, 3, 5, 5]],
    ['cubic', 'zeros', [NaN, NaN, NaN, NaN, 0, 0]],
    ['cubic', 'border', [NaN, NaN, NaN, NaN, 8, 5]],
    ['cubic', 'reflect', [NaN, NaN, NaN, NaN]],
  ] as const)('NaN, infinite and huge coordinates: %s, %s', (method, padding, expected) => {
    const found = valuesOf(o.gridSample(x, grid, { method, padding }));
    expect(found.slice(0, expected.length)).toEqual(expected);
    expect(found.every((value) => Number.isNaN(value) || (value >= 0 && value <= 12))).toBe(true);
  });

  test('beyond a border no gradient flows into the grid, and within it does', () => {
    const image = f32([1, 1, 2, 1], [3, 7]);
    const at = o.alias(f32([1, 1, 3, 2], [0.25, 0, -3, 0, 5, NaN]));
    const y = o.gridSample(image, at, { padding: 'border' });
    expect(valuesOf(y)).toEqual([6, 3, 7]);
    expect(valuesOf(gradients(o.sum(y), [at])[0])).toEqual([4, 0, 0, 0, 0, 0]);
  });

  // Gradients of PyTorch 1.13 where the slope jumps: on elements, and where a border or a mirror begins.
  test.each([
    ['linear', 'zeros', [-4, -2, 14, 11, 5, 5, -6, 1, 0, 0, 2, 0]],
    ['linear', 'border', [0, 0, 14, 11, 0, 0, 0, 1, 0, -14, 0, 0]],
    ['linear', 'reflect', [0, 0, 14, 11, 0, 0, 0, 1, -14, 11, 11, 0]],
    ['cubic', 'zeros', [-0.75, 0.75, 6, 5.25, -4.5, -6.75, -3.75, -0.75, -6.75, 0, 1.5, 0]],
    ['cubic', 'border', [-3, -1.5, 6, 5.25, -8.25, -10.5, -4.5, -0.75, 0, -6.75, 0, 0.75]],
    ['cubic', 'reflect', [0, 0, 6, 5.25, 0, 0, 0, -0.75, -6, 5.25, 5.25, 0]],
  ] as const)('the gradient on elements and edges: %s, %s', (method, padding, expected) => {
    const image = f32([1, 3, 3, 1], [3, -1, 4, 1, -5, 9, 2, 6, -5]);
    const at = o.alias(f32([1, 1, 6, 2], [-1, -1, 0, 0, 1, 1, -1, 0, 2, 0, -2, 1]));
    const y = o.gridSample(image, at, { method, padding, alignCorners: true });
    expectClose(valuesOf(gradients(o.sum(y), [at])[0]), [...expected]);
  });

  test('the grid of the centres gives x', () => {
    const images = random([2, 3, 5, 2]);
    const line = (n: number): number[] => Array.from({ length: n }, (_, i) => (2 * i + 1) / n - 1);
    const centres = line(3).flatMap((y) => line(5).flatMap((along) => [along, y]));
    const same = o.gridSample(images, f32([2, 3, 5, 2], [...centres, ...centres]));
    const [found, wanted] = [valuesOf(same), valuesOf(images)];
    found.forEach((value, i) => expect(Math.abs(value - wanted[i])).toBeLessThan(1e-5));
  });
});
