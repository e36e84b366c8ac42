// Reverse-mode differentiation: graph in, graph out. Each op's `vjp` is its rule.
import { isFloat } from '../core/dtype.ts';
import { OmbreError } from '../core/errors.ts';
import { topological } from '../graph/graph.ts';
import type { OpDefinition } from '../graph/op.ts';
import { atScope } from '../graph/scope.ts';
import { type Node, Tensor } from '../graph/tensor.ts';
import { add, ones, zeros } from '../ops/index.ts';

/** Collects the cotangents of each tensor, and adds them when all are known. */
class Cotangents {
  private readonly terms = new Map<Node | Tensor, Tensor[][]>();
  private readonly sums = new Map<Node | Tensor, (Tensor | undefined)[]>();

  accumulate(tensor: Tensor, cotangent: Tensor): void {
    const key = identity(tensor);
    let lists = this.terms.get(key);
    if (!lists) this.terms.set(key, (lists = []));
    (lists[tensor.index] ??= []).push(cotangent);
  }

  of(tensor: Tensor): Tensor | undefined {
    return this.sumsOf(identity(tensor))[tensor.index];
  }

  ofNode(node: Node): readonly (Tensor | undefined)[] {
    return node.types.map((_, index) => this.sumsOf(node)[index]);
  }

  private sumsOf(key: Node | Tensor): readonly (Tensor | undefined)[] {
    let sums = this.sums.get(key);
    if (!sums) this.sums.set(key, (sums = (this.terms.get(key) ?? []).map((terms) => sumOf(terms))));
    return sums;
  }
}

/** Adds the terms. An op with a `sum` rule combines its own results first. */
function sumOf(terms: readonly Tensor[]): Tensor {
  if (terms.length === 1) return terms[0];
  return atScope(terms[terms.length - 1].node?.scope ?? '', () => {
    const fewer: Tensor[] = [];
    const byOp = new Map<OpDefinition, Tensor[]>();
    for (const term of terms) {
      const op = term.node?.op;
      if (op?.sum) byOp.set(op, [...(byOp.get(op) ?? []), term]);
      else fewer.push(term);
    }
    for (const [op, alike] of byOp) fewer.push(...(alike.length > 1 ? op.sum!(alike) : alike));
    return fewer.reduce((sum, term) => add(sum, term));
  });
}

/** Identity of a tensor: its node, or the leaf itself. */
const identity = (tensor: Tensor): Node | Tensor => tensor.node ?? tensor;

/**
 * Returns the vector-Jacobian product of `outputs` with `cotangents`, with respect to each of `wrt`. Zeros if no gradient reaches it.
 * @throws OmbreError if a path from `wrt` to an output contains an op without a gradient.
 */
export function pullback(outputs: readonly Tensor[], cotangents: readonly Tensor[], wrt: readonly Tensor[]): Tensor[] {
  // Nodes older than all of `wrt` depend on none of them, so the search stops there.
  const oldest = wrt.reduce((serial, { node }) => Math.min(serial, node?.serial ?? 0), Infinity);
  const order = topological(outputs, ({ node }) => node!.serial < oldest);
  const wanted = new Set<Node | Tensor>(wrt.map(identity));
  // Forward pass: a node matters if one of `wrt` reaches it through floats.
  const matters = new Set<Node>();
  const tensorMatters = (tensor: Tensor): boolean =>
    isFloat(tensor.dtype) && (wanted.has(identity(tensor)) || (tensor.node !== undefined && matters.has(tensor.node)));
  for (const node of order) if (node.inputs.some(tensorMatters)) matters.add(node);

  const sums = new Cotangents();
  outputs.forEach((output, i) => sums.accumulate(output, cotangents[i]));
  for (let i = order.length - 1; i >= 0; i--) {
    const node = order[i];
    if (!matters.has(node)) continue;
    const received = sums.ofNode(node);
    if (!received.some((c) => c)) continue;
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

/** Returns the gradients of a scalar, or of the sum of a tensor's elements, with respect to each of `wrt`. */
export function gradients(output: Tensor, wrt: readonly Tensor[]): Tensor[] {
  return pullback([output], [ones(output.shape, output.dtype)], wrt);
}
