// Arithmetic of shapes on the host. Sizes of a free batch are large stand-ins, whose products are beyond i32, so it is done in f64.
import { broadcastShapes, contiguousView, forEachIndex, sizeOf } from '../../core/shape.ts';
import { type Tensor, hostTensor } from '../../graph/tensor.ts';
import { interpret } from '../../runtime/cpu.ts';
import { elementOf } from '../format/elements.ts';
import type { Call, Run } from './call.ts';
import { Value } from './value.ts';

const arithmetic: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => (b === 0 ? 0 : Math.trunc(a / b)),
  Min: Math.min,
  Max: Math.max,
};

/** Shapes have few elements. Larger constants are computed by the device. */
const maxFolded = 1024;

const isInteger = ({ type }: Value): boolean => elementOf(type).dtype === 'i32';

/** Ops that only move the elements of their first input, or of all. */
const moves: ReadonlySet<string> = new Set([
  ...['Concat', 'Expand', 'Flatten', 'Gather', 'Reshape', 'Slice', 'Split', 'Squeeze', 'Transpose', 'Unsqueeze'],
]);

/** The result for constant integers; undefined for other inputs and ops. */
export function folded(call: Call, inputs: readonly (Value | undefined)[], run: Run): Value[] | undefined {
  const isSmall = (value: Value | undefined): boolean => value === undefined || (value.constant?.length ?? Infinity) <= maxFolded;
  if (inputs.length === 0 || !inputs.every(isSmall) || !inputs[0] || !isInteger(inputs[0])) return undefined;
  if (moves.has(call.op)) return moved(call, inputs, run);
  const values = inputs.filter((value) => value !== undefined);
  if (!Object.hasOwn(arithmetic, call.op) || !values.every(isInteger)) return undefined;
  return [values.slice(1).reduce((a, b) => combined(call.op, a, b), values[0])];
}

function combined(op: string, a: Value, b: Value): Value {
  const shape = broadcastShapes(op, a.shape, b.shape);
  const [left, right] = [a, b].map(({ shape: from, constant }) => {
    const view = contiguousView(from);
    const added = shape.length - from.length;
    const strides = shape.map((_, i) => (i < added || from[i - added] === 1 ? 0 : view.strides[i - added]));
    const out = new Float64Array(sizeOf(shape));
    forEachIndex({ shape, strides, offset: 0 }, (flat, position) => (out[flat] = constant![position]));
    return out;
  });
  return Value.ofElements(
    a.type,
    shape,
    left.map((x, i) => arithmetic[op](x, right[i])),
  );
}

/** Moves elements in f64: integers beyond i32 stay exact. */
function moved(call: Call, inputs: readonly (Value | undefined)[], run: Run): Value[] | undefined {
  const { type } = inputs[0]!;
  const wide = inputs.map((value, i) => {
    if (!value || (i > 0 && call.op !== 'Concat')) return value;
    return Value.ofTensor(hostTensor({ shape: value.shape, dtype: 'f32' }, Float64Array.from(value.constant!)), value.type);
  });
  const results = [run(call.over(wide))].flat() as Tensor[];
  if (results.some((tensor) => tensor.size > maxFolded)) return undefined;
  return results.map((tensor) => {
    const [data] = tensor.value?.kind === 'host' ? [tensor.value.data] : interpret([tensor], { mode: 'f64' });
    return Value.ofElements(type, tensor.shape, data);
  });
}
