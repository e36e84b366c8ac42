// Derivatives by central differences in f64, one input element at a time.
import { sizeOf } from '../../src/core/shape.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { interpret } from '../../src/runtime/cpu.ts';

export const f64 = (values: readonly number[], shape: readonly number[] = [values.length]): Tensor =>
  hostTensor({ shape, dtype: 'f32' }, Float64Array.from(values));

export const numbers64 = (x: Tensor): number[] => [...interpret([x], { mode: 'f64' })[0]];

/** Deterministic numbers in [low, high) without a simple pattern. */
export function spread(shape: readonly number[], seed = 1, low = -1, high = 1): Tensor {
  let state = (seed * 2654435761) >>> 0;
  return f64(
    Array.from({ length: sizeOf(shape) }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return low + ((high - low) * state) / 2 ** 32;
    }),
    shape,
  );
}

/** ∂y/∂x as rows: result[i][j] = ∂y_i / ∂x_j. */
export function differences(fn: (x: Tensor) => Tensor, x: Tensor, step = 1e-6): number[][] {
  const at = numbers64(x);
  const columns = at.map((_, j) => {
    const moved = (by: number): number[] =>
      numbers64(
        fn(
          f64(
            at.map((v, k) => (k === j ? v + by : v)),
            x.shape,
          ),
        ),
      );
    const [up, down] = [moved(step), moved(-step)];
    return up.map((value, i) => (value - down[i]) / (2 * step));
  });
  return columns[0].map((_, i) => columns.map((column) => column[i]));
}
