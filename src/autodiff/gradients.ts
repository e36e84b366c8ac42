// Reverse-mode differentiation on the graph: graph in, graph out. Each op's `vjp` supplies its own rule; nothing here knows an op.
import { isFloat } from '../core/dtype.ts';
import { OmbreError } from '../core/errors.ts';
import { topological } from '../graph/graph.ts';
import { atScope } from '../graph/scope.ts';
import { type Node, Tensor } from '../graph/tensor.ts';
import { add, ones, zeros } from '../ops/index.ts';

/** Adds up the cotangents that reach one tensor. */
class Cotangents {
  private readonly byNode = new Map<Node, (Tensor | undefined)[]>();
  private readonly byLeaf = new Map<Tensor, Tensor>();

  accumulate(tensor: Tensor, cotangent: Tensor): void {
    const before = this.of(tensor);
    const sum = before ? add(before, cotangent) : cotangent;
    if (!tensor.node) {
      this.byLeaf.set(tensor, sum);
      return;
    }
    let slots = this.byNode.get(tensor.node);
    if (!slots) this.byNode.set(tensor.node, (slots = new Array<Tensor | undefined>(tensor.node.types.length)));
    slots[tensor.index] = sum;
  }

  of(tensor: Tensor): Tensor | undefined {
    return tensor.node ? this.byNode.get(tensor.node)?.[tensor.index] : this.byLeaf.get(tensor);
  }

  ofNode(node: Node): (Tensor | undefined)[] | undefined {
    return this.byNode.get(node);
  }
}

/** A tensor's identity: the node output it stands for, or the leaf itself. */
const identity = (tensor: Tensor): Node | Tensor => tensor.node ?? tensor;

/**
 * The vector-Jacobian product of `outputs` with `cotangents`, with respect to each of `wrt`; zeros where nothing flows.
 * @throws OmbreError when a path from `wrt` to an output leads through an op that has no gradient.
 */
export function pullback(outputs: readonly Tensor[], cotangents: readonly Tensor[], wrt: readonly Tensor[]): Tensor[] {
  const order = topological(outputs);
  const wanted = new Set<Node | Tensor>(wrt.map(identity));
  // Forward sweep: a node matters when a wanted tensor flows into it through floats.
  const matters = new Set<Node>();
  const tensorMatters = (tensor: Tensor): boolean =>
    isFloat(tensor.dtype) && (wanted.has(identity(tensor)) || (tensor.node !== undefined && matters.has(tensor.node)));
  for (const node of order) if (node.inputs.some(tensorMatters)) matters.add(node);

  const sums = new Cotangents();
  outputs.forEach((output, i) => sums.accumulate(output, cotangents[i]));
  for (let i = order.length - 1; i >= 0; i--) {
    const node = order[i];
    const received = sums.ofNode(node);
    if (!matters.has(node) || !received?.some((c) => c)) continue;
    const { vjp } = node.op;
    if (vjp === 'nondifferentiable') {
      throw new OmbreError(
        `grad: ${node.op.name}${node.scope ? ` in ${node.scope}` : ''} has no gradient; wrap its input in stopGradient() or keep it out of the loss`,
      );
    }
    const nodeOutputs = node.types.map((type, index) => new Tensor(type, { node, index }));
    const needs = node.inputs.map(tensorMatters);
    const given = atScope(node.scope, () =>
      vjp({ inputs: node.inputs, outputs: nodeOutputs, cotangents: received, needs, attributes: node.attributes }),
    );
    given.forEach((cotangent, j) => {
      if (cotangent && needs[j]) atScope(node.scope, () => sums.accumulate(node.inputs[j], cotangent));
    });
  }
  return wrt.map((tensor) => sums.of(tensor) ?? zeros(tensor.shape, tensor.dtype));
}

/** Gradients of a scalar (or of the sum of a tensor's elements) with respect to each of `wrt`. */
export function gradients(output: Tensor, wrt: readonly Tensor[]): Tensor[] {
  return pullback([output], [ones(output.shape, output.dtype)], wrt);
}
