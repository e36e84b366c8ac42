// Calls of layers in a graph: lists of Keras 2 and TensorFlow.js, and arguments of Keras 3.
import { shown } from '../../core/shown.ts';
import { leavesOf } from '../../core/tree.ts';
import { type Place, type JsonRecord, field, isRecord, listAt } from './place.ts';
import type { ClassAndConfig } from './readLayer.ts';

/** One output of one call of a layer. A class, so that trees treat it as a leaf. */
export class TensorRef {
  readonly layer: string;
  readonly node: number;
  readonly tensor: number;

  constructor(layer: string, node: number, tensor: number) {
    this.layer = layer;
    this.node = node;
    this.tensor = tensor;
  }
}

type Refs = TensorRef | readonly Refs[] | { readonly [name: string]: Refs };

export interface CallArguments {
  readonly training?: boolean;
}

/** One call of a layer. */
export interface NodeCall extends CallArguments {
  readonly inputs: Refs;
  readonly causal: boolean;
  /** Masks that are arguments. */
  readonly masks: readonly TensorRef[];
  /** True for lists of Keras 2 and TensorFlow.js. */
  readonly isLegacy: boolean;
}

const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Whether data are [name, node, tensor] or [name, node, tensor, arguments]. */
const isTriple = (value: unknown): value is readonly [string, number, number, unknown?] =>
  Array.isArray(value) &&
  (value.length === 3 || value.length === 4) &&
  typeof value[0] === 'string' &&
  isIndex(value[1]) &&
  isIndex(value[2]);

/** References of input_layers and output_layers: one, a list or a record. A list of one is one. */
export function readRefs(value: unknown, place: Place): Refs {
  const read = (part: unknown, depth: number): Refs => {
    if (isTriple(part)) return new TensorRef(part[0], part[1], part[2]);
    if (depth < 8 && Array.isArray(part) && part.length > 0) return part.map((one) => read(one, depth + 1));
    if (depth < 8 && isRecord(part) && Object.keys(part).length > 0)
      return Object.fromEntries(Object.entries(part).map(([name, one]) => [name, read(one, depth + 1)]));
    return place.fail(`${shown(part)} is no tensor; it must be [name, call, output], or a list or a record of these`);
  };
  const found = read(value, 0);
  return Array.isArray(found) && found.length === 1 ? (found as readonly Refs[])[0] : found;
}

/** The calls of a layer, in order. */
export function readCalls(part: ClassAndConfig, value: unknown, place: Place): readonly NodeCall[] {
  const nodes = listAt(place, value, 'inbound_nodes');
  // A layer with one call may have it without a list around it.
  const all = nodes.length > 0 && nodes.every(isTriple) ? [nodes] : nodes;
  return all.map((node, i) => {
    const at = place.at(`call ${i}`);
    return isRecord(node) && Object.hasOwn(node, 'args') ? readArguments(part, node, at) : readTriples(part, node, at);
  });
}

/** Layers that take queries, values and keys as arguments of their own. */
const takesArguments = new Set(['MultiHeadAttention', 'GroupQueryAttention', 'GroupedQueryAttention']);
const recurrent = new Set(['RNN', 'SimpleRNN', 'LSTM', 'GRU', 'Bidirectional', 'StackedRNNCells', 'TimeDistributed']);

/** Arguments that have tensors besides the inputs, and the order in which they follow the inputs. */
const tensorArguments: readonly string[] = ['query', 'inputs', 'sequences', 'sequence', 'value', 'key', 'initial_state', 'states'];

interface Collected {
  readonly tensors: readonly Refs[];
  readonly training: boolean | undefined;
  readonly causal: boolean;
  readonly masks: readonly TensorRef[];
}

/** Inputs of a call from tensors in order and arguments by name. */
function collect(
  part: ClassAndConfig,
  first: readonly Refs[],
  named: JsonRecord,
  read: (value: unknown) => Refs | undefined,
  at: Place,
): Collected {
  let training: boolean | undefined;
  let causal = false;
  const masks: TensorRef[] = [];
  const more: [number, Refs][] = [];
  for (const [name, value] of Object.entries(named)) {
    const refs = read(value);
    const position = tensorArguments.indexOf(name);
    if (refs !== undefined && position >= 0) more.push([position, refs]);
    else if (refs !== undefined && /^(query_|value_|key_)?mask$/.test(name))
      masks.push(...leavesOf(refs).map((leaf) => leaf.value as TensorRef));
    else if (value === null || value === undefined || (value === false && name !== 'training')) continue;
    else if (name === 'training' && typeof value === 'boolean') training = value;
    else if (name === 'use_causal_mask' && value === true) causal = true;
    else at.fail(`the argument ${name} is ${shown(value)}, which is not supported here; leave it out of the call`);
  }
  const tensors = [...first, ...more.sort((a, b) => a[0] - b[0]).map(([, refs]) => refs)];
  // Keras 3 writes the default of the argument for recurrent layers.
  const isDefault = training === false && recurrent.has(part.className);
  return { tensors, training: isDefault ? undefined : training, causal, masks };
}

