// Rows of test/tables as functions that are exported to ONNX, and differences of results.
import type { Tensor } from '../../src/index.ts';
import { hostTensor } from '../../src/graph/tensor.ts';
import { exportOnnx } from '../../src/onnx/index.ts';
import { type OpRow, valuesOf } from '../tables/row.ts';

/** The function of a row, and its inputs in the form of exportOnnx. */
export function exportRow({ call, inputs }: OpRow, opset: number): Promise<Uint8Array> {
  const specs = inputs.length > 0 ? inputs.map(({ shape, dtype }) => ({ shape, dtype })) : [{ shape: [1] }];
  return exportOnnx((...args: Tensor[]) => call(...args), { inputs: specs, opset });
}

export const rowTensors = ({ inputs }: OpRow): Tensor[] =>
  inputs.map((spec, k) => hostTensor({ shape: spec.shape, dtype: spec.dtype }, valuesOf(spec, k, 'f32')));

/** Largest |a - b| / (1 + |b|). */
export function worstOf(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [Number(actual[i]), expected[i]];
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    const error = Math.abs(a - b) / (1 + Math.abs(b));
    worst = Math.max(worst, Number.isNaN(error) ? Infinity : error);
  }
  return worst;
}

/** Names of a model's inputs in its file. */
export const inputNames = (model: string, count: number): string[] =>
  count > 1 ? ['image', 'age'] : [model === 'small gpt' ? 'tokens' : 'input'];
