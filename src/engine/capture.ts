// From pending tensors to a closed graph: leaves become placeholders, and the structure becomes a key under which the program is remembered.
import { DeviceError, DeviceLostError, TraceError } from '../core/errors.ts';
import { formatShape } from '../core/shape.ts';
import { type Graph, attributesKey, cloneNode, rebuild, topological } from '../graph/graph.ts';
import { constantValue, isPlaceholder, placeholder } from '../graph/leaves.ts';
import { type Node, Tensor, assertUsable } from '../graph/tensor.ts';
import type { RunInput } from '../runtime/runtime.ts';

export interface Captured {
  /** Ops, attributes, shapes, dtypes and wiring; not the values of leaves and numbers. */
  readonly key: string;
  readonly inputs: readonly RunInput[];
  /** The handles that get values: those asked for, and those worth keeping. */
  readonly outputs: readonly Tensor[];
  /** Builds the graph; needed only when the key is new. */
  graph(): Graph;
}

/** A runtime, as far as one asks where a value lives. */
interface Place {
  readonly name: string;
}

/** Whether a runtime has lost its device. */
function isGone(runtime: { assertAlive?: () => void }): boolean {
  try {
    runtime.assertAlive?.();
    return false;
  } catch {
    return true;
  }
}

/** @throws DeviceError for a tensor whose value lives on another device; `op` is what wants to read it. */
export function requireHere({ value, dtype, shape }: Tensor, runtime: Place, op?: string): void {
  if (value?.kind !== 'device' || value.device === runtime) return;
  const where = op === undefined ? '' : `${op}: `;
  if (isGone(value.device)) {
    throw new DeviceLostError(
      `${where}a tensor ${dtype}${formatShape(shape)} was lost with its device; make it again with tensor(), or give a model its weights with setWeights()`,
    );
  }
  throw new DeviceError(
    `${where}a tensor ${dtype}${formatShape(shape)} lives on ${value.deviceName}, but this runs on ${runtime.name}${value.deviceName === runtime.name ? ' of another device' : ''}; read it with data() and make it anew with tensor()`,
  );
}

/** Nodes some evaluation has computed before without keeping their value. */
const computedBefore = new WeakSet<Node>();

/**
 * Captures what `requested` needs. A node that an earlier evaluation computed on its way is kept this time, so that a loop over a growing graph
 * (asking for the loss only, say) does not compute ever more.
 */
export function capture(requested: readonly Tensor[], runtime: Place): Captured {
  const outputs = [...requested];
  const wanted = new Set(requested);
  const order = topological(requested);
  const inputs: RunInput[] = [];
  const leafIds = new Map<Tensor, number>();
  const nodeIds = new Map<Node, number>();
  const parts: string[] = [];
  const constants = new Map<Node, number>();

  const leafId = (tensor: Tensor, op?: string): number => {
    const known = leafIds.get(tensor);
    if (known !== undefined) return known;
    assertUsable(tensor);
    const { value } = tensor;
    if (!value) throw new TraceError(`${tensor.toString()} has neither a value nor an op behind it`);
    requireHere(tensor, runtime, op);
    const id = inputs.length;
    inputs.push(value);
    leafIds.set(tensor, id);
    parts.push(`leaf ${id} ${tensor.dtype}${formatShape(tensor.shape)}`);
    return id;
  };
  const idOf = (tensor: Tensor): string => (tensor.node ? `${nodeIds.get(tensor.node)}.${tensor.index}` : `L${leafId(tensor)}`);

  for (const node of order) {
    for (const input of node.inputs) if (!input.node) leafId(input, node.op.name);
    const id = nodeIds.size;
    nodeIds.set(node, id);
    const single = new Tensor(node.types[0], { node, index: 0 });
    const number = constantValue(single);
    if (number !== undefined) {
      // A number is a run-time scalar here: a changing learning rate must not compile anew.
      constants.set(node, inputs.length);
      inputs.push(number);
      parts.push(`${id}=number ${node.types[0].dtype}`);
      continue;
    }
    if (isPlaceholder(single)) {
      throw new TraceError(
        `a tensor of a function being traced (${(node.attributes as { label: string }).label}) was asked for its value; return it from the function and read the result`,
      );
    }
    parts.push(`${id}=${node.op.name}(${node.inputs.map(idOf).join()})${attributesKey(node.attributes)}`);
    if (!computedBefore.has(node)) {
      for (const input of node.inputs) {
        // A view has nothing to keep; what it looks at has.
        let kept = input;
        while (kept.node?.op.lowering.kind === 'view') kept = kept.node.inputs[0];
        if (!kept.node || wanted.has(kept) || !computedBefore.has(kept.node)) continue;
        wanted.add(kept);
        outputs.push(kept);
      }
    }
  }
  for (const node of order) if (node.op.lowering.kind !== 'leaf') computedBefore.add(node);
  parts.push(`return ${outputs.map(idOf).join()}`);

  return {
    key: parts.join(';'),
    inputs,
    outputs,
    graph: () => {
      const leaves = new Map<Tensor, Tensor>();
      const placeholders: Tensor[] = [];
      for (const [tensor, position] of leafIds) {
        const leaf = placeholder(tensor.shape, tensor.dtype, { position });
        leaves.set(tensor, leaf);
        placeholders[position] = leaf;
      }
      for (const [node, position] of constants) {
        placeholders[position] = placeholder([], node.types[0].dtype, { position, scalar: true });
      }
      const leafOf = (tensor: Tensor): Tensor => (tensor.node ? tensor : leaves.get(tensor)!);
      const rebuilt = rebuild(outputs, (node, nodeInputs) => {
        const position = constants.get(node);
        return position === undefined ? cloneNode(node, nodeInputs.map(leafOf)) : [placeholders[position]];
      });
      return { inputs: placeholders, outputs: rebuilt.map(leafOf) };
    },
  };
}
