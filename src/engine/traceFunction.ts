// Tracing: a synchronous function over trees of tensors becomes a closed graph, once per signature.
import { mapTree } from '../core/tree.ts';
import type { Donation } from '../compiler/index.ts';
import { type Graph, cloneNode, rebuild, topological } from '../graph/graph.ts';
import { constantValue, placeholder } from '../graph/leaves.ts';
import type { TensorType } from '../graph/op.ts';
import { type LateReads, building } from '../graph/reads.ts';
import { Tensor } from '../graph/tensor.ts';
import { type Trace, withTrace } from '../graph/trace.ts';
import { matchDonations } from './donations.ts';

/** What one signature compiled to. */
export interface Traced {
  readonly graph: Graph;
  readonly donations: readonly Donation[];
  /** Hidden inputs behind the arguments: captured tensors, then the random key where one is drawn. */
  readonly captured: readonly Tensor[];
  readonly needsKey: boolean;
  /** Reads by promises that fn did not await. */
  readonly late: LateReads;
  /** The result tree with a number for each tensor. */
  readonly template: unknown;
}

/** Stands in the template for output number `index`. */
export class Hole {
  readonly index: number;
  readonly type: TensorType;
  constructor(index: number, { shape, dtype }: TensorType) {
    this.index = index;
    this.type = { shape, dtype };
  }
}

/**
 * Runs fn once over placeholders. Everything it captured from outside becomes a hidden input; what is still pending among that is for the caller
 * to evaluate.
 * @throws TraceError when fn reads a value, is async, or returns a promise among its results. The caller refuses captured tensors of another trace.
 */
export function traceFunction(
  fn: (...args: never[]) => unknown,
  args: readonly unknown[],
  name: string,
  donate: ReadonlySet<number>,
): Traced {
  const placeholders: Tensor[] = [];
  const inputPaths: string[] = [];
  const { trace, drawnKey } = openTrace(name);
  const result: unknown = withTrace(trace, () => {
    const tracers = mapTree(args, (leaf, path) => {
      if (!(leaf instanceof Tensor) && typeof leaf !== 'number') return leaf;
      const scalar = typeof leaf === 'number';
      const made = placeholder(scalar ? [] : leaf.shape, scalar ? 'f32' : leaf.dtype, {
        position: placeholders.length,
        scalar,
        label: `argument ${path}`,
      });
      placeholders.push(made);
      inputPaths.push(path);
      return made;
    });
    return building(`compile: ${name}`, () => fn(...(tracers as never[])));
  });

  const outputs: Tensor[] = [];
  const outputPaths: string[] = [];
  const template = mapTree(result, (leaf, path) => {
    if (!(leaf instanceof Tensor)) return leaf;
    outputs.push(leaf);
    outputPaths.push(path);
    return new Hole(outputs.length - 1, leaf);
  });

  // Everything from outside of the trace: hidden inputs, the same in every call.
  const captured = new Set<Tensor>();
  const isOutside = (tensor: Tensor): boolean => !tensor.node || (tensor.node.trace !== trace && constantValue(tensor) === undefined);
  const note = (tensor: Tensor): boolean => {
    const outside = isOutside(tensor);
    if (outside) captured.add(tensor);
    return outside;
  };
  for (const node of topological(outputs, note)) node.inputs.forEach(note);
  outputs.forEach(note);

  const leaves = new Map<Tensor, Tensor>();
  for (const tensor of captured) {
    const made = placeholder(tensor.shape, tensor.dtype, { position: placeholders.length, label: 'captured tensor' });
    leaves.set(tensor, made);
    placeholders.push(made);
  }
  let needsKey = false;
  const key = drawnKey();
  const keyNode = key?.node;
  const positionedKey = key && placeholder([2], 'u32', { position: placeholders.length, label: 'random key' });
  const leafOf = (tensor: Tensor): Tensor => leaves.get(tensor) ?? tensor;
  const close = (): Tensor[] =>
    rebuild(
      outputs,
      (node, inputs) => {
        if (node === keyNode) {
          needsKey = true;
          return [positionedKey!];
        }
        return cloneNode(node, inputs.map(leafOf));
      },
      (tensor) => leaves.has(tensor),
    ).map(leafOf);
  // Where nothing came from outside the graph is closed as it is.
  const graphOutputs = leaves.size || key ? close() : outputs;
  // Arguments are themselves, not clones: the graph's inputs are matched by identity.
  const inputs = needsKey ? [...placeholders, positionedKey!] : placeholders;
  const donations = matchDonations(placeholders.slice(0, inputPaths.length), inputPaths, outputs, outputPaths, donate);
  return { graph: { inputs, outputs: graphOutputs }, donations, captured: [...captured], needsKey, late: trace.late, template };
}

/**
 * The arguments of a program remember their trace, and a closure remembers every variable around it: this one must have none of the call's
 * own around it, or the first call's tensors live as long as the program.
 */
function openTrace(name: string): { trace: Trace & { late: LateReads }; drawnKey: () => Tensor | undefined } {
  let key: Tensor | undefined;
  let sites = 0;
  const trace = {
    name,
    late: { isOpen: true, error: undefined },
    // Its position is known only once everything captured has been found.
    key: (): Tensor => (key ??= placeholder([2], 'u32', { position: -1, label: 'random key' })),
    nextSite: (): number => sites++,
  };
  return { trace, drawnKey: () => key };
}
