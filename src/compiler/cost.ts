// What it costs to compute an element once more, as far as the passes must know: less than a trip through memory, or more.
import type { Node } from '../graph/tensor.ts';

/** A call of a function that is not a single instruction: an exponential, a root, random bits. */
const single = [
  ...['select', 'bitcast', 'min', 'max', 'clamp', 'abs', 'f32', 'i32', 'u32', 'bool'],
  ...['safe_max', 'safe_min', 'safe_sign', 'is_nan', 'is_inf', 'is_finite'],
  ...['product_or_zero', 'quotient_or_zero', 'product_of_nonzero'],
];
const call = new RegExp(String.raw`\b(?!(?:${single.join('|')})\()[A-Za-z_]\w*\(`);

const known = new WeakMap<Node, boolean>();

/** True where an elementwise node's value is cheaper to keep than to compute again. */
export function isCostly(node: Node): boolean {
  const before = known.get(node);
  if (before !== undefined) return before;
  const { lowering } = node.op;
  if (lowering.kind !== 'elementwise') throw new Error(`${node.op.name} is not elementwise`);
  const args = node.inputs.map((_, i) => `x${i}`);
  const [output] = node.types;
  const text = lowering.expression(args, { attributes: node.attributes, inputs: node.inputs, output, index: 'index' });
  const costly = call.test(text);
  known.set(node, costly);
  return costly;
}
