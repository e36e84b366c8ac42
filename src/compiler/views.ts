// Pass 2: views. A view has no memory of its own: it reads the memory of its base tensor with other strides. The pass inserts a copy if
// strides cannot express a view.
import { type StridedView, contiguousView, isContiguous, sizeOf } from '../core/shape.ts';
import { type Graph, cloneNode, rebuildStepwise } from '../graph/graph.ts';
import { constantValue, isScalarInput } from '../graph/leaves.ts';
import { atScope } from '../graph/scope.ts';
import { type Tensor, apply } from '../graph/tensor.ts';
import { copyOp } from './copy.ts';
import type { Pass } from './pass.ts';
import { isPositional } from './positional.ts';

export interface Source {
  readonly base: Tensor;
  readonly view: StridedView;
  /** Tensors that must be computed before this one is read. The views on the path to the base require them. */
  readonly awaited?: readonly Tensor[];
}

/** Caches the source of every tensor of one graph. */
export class Sources {
  private readonly known = new Map<Tensor, Source>();

  /** Returns the source of a tensor: follows views to the tensor that owns the memory. Undefined if a copy is needed first. */
  find(tensor: Tensor): Source | undefined {
    const known = this.known.get(tensor);
    if (known) return known;
    const views: Tensor[] = [];
    let base = tensor;
    while (!this.known.has(base) && base.node?.op.lowering.kind === 'view') {
      views.push(base);
      base = base.node.inputs[0];
    }
    let source: Source = this.known.get(base) ?? { base, view: contiguousView(base.shape) };
    this.known.set(base, source);
    for (const tensorView of views.reverse()) {
      const node = tensorView.node!;
      const { lowering } = node.op;
      const view = lowering.kind === 'view' ? lowering.view(source.view, node.attributes, node.types[0]) : undefined;
      if (!view) return undefined;
      // The tensors that a gate waits for are awaited too.
      const gates = node.inputs.slice(1);
      const awaited = [...new Set([...(source.awaited ?? []), ...gates, ...gates.flatMap((gate) => this.find(gate)?.awaited ?? [])])];
      source = { base: source.base, view, ...(awaited.length && { awaited }) };
      this.known.set(tensorView, source);
    }
    return source;
  }

  get(tensor: Tensor): Source {
    return this.find(tensor)!;
  }
}

/** Whether the tensor has the elements of its base, in the same order. */
export const isFlat = ({ base, view }: Source): boolean =>
  view.offset === 0 && sizeOf(view.shape) === sizeOf(base.shape) && isContiguous(view);

/**
 * Whether a kernel binds the tensor as an array. Constants are in the kernel's text, scalar inputs share one buffer, and positional values
 * are computed.
 */
export const hasMemory = (base: Tensor): boolean => constantValue(base) === undefined && !isScalarInput(base) && !isPositional(base.node);

/** The pass. Inserts a copy if strides cannot express a view, if a kernel does not accept a view, or if an output is not contiguous. */
export function* materialize(graph: Graph): Pass<Graph> {
  const sources = new Sources();
  const copies = new Map<Tensor, Tensor>();
  const copy = (tensor: Tensor): Tensor => {
    let made = copies.get(tensor);
    if (!made) copies.set(tensor, (made = atScope(tensor.node?.scope ?? '', () => apply(copyOp, [tensor], {}))));
    return made;
  };
  const inputOf = new Map(graph.inputs.map((input) => [input.node, input]));
  const outputs = yield* rebuildStepwise(graph.outputs, (node, inputs) => {
    const { lowering } = node.op;
    if (lowering.kind === 'leaf') return [inputOf.get(node) ?? cloneNode(node, [])[0]];
    if (lowering.kind === 'view') {
      const [made] = cloneNode(node, inputs);
      return [sources.find(made) ? made : cloneNode(node, [copy(inputs[0])])[0]];
    }
    if (lowering.kind !== 'kernel') return cloneNode(node, inputs);
    const bound = inputs.map((input, i) => {
      const { base, view } = sources.get(input);
      const whole = isContiguous(view) && view.offset === 0;
      return hasMemory(base) && (whole || lowering.acceptsView?.(i, view)) ? input : copy(input);
    });
    return cloneNode(node, bound);
  });
  return {
    inputs: graph.inputs,
    outputs: outputs.map((output) => {
      const { base, view } = sources.get(output);
      // Results are copied in whole 32-bit words.
      const aligned = output.dtype !== 'f16' || view.offset % 2 === 0;
      return hasMemory(base) && isContiguous(view) && aligned ? output : copy(output);
    }),
  };
}
