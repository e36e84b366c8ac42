// Costs of elementwise nodes. They decide whether a node is computed again instead of stored and loaded, and how many nodes one kernel
// takes.
import type { Node } from '../graph/tensor.ts';
import { callsOtherThan, inlinedSize } from '../wgsl/index.ts';

/** Functions of one or a few instructions. All others are costly: exponentials, roots, random bits. */
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

/** Whether storing and loading an elementwise node's value is cheaper than computing it again. */
export const isCostly = (node: Node): boolean => costOf(node).isCostly;

/**
 * Number of operations of the library functions that a node calls, counted inline. It determines how long a kernel takes to build. 0 for
 * cheap nodes and for other nodes than elementwise ones.
 */
export const librarySize = (node: Node): number => (node.op.lowering.kind === 'elementwise' ? costOf(node).size : 0);
