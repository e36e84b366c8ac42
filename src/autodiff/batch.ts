// Batching of a graph: every node between mapped tensors and outputs is applied to all rows at once, by the op's own rule.
import { cloneNode, topological } from '../graph/graph.ts';
import type { BatchContext } from '../graph/op.ts';
import { atScope } from '../graph/scope.ts';
import { type Node, type Tensor, applyAll } from '../graph/tensor.ts';
import { broadcastTo, stack, unstack, zeros } from '../ops/index.ts';

/** A placeholder for one row, and the tensor of all rows that replaces it. Its first axis is the mapped one. */
export type Mapping = readonly [row: Tensor, rows: Tensor];

/** Replacement of a row's tensor: all rows with the mapped axis first, or one tensor that is equal for every row. */
export interface Found {
  readonly tensor: Tensor;
  readonly mapped: boolean;
}

/** Returns all rows of an output. One that is equal for every row is repeated. */
export const rowsOf = ({ tensor, mapped }: Found, size: number): Tensor => (mapped ? tensor : broadcastTo(tensor, [size, ...tensor.shape]));

/** Returns the replacement of each output. */
export function batchTensors(outputs: readonly Tensor[], mappings: readonly Mapping[], size: number): Found[] {
  // A replacement without the mapped axis is stored too: a node that waits for a mapped tensor may be equal for every row.
  const made = new Map<Node, readonly Found[]>();
  for (const [row, rows] of mappings) made.set(row.node!, [{ tensor: rows, mapped: true }]);
  const given = new Set(made.keys());
  const find = (tensor: Tensor): Found | undefined => tensor.node && made.get(tensor.node)?.[tensor.index];
  for (const node of topological(outputs, (tensor) => tensor.node !== undefined && given.has(tensor.node))) {
    const found = node.inputs.map(find);
    if (found.every((input) => input === undefined)) continue;
    const inputs = node.inputs.map((input, i) => found[i]?.tensor ?? input);
    if (!found.some((input) => input?.mapped)) {
      const same = cloneNode(node, inputs);
      made.set(
        node,
        same.map((tensor) => ({ tensor, mapped: false })),
      );
      continue;
    }
    const context: BatchContext<object> = {
      inputs,
      mapped: found.map((input) => input?.mapped === true),
      size,
      attributes: node.attributes,
      apply: (over, attributes) => applyAll(node.op, over, attributes),
    };
    const results = atScope(node.scope, () => applyRule(node, context));
    made.set(
      node,
      results.map((tensor, i) => ({ tensor, mapped: tensor.rank > node.types[i].shape.length })),
    );
  }
  return outputs.map((output) => find(output) ?? { tensor: output, mapped: false });
}

function applyRule(node: Node, context: BatchContext<object>): readonly Tensor[] {
  const { inputs, mapped, size, attributes, apply } = context;
  if (size === 0) return node.types.map(({ shape, dtype }) => zeros([0, ...shape], dtype));
  if (node.op.batch) return node.op.batch(context);
  if (isElementwise(node)) {
    return apply(
      inputs.map((x, i) => (mapped[i] ? x : broadcastTo(x, [size, ...x.shape]))),
      attributes,
    );
  }
  // One row at a time.
  const rows = inputs.map((x, i) => (mapped[i] ? unstack(x) : undefined));
  const results = Array.from({ length: size }, (_, row) =>
    apply(
      inputs.map((x, i) => rows[i]?.[row] ?? x),
      attributes,
    ),
  );
  return node.types.map((_, output) => stack(results.map((result) => result[output])));
}

/** Whether each element depends only on the elements at the same position. Random bits depend on the position too. */
function isElementwise({ op, inputs, attributes, types }: Node): boolean {
  const { lowering } = op;
  if (lowering.kind !== 'elementwise') return false;
  const expression = lowering.expression(
    inputs.map((_, i) => `a${i}`),
    { attributes, inputs, output: types[0], index: '$index' },
  );
  return !expression.includes('$index');
}
