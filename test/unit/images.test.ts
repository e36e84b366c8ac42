// What the definitions of further pooling and of resampling imply. Values and gradients against PyTorch and differences are rows of
// test/tables/images.ts, bad input of test/tables/errorsImages.ts.
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