const only = (refs: readonly Refs[], at: Place): Refs => {
  if (refs.length === 0) at.fail('has no inputs');
  if (refs.length === 1) return refs[0];
  // States after the sequence, and keys after the query, are one list here.
  return refs.flatMap((one) => (one instanceof TensorRef || !Array.isArray(one) ? [one] : (one as readonly Refs[])));
};

function finish({ tensors, training, causal, masks }: Collected, isLegacy: boolean, at: Place): NodeCall {
  const inputs = only(tensors, at);
  if (leavesOf(inputs).length === 0) at.fail('has no inputs');
  return { inputs, causal, masks, isLegacy, ...(training !== undefined && { training }) };
}

function readArguments(part: ClassAndConfig, node: JsonRecord, at: Place): NodeCall {
  const given = listAt(at, field(node, 'args'), 'args');
  const read = (value: unknown): Refs | undefined => {
    const found = tensorsIn(value, at, 0);
    return found !== undefined && leavesOf(found).length > 0 ? found : undefined;
  };
  const names = takesArguments.has(part.className)
    ? ['query', 'value', 'key']
    : recurrent.has(part.className)
      ? ['inputs', 'initial_state']
      : ['inputs'];
  const positional = Object.fromEntries(given.map((value, i) => [names[i] ?? `number ${i + 1}`, value]));
  const kwargs = field(node, 'kwargs');
  return finish(collect(part, [], { ...positional, ...(isRecord(kwargs) ? kwargs : {}) }, read, at), false, at);
}

/** Tensors of Keras 3 in an argument; undefined if it has none. */
export function tensorsIn(value: unknown, at: Place, depth: number): Refs | undefined {
  if (depth > 8) return at.fail('arguments are nested too deeply');
  if (Array.isArray(value)) {
    const parts = value.map((one) => tensorsIn(one, at, depth + 1));
    return parts.length > 0 && parts.every((one) => one !== undefined) ? parts : undefined;
  }
  if (!isRecord(value)) return undefined;
  if (field(value, 'class_name') === '__keras_tensor__') {
    const config = field(value, 'config');
    const history = isRecord(config) ? field(config, 'keras_history') : undefined;
    return isTriple(history)
      ? new TensorRef(history[0], history[1], history[2])
      : at.fail(`keras_history is ${shown(history)}; it must be [name, call, output]`);
  }
  // Lists that are tuples in Python have a class too.
  if (field(value, 'class_name') === '__tuple__') return tensorsIn(field(value, 'items'), at, depth + 1);
  const entries = Object.entries(value).map(([name, one]) => [name, tensorsIn(one, at, depth + 1)] as const);
  return entries.length > 0 && entries.every(([, one]) => one !== undefined) ? (Object.fromEntries(entries) as Refs) : undefined;
}

function readTriples(part: ClassAndConfig, node: unknown, at: Place): NodeCall {
  const named: Record<string, unknown> = {};
  const read = (value: unknown, depth: number): Refs => {
    if (isTriple(value)) {
      if (isRecord(value[3]))
        for (const [name, one] of Object.entries(value[3]))
          Object.defineProperty(named, name, { value: one, enumerable: true, configurable: true });
      return new TensorRef(value[0], value[1], value[2]);
    }
    if (depth < 8 && isRecord(value) && Object.keys(value).length > 0)
      return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, read(one, depth + 1)]));
    if (depth < 8 && Array.isArray(value) && value.length > 0) return value.map((one) => read(one, depth + 1));
    return at.fail(`${shown(value)} is no tensor; it must be [name, call, output, arguments]`);
  };
  const found = isTriple(node) ? [read(node, 0)] : read(node, 0);
  // One tensor in a list is the tensor itself. Merges take lists, also of one.
  const isMerge = /^(Add|Subtract|Multiply|Average|Maximum|Minimum|Concatenate|Dot)$/.test(part.className);
  const first: readonly Refs[] = Array.isArray(found) && found.length === 1 && !isMerge ? found : [found];
  const argument = (value: unknown): Refs | undefined => {
    if (isTriple(value)) return new TensorRef(value[0], value[1], value[2]);
    return Array.isArray(value) && value.length > 0 && value.every(isTriple)
      ? value.map((one) => new TensorRef(one[0], one[1], one[2]))
      : undefined;
  };
  return finish(collect(part, first, named, argument, at), true, at);
}
