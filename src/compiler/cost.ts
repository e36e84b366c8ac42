// Costs of elementwise nodes. The passes ask two questions: is it cheaper to compute a node again than to store and load it, and how much text does
// it add to a kernel?
import type { Node } from '../graph/tensor.ts';
import { callsOtherThan, inlinedSize } from '../wgsl/index.ts';

/** Functions that are a single instruction, or a few. Others are costly: an exponential, a root, random bits. */
const cheap = [
  ...['select', 'bitcast', 'min', 'max', 'clamp', 'abs', 'f32', 'i32', 'u32', 'bool'],
  ...['safeMax', 'safeMin', 'safeSign', 'isNan', 'isInf', 'isFinite'],
  ...['productOrZero', 'quotientOrZero', 'productOfNonzero'],
];
const callsCostly = callsOtherThan(cheap);

interface Cost {
  readonly isCostly: boolean;
  readonly size: number;
}

const known = new WeakMap<Node, Cost>();

function costOf(node: Node): Cost {
  let cost = known.get(node);
  if (!cost) {
    const { lowering } = node.op;
    if (lowering.kind !== 'elementwise') throw new Error(`${node.op.name} is not elementwise`);
    const args = node.inputs.map((_, i) => `x${i}`);
    const [output] = node.types;
    const text = lowering.expression(args, { attributes: node.attributes, inputs: node.inputs, output, index: 'index' });
    const isCostly = callsCostly(text);
    cost = { isCostly, size: isCostly ? inlinedSize(text) : 0 };
    known.set(node, cost);
  }
  return cost;
}

/** True where an elementwise node's value is cheaper to keep than to compute again. */
export const isCostly = (node: Node): boolean => costOf(node).isCostly;

/** Operations of the library functions that a node calls, written in its place: what makes a kernel long to build. 0 for other than elementwise nodes. */
export const librarySize = (node: Node): number => (node.op.lowering.kind === 'elementwise' ? costOf(node).size : 0);
