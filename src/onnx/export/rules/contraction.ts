// Matrix products, attention, and ops of matrices.
import type { ExportCall, ExportTable } from '../call.ts';
import { int, text } from '../attributes.ts';
import { elementOfDtype } from '../../format/elements.ts';

interface AttentionAttributes {
  readonly causal: boolean;
  readonly scale: number;
  readonly masked: boolean;
}

/** Score of a hidden key. */
const excluded = -3e38;

/** softmax(scale q kᵀ + mask) v; zeros for a query that sees no key. The second output is the log-sum-exp of the scores. */
function attention(call: ExportCall): string[] {
  const { causal, scale, masked } = call.attributes<AttentionAttributes>();
  const { writer } = call;
  const keys = writer.transpose(call.x(1), [0, 1, 3, 2]);
  const products = call.emit('Mul', [call.emit('MatMul', [call.x(0), keys]), call.number(scale)]);
  const added = masked ? call.emit('Add', [products, call.x(3)]) : products;
  const [queries, count] = [call.shape(0)[2], call.shape(1)[2]];
  const scores = causal ? call.emit('Where', [visible(call, queries, count), added, call.number(excluded)]) : added;
  const largest = call.emit('Max', [writer.reduce('ReduceMax', scores, [3], true), call.number(-1e37)]);
  const powers = call.emit('Exp', [call.emit('Sub', [scores, largest])]);
  const total = writer.reduce('ReduceSum', powers, [3], true);
  const isSeen = call.emit('Greater', [total, call.number(0)]);
  const safe = call.emit('Where', [isSeen, total, call.number(1)]);
  const result = call.emit('MatMul', [call.emit('Div', [powers, safe]), call.x(2)]);
  return [result, writer.squeeze(call.emit('Add', [largest, call.emit('Log', [safe])]), [3])];
}

/** bool [queries, keys]: whether the key is not later. */
function visible(call: ExportCall, queries: number, keys: number): string {
  const { writer } = call;
  const line = (n: number): string =>
    writer.constant(
      'INT32',
      [n],
      Float64Array.from({ length: n }, (_, i) => i),
    );
  return call.emit('LessOrEqual', [writer.unsqueeze(line(keys), [0]), writer.unsqueeze(line(queries), [1])]);
}

/** Pairs (real, imaginary) are the last axis in both. ONNX divides the inverse by its length. */
function fourier(call: ExportCall): string {
  const { axis, inverse } = call.attributes<{ readonly axis: number; readonly inverse: boolean }>();
  const { writer } = call;
  const n = call.shape(0)[axis];
  const direction = { inverse: int(Number(inverse)) };
  const y =
    writer.opset >= 20
      ? call.emit('DFT', [call.x(0), '', writer.constant('INT64', [], [axis])], direction)
      : call.emit('DFT', [call.x(0)], { ...direction, axis: int(axis) });
  return inverse ? call.emit('Mul', [y, call.number(n)]) : y;
}

/** The words are unpacked before the product. */
function packedMatmul(call: ExportCall): string {
  const { writer } = call;
  const { columns } = call.attributes<{ readonly columns: number }>();
  const [rows, words] = call.shape(1);
  const shifts = writer.constant('UINT32', [4], [0, 8, 16, 24]);
  const shifted = call.emit('BitShift', [writer.unsqueeze(call.x(1), [2]), shifts], { direction: text('RIGHT') });
  // The low byte as a remainder, which every opset has.
  const bytes = call.emit('Mod', [shifted, writer.constant('UINT32', [], [256])]);
  const flat = writer.slice(writer.reshape(bytes, [rows, 4 * words]), 1, 0, columns);
  const matrix = call.emit('Sub', [writer.cast(flat, elementOfDtype[call.dtype]), call.number(128)]);
  return call.emit('MatMul', [call.x(0), matrix]);
}

export const contractionRules: ExportTable = {
  attention,
  determinant: (call) => call.emit('Det', [call.x(0)]),
  fourierTransform: fourier,
  matmul: (call) => call.emit('MatMul', [call.x(0), call.x(1)]),
  packedMatmul,
};
