// Tracing: runs a synchronous function over placeholders, once per signature, and returns its closed graph.
import { mapTree } from '../core/tree.ts';
import type { Donation } from '../compiler/index.ts';
import { type Graph, cloneNode, rebuild, topological } from '../graph/graph.ts';
import { constantValue, placeholder } from '../graph/leaves.ts';
import type { TensorType } from '../graph/op.ts';
import { type LateReads, building } from '../graph/reads.ts';
import { Tensor } from '../graph/tensor.ts';
import { type Trace, withTrace } from '../graph/trace.ts';
import { matchDonations } from './donations.ts';

/** The graph of a function for one signature. */
export interface TracedFunction {
  readonly graph: Graph;
  readonly donations: readonly Donation[];
  /** Tensors from outside of the function. They are hidden inputs after the arguments. */
  readonly captured: readonly Tensor[];
  /** The last input is a random key. */
  readonly needsKey: boolean;
  /** Reads by promises that fn did not await. */
  readonly late: LateReads;
  /** The result tree with an OutputPlaceholder for each tensor. */
  readonly template: unknown;
}

/** Marks the position of output number `index` in the result tree. */
export class OutputPlaceholder {
  readonly index: number;
  readonly type: TensorType;
  constructor(index: number, { shape, dtype }: TensorType) {
    this.index = index;
    this.type = { shape, dtype };
  }
}

/**
 * Runs fn once over placeholders. Tensors that it captures from outside become hidden inputs. The caller evaluates those that are pending.
 * @throws TraceError when fn reads a value, is async, or returns a promise among its results. The caller refuses captured tensors of another trace.
 */
export function traceFunction(
  fn: (...args: never[]) => unknown,
  args: readonly unknown[],
  name: string,
  donate: ReadonlySet<number>,
): TracedFunction {
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
    return new OutputPlaceholder(outputs.length - 1, leaf);
  });

  // Tensors from outside of the trace are hidden inputs, the same in every call.
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
  // If nothing came from outside, the graph is closed already.
  const graphOutputs = leaves.size || key ? close() : outputs;
  // Argument placeholders are not cloned: the graph's inputs are matched by identity.
  const inputs = needsKey ? [...placeholders, positionedKey!] : placeholders;
  const donations = matchDonations(placeholders.slice(0, inputPaths.length), inputPaths, outputs, outputPaths, donate);
  return { graph: { inputs, outputs: graphOutputs }, donations, captured: [...captured], needsKey, late: trace.late, template };
}

/**
 * Creates the trace of one call. Placeholders refer to their trace as long as the program exists, and a closure keeps every variable of its scope.
 * This is a separate function, so that the trace's closures do not keep the tensors of the first call.
 */
function openTrace(name: string): { trace: Trace & { late: LateReads }; drawnKey: () => Tensor | undefined } {
  let key: Tensor | undefined;
  let sites = 0;
  const trace = {
    name,
    late: { isOpen: true, error: undefined },
    // Its position is known only after all captured tensors are found.
    key: (): Tensor => (key ??= placeholder([2], 'u32', { position: -1, label: 'random key' })),
    nextSite: (): number => sites++,
  };
  return { trace, drawnKey: () => key };
}
