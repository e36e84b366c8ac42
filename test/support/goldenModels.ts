// State dicts and outputs that scripts/golden/models.py wrote by PyTorch, and parts of tests that read them.
import { expect } from 'vitest';
import type { Tensor } from '../../src/graph/tensor.ts';
import { tensor } from '../../src/ops/index.ts';
import cases from '../golden/models/cases.json';

export interface GoldenArray {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export const goldenModels = cases as Readonly<Record<keyof typeof cases, readonly GoldenArray[]>>;

/** Value i is -2 + 4 frac((i + 1) golden). The script computes the same. */
export function pattern(...shape: readonly number[]): Tensor {
  const count = shape.reduce((product, n) => product * n, 1);
  return tensor(
    Float32Array.from({ length: count }, (_, i) => -2 + 4 * (((i + 1) * 0.6180339887498949) % 1)),
    shape,
  );
}

/** @param found Outputs of the model with the weights of PyTorch. */
export async function expectGolden(found: readonly Tensor[], name: keyof typeof cases): Promise<void> {
  const expected = goldenModels[name];
  expect(found.length).toBe(expected.length);
  for (const [i, { shape, data }] of expected.entries()) {
    expect(found[i].shape).toEqual(shape);
    expect(worst(await found[i].data(), data)).toBeLessThan(1e-5);
  }
}

/** Largest difference of numbers. */
export const worst = (found: ArrayLike<number>, expected: readonly number[]): number =>
  found.length === expected.length ? expected.reduce((most, value, i) => Math.max(most, Math.abs(value - found[i])), 0) : Infinity;
