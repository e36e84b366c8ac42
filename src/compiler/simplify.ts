// Pass 1: simplifies the graph. Algebraic identities come from the ops' own `simplify`. Constants are folded with the ops' references.
// Equal subexpressions are merged, and nodes that no output needs are dropped.
import { contiguousView } from '../core/shape.ts';
import { type Graph, attributesKey, cloneNode, rebuildStepwise } from '../graph/graph.ts';
import { constant, constantOp, constantValue, placeholderOp } from '../graph/leaves.ts';
import { atScope } from '../graph/scope.ts';
import type { Node, Tensor } from '../graph/tensor.ts';
import { allocate } from '../core/dtype.ts';
import { broadcastTo } from '../ops/index.ts';
import { type Pass, complete } from './pass.ts';

export const simplify = (graph: Graph): Graph => complete(simplifyStepwise(graph));

export function* simplifyStepwise(graph: Graph): Pass<Graph> {
  const seen = new Map<string, readonly Tensor[]>();
  const ids = new Map<Node | Tensor, number>();
  const idOf = (tensor: Tensor): string => {
    const owner = tensor.node ?? tensor;
    if (!ids.has(owner)) ids.set(owner, ids.size);
    return `${ids.get(owner)}.${tensor.index}`;
  };
  /** Returns the outputs of an equal node made before, or makes them. */
  const share = (node: Node, make: () => readonly Tensor[], inputs: readonly Tensor[]): readonly Tensor[] => {
    const key = `${node.op.name}|${inputs.map(idOf).join(',')}|${attributesKey(node.attributes)}`;
    let made = seen.get(key);
    if (!made) seen.set(key, (made = make()));
    return made;
  };
  const inputs = new Map<number, Tensor>();
  const outputs = yield* rebuildStepwise(graph.outputs, (node, nodeInputs) => {
    if (node.op.name === placeholderOp.name) {
      const { position } = node.attributes as { position: number };
      const original = graph.inputs[position];
      inputs.set(position, original);
      return [original];
    }
    const simpler =
      node.types.length === 1
        ? atScope(node.scope, () => foldConstant(node, nodeInputs) ?? node.op.simplify?.(nodeInputs, node.attributes))
        : undefined;
    if (simpler) {
      // The replacement may be equal to a node made before.
      const fresh = simpler.node;
      if (!fresh || ids.has(fresh) || nodeInputs.some((input) => input === simpler)) return [simpler];
      return share(fresh, () => [simpler], fresh.inputs);
    }
    return share(node, () => cloneNode(node, nodeInputs), nodeInputs);
  });
  return { inputs: graph.inputs, outputs };
}

/** Returns the number that every element has: of a constant, or of a constant broadcast to a shape. */
function uniformValue(tensor: Tensor): number | undefined {
  const own = constantValue(tensor);
  if (own !== undefined) return own;
  const node = tensor.node;
  if (!node || node.op.lowering.kind !== 'view' || node.inputs[0].shape.length !== 0) return undefined;
  return constantValue(node.inputs[0]);
}

/** Folds an elementwise op over constants, or a view of a constant, into a constant. */
function foldConstant(node: Node, inputs: readonly Tensor[]): Tensor | undefined {
  if (node.op.name === constantOp.name || inputs.length === 0) return undefined;
  const { lowering } = node.op;
  const type = node.types[0];
  if (lowering.kind === 'view' && uniformValue(inputs[0]) !== undefined) {
    const value = uniformValue(inputs[0])!;
    if (inputs[0].shape.length === 0 && type.shape.length > 0) return undefined; // simplified already
    if (!lowering.view(contiguousView(inputs[0].shape), node.attributes, type)) return undefined;
    return spread(value, type);
  }
  if (lowering.kind !== 'elementwise') return undefined;
  const values = inputs.map(uniformValue);
  if (values.some((value) => value === undefined)) return undefined;
  const scalar = { shape: [], dtype: type.dtype };
  const context = {
    inputs: inputs.map((input, i) => ({ shape: [], dtype: input.dtype, data: allocate(input.dtype, 1).fill(values[i]!) })),
    outputs: [scalar],
    attributes: node.attributes,
    allocate: (dtype: typeof type.dtype, size: number) => allocate(dtype, size),
  };
  // An op whose value depends on the element's position (random bits, iota) is not uniform over a shape.
  const probe = lowering.expression(
    inputs.map((_, i) => `a${i}`),
    { attributes: node.attributes, inputs, output: type, index: '$index' },
  );
  if (probe.includes('$index')) return undefined;
  return spread(node.op.reference(context)[0][0], type);
}

const spread = (value: number, type: { shape: readonly number[]; dtype: 'bool' | 'i32' | 'u32' | 'f16' | 'f32' }): Tensor =>
  type.shape.length === 0 ? constant(value, type.dtype) : broadcastTo(constant(value, type.dtype), type.shape);
