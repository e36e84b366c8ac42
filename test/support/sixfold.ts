// Calls each elementwise row of floats six times in one function, with slightly different arguments. Drivers must build this kernel quickly
// and correctly.
import type { Tensor } from '../../src/graph/tensor.ts';
import { add, cast, mul } from '../../src/ops/index.ts';
import { elementwiseRows } from '../tables/elementwise.ts';
import type { OpRow } from '../tables/row.ts';

export const sixfoldRows: readonly (readonly [name: string, row: OpRow])[] = elementwiseRows
  .filter(({ inputs, random }) => !random && inputs.every(({ dtype, shape }) => dtype === 'f32' && shape.join() === inputs[0].shape.join()))
  .map((row) => [row.name, row]);

/** Sum of six calls. */
export function sixfold({ call }: OpRow, inputs: readonly Tensor[]): Tensor {
  const calls = Array.from({ length: 6 }, (_, i) => cast(call(...inputs.map((x) => mul(x, 1 - i / 64))), 'f32'));
  return calls.reduce((total, y) => add(total, y));
}
