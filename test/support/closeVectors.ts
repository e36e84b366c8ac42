// Comparison of numbers computed in f64 with vectors of PyTorch. The error is relative above 1, and absolute below.
import { expect } from 'vitest';
import { noteVectors } from './findings.ts';

const tolerance = 1e-10;

/** A comparison for the tests of a file. `worst` gives the largest error so far. */
export function vectorComparison(): {
  readonly expectClose: (actual: ArrayLike<number>, expected: readonly number[], what: string) => void;
  readonly worst: () => number;
} {
  let worst = 0;
  return {
    expectClose(actual, expected, what) {
      expect(actual.length, what).toBe(expected.length);
      expected.forEach((value, i) => {
        const error = Math.abs(actual[i] - value) / (1 + Math.abs(value));
        worst = Math.max(worst, error);
        // NaN is not within the tolerance.
        if (!(error <= tolerance)) expect.fail(`${what}, element ${i}: ${actual[i]} for ${value}`);
      });
      noteVectors(1);
    },
    worst: () => worst,
  };
}
