// Graphs: outputs and all nodes that they depend on. Every compiler pass is a function from graph to graph.
import { formatShape } from '../core/shape.ts';
import type { TensorType } from './op.ts';
import { Node, Tensor } from './tensor.ts';

export interface Graph {
  /** Placeholders, in the order of the values that replace them. */
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

/**
 * Returns every node that the tensors depend on, inputs before users, depth-first. The search does not continue past given tensors. Not
 * recursive, because graphs get deep.
 */
export function topological(
  outputs: readonly Tensor[],
  isGiven: (tensor: Tensor) => boolean = () => false,
  inputsOf: (node: Node) => readonly Tensor[] = (node) => node.inputs,
): Node[] {
  const order: Node[] = [];
  const seen = new Set<Node>();
  const stack: { node: Node; next: number }[] = [];
  const push = (tensor: Tensor): void => {
    if (!tensor.node || seen.has(tensor.node) || isGiven(tensor)) return;
    seen.add(tensor.node);
    stack.push({ node: tensor.node, next: 0 });
  };
  for (const output of outputs) {
    push(output);
    while (stack.length) {
      const top = stack[stack.length - 1];
      const inputs = inputsOf(top.node);
      if (top.next < inputs.length) push(inputs[top.next++]);
      else {
        order.push(top.node);
        stack.pop();
      }
    }
  }
  return order;
}

/** The inputs whose values a node reads. A view reads only its first input; it awaits the others. */
export const readInputs = ({ op, inputs }: Node): readonly Tensor[] =>
  op.lowering.kind === 'view' && inputs.length > 1 ? inputs.slice(0, 1) : inputs;

type Visit = (node: Node, inputs: readonly Tensor[]) => readonly Tensor[];

/**
 * Rebuilds a graph from the inputs to the outputs. `visit` gets each node with its new inputs and returns a tensor for each output. Given
 * tensors are kept.
 */
export function rebuild(outputs: readonly Tensor[], visit: Visit, isGiven?: (tensor: Tensor) => boolean): Tensor[] {
  const work = rebuildStepwise(outputs, visit, isGiven);
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** Number of nodes between two breaks. A few nodes take less time than a break. */
const nodesInARow = 16;

/** Like rebuild(), with breaks. */
export function* rebuildStepwise(
  outputs: readonly Tensor[],
  visit: Visit,
  isGiven: (tensor: Tensor) => boolean = () => false,
): Generator<undefined, Tensor[], undefined> {
  const made = new Map<Node, readonly Tensor[]>();
  const translate = (tensor: Tensor): Tensor => (tensor.node && !isGiven(tensor) ? made.get(tensor.node)![tensor.index] : tensor);
  for (const node of topological(outputs, isGiven)) {
    made.set(node, visit(node, node.inputs.map(translate)));
    if (made.size % nodesInARow === 0) yield;
  }
  return outputs.map(translate);
}

/** Applies the same op to other inputs, in the same scope. The types are kept and not inferred again. */
export function cloneNode(node: Node, inputs: readonly Tensor[], types: readonly TensorType[] = node.types): Tensor[] {
  const clone = new Node(node.op, inputs, node.attributes, types, node.scope);
  return types.map((type, index) => new Tensor(type, { node: clone, index }));
}

/** Attributes as text. Unlike JSON, it distinguishes NaN, -0 and the infinities. */
export function attributesKey(attributes: object): string {
  return JSON.stringify(attributes, (_, value: unknown) =>
    typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0)) ? `#${Object.is(value, -0) ? '-0' : value}` : value,
  );
}

/** Prints one line for each node, in execution order: `%3 = matmul(%1, %2)  f32[32,10]  @dense_1`. */
export function printGraph(graph: Graph): string {
  const names = new Map<Node, string>();
  const name = (tensor: Tensor): string => {
    if (!tensor.node) return `value${formatShape(tensor.shape)}`;
    const base = names.get(tensor.node) ?? '%?';
    return tensor.node.types.length > 1 ? `${base}.${tensor.index}` : base;
  };
  const lines: string[] = [];
  for (const node of topological(graph.outputs)) {
    names.set(node, `%${names.size}`);
    const attributes = attributesKey(node.attributes);
    const types = node.types.map((t) => t.dtype + formatShape(t.shape)).join(', ');
    lines.push(
      `${names.get(node)} = ${node.op.name}(${node.inputs.map(name).join(', ')})` +
        `${attributes === '{}' ? '' : ` ${attributes}`}  ${types}${node.scope ? `  @${node.scope}` : ''}`,
    );
  }
  lines.push(`return ${graph.outputs.map(name).join(', ')}`);
  return lines.join('\n');
}
