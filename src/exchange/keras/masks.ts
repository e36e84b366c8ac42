// Masks of Keras 3. A graph that Keras writes has the masks of embeddings and masking layers as ops, and as arguments of the layers that use them.
// Layers here pass masks on by themselves, so that these ops are left out. Other masks are refused.
import { leavesOf } from '../../core/tree.ts';
import { type NodeCall, TensorRef, tensorsIn } from './inboundNodes.ts';
import { type JsonRecord, type Place, field, isRecord, listAt, recordAt, textAt } from './place.ts';
import { type ClassAndConfig, moduleOfOp } from './readLayer.ts';

/** An op between layers. */
export interface GraphOp {
  readonly className: string;
  /** For messages. */
  readonly text: string;
  /** Tensors among its arguments. */
  readonly inputs: readonly TensorRef[];
  /** First argument that is a number. */
  readonly number: number | undefined;
}

/** Ops of a graph by name. */
export function opsOf(layers: readonly unknown[], place: Place): ReadonlyMap<string, GraphOp> {
  const found = new Map<string, GraphOp>();
  for (const json of layers) {
    const module = moduleOfOp(json);
    if (module === undefined) continue;
    const record = recordAt(place, json, 'an op');
    const [name, className] = [textAt(place, field(record, 'name'), 'name'), textAt(place, field(record, 'class_name'), 'class_name')];
    const [node] = listAt(place, field(record, 'inbound_nodes'), 'inbound_nodes');
    const args = isRecord(node) ? listAt(place, field(node, 'args'), 'args') : [];
    const inputs = args.flatMap((one) => leavesOf(tensorsIn(one, place, 0) ?? []).map(({ value }) => value as TensorRef));
    const number = args.find((one) => typeof one === 'number');
    found.set(name, {
      className,
      inputs,
      number,
      text: `the op '${name}' (${module}.${className}); only layers are supported: write it as a layer of Keras, such as Add`,
    });
  }
  return found;
}

/** Ops that Keras makes of masks on their way through layers. */
const passing = new Set(['Any', 'LogicalOr', 'LogicalAnd', 'ExpandDims', 'Concatenate', 'Squeeze']);

interface MaskedPart {
  readonly part: ClassAndConfig;
  readonly calls: readonly NodeCall[];
  readonly place: Place;
}

/** @throws FormatError for masks that no embedding and no masking layer makes. */
export function checkMasks(parts: readonly MaskedPart[], ops: ReadonlyMap<string, GraphOp>): void {
  const keyOf = ({ layer, node, tensor }: TensorRef): string => `${layer}#${node}#${tensor}`;
  /** Values that are padding, by the tensor that a masking layer takes. */
  const masked = new Map<string, number>();
  for (const { part, calls } of parts) {
    const value = paddingOf(part);
    if (value === undefined) continue;
    for (const { inputs } of calls) if (inputs instanceof TensorRef) masked.set(keyOf(inputs), value);
  }
  const known = new Map<string, boolean>();
  const isOwn = (name: string, depth: number): boolean => {
    const before = known.get(name);
    if (before !== undefined) return before;
    known.set(name, false);
    const op = ops.get(name);
    const result = op !== undefined && depth < 1000 && isMaskOp(op, depth);
    known.set(name, result);
    return result;
  };
  const isMaskOp = ({ className, inputs, number }: GraphOp, depth: number): boolean => {
    if (className === 'NotEqual') return inputs.length === 1 && masked.get(keyOf(inputs[0])) === number;
    // Keras fills in a mask for inputs of a merge that have none.
    if (className === 'ZerosLike' || className === 'OnesLike') return true;
    return passing.has(className) && inputs.length > 0 && inputs.every(({ layer }) => isOwn(layer, depth + 1));
  };
  for (const { calls, place } of parts) {
    for (const { layer } of calls.flatMap(({ masks }) => masks)) {
      if (!isOwn(layer, 0))
        place.fail(
          `takes a mask from '${layer}'; only masks of Embedding (mask_zero) and Masking layers are supported, which pass on by themselves`,
        );
    }
  }
}

function paddingOf({ className, config }: { readonly className: string; readonly config: JsonRecord }): number | undefined {
  if (className === 'Embedding') return field(config, 'mask_zero') === true ? 0 : undefined;
  const value = field(config, 'mask_value');
  return className === 'Masking' && typeof value === 'number' ? value : undefined;
}
