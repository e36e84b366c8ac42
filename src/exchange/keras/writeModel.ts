// Configs of models: of Keras 3, and of TensorFlow.js, which has the form of Keras 2.
import type { Config, Configured } from '../../core/config.ts';
import { ArgumentError } from '../../core/errors.ts';
import { leavesOf, mapTree } from '../../core/tree.ts';
import type { Layer, Specs, TensorSpec } from '../../nn/index.ts';
import { type Converter, type KerasChild, type KerasLayer, type WrittenLayer, converterOfKind } from './converter.ts';
import { type DescribedCall, type DescribedInput, type Description, Source, type Sources, describe, isContainer } from './describe.ts';
import type { Target } from './functions.ts';
import { graphOrder } from './graphOrder.ts';
import { requirePlainWeights } from '../plainWeights.ts';
import { type JsonRecord, camelCase, isRecord } from './place.ts';
import { storeNames } from './readModel.ts';

const programs: Readonly<Record<Target, string>> = { keras: 'Keras', tensorFlowJs: 'TensorFlow.js' };

/** One file that is being written. */
class Writing {
  readonly target: Target;
  readonly where: string;
  private readonly names = new Map<Layer, string>();
  private readonly taken = new Set<string>();

  constructor(target: Target, where: string) {
    this.target = target;
    this.where = where;
  }

  /** Name of a layer in the file. TensorFlow.js needs different names in models that contain each other, too. */
  nameOf(layer: Layer, wanted: string): string {
    if (this.target === 'keras') return wanted;
    const known = this.names.get(layer);
    if (known !== undefined) return known;
    let name = wanted;
    for (let n = 1; this.taken.has(name); n++) name = `${wanted}_${n}`;
    this.taken.add(name);
    this.names.set(layer, name);
    return name;
  }
}

/**
 * Config of a model, and its layers in the form of the target.
 * @throws ArgumentError for layers, options and ops that the target does not have. The message names the layer.
 */
export const writeModel = (layer: Layer, target: Target, where: string): WrittenLayer =>
  writeContainer(layer, layer.name ?? (layer.kind === 'sequential' ? 'sequential' : 'model'), new Writing(target, where), '');

const labelOf = (outer: string, name: string): string => (outer ? `${outer}/${name}` : name);

function writeContainer(layer: Layer, wanted: string, writing: Writing, path: string): WrittenLayer {
  if (!isContainer(layer)) {
    throw new ArgumentError(`${writing.where}: the model is the layer '${layer.kind}'; make a model of it: sequential([layer])`);
  }
  const name = writing.nameOf(layer, wanted);
  const described = describe(layer, path ? `${writing.where}: ${path}` : writing.where);
  return described.isChain
    ? writeSequential(layer, name, described, writing, path)
    : writeFunctional(layer, name, described, writing, path);
}

/** { class_name, config } with everything around it that the target needs. */
function wrapped(writing: Writing, module: string, className: string, config: JsonRecord): JsonRecord {
  if (writing.target === 'tensorFlowJs') return { class_name: className, config };
  const isFunctional = className === 'Functional';
  const registered = module === '' ? className : isFunctional ? 'Functional' : null;
  return { module: module === '' ? null : module, class_name: className, config, registered_name: registered };
}

const dtypes = { f32: 'float32', f16: 'float32', i32: 'int32', u32: 'int32', bool: 'bool' } as const;

/** The batch axis, which is open, and the sizes of a sample. */
const batchShape = ({ shape }: TensorSpec): (number | null)[] => [null, ...shape];

function inputLayer(writing: Writing, { name, spec }: DescribedInput): JsonRecord {
  const common = { dtype: dtypes[spec.dtype], sparse: false, name };
  return writing.target === 'keras'
    ? wrapped(writing, 'keras.layers', 'InputLayer', { batch_shape: batchShape(spec), ...common, ragged: false })
    : wrapped(writing, 'keras.layers', 'InputLayer', { batch_input_shape: batchShape(spec), ...common });
}

function writeSequential(layer: Layer, name: string, { inputs, calls }: Description, writing: Writing, path: string): WrittenLayer {
  const shape = batchShape(inputs[0].spec);
  const parts = calls.map((call, i) => writePart(call, i === 0 ? shape : undefined, writing, path));
  const isKeras = writing.target === 'keras';
  const layers = [...(isKeras ? [inputLayer(writing, inputs[0])] : []), ...parts.map(({ json }) => json)];
  const config = { name, ...(isKeras && { trainable: true }), layers, ...(isKeras && { build_input_shape: shape }) };
  const json = wrapped(writing, 'keras', 'Sequential', config);
  const node = modelNode('Sequential', name, layer, parts.map((part) => part.node)); // prettier-ignore
  return { node, json: isKeras ? { ...json, build_config: { input_shape: shape } } : json };
}

function modelNode(className: string, name: string, layer: Layer, nodes: readonly KerasLayer[]): KerasLayer {
  const stores = storeNames(nodes.map((node) => node.className));
  const children: KerasChild[] = nodes.map((node, i) => ({ store: `layers/${stores[i]}`, name: node.name, node }));
  return { className, name, layer, weights: [], children, isModel: true };
}

function writeFunctional(layer: Layer, name: string, described: Description, writing: Writing, path: string): WrittenLayer {
  const { inputs, calls, inputTree, outputTree } = described;
  const parts = new Map<string, { readonly written: WrittenLayer; readonly calls: DescribedCall[] }>();
  for (const call of calls) {
    const part = parts.get(call.name) ?? { written: writePart(call, undefined, writing, path), calls: [] };
    part.calls.push(call);
    parts.set(call.name, part);
  }
  const history = (source: Source, isExit: boolean): readonly [string, number, number] => {
    const { from, index } = source;
    if (from.kind === 'input') return [from.name, 0, 0];
    const { written, calls: own } = parts.get(from.name)!;
    const { className, isModel, name: partName } = written.node;
    // A model has a call of its own, which comes first.
    const first = isModel && (writing.target === 'tensorFlowJs' || (isExit && className === 'Functional')) ? 1 : 0;
    return [partName, first + own.indexOf(from), index];
  };
  const refs = (tree: Sources): unknown => mapTree(tree, (leaf) => history(leaf as Source, true));
  const listed = (tree: Sources): unknown => (tree instanceof Source ? [refs(tree)] : refs(tree));
  const order = graphOrder(described).map((key) => ({ isInput: key.startsWith('input:'), name: key.slice(key.indexOf(':') + 1) }));
  const layers = order.map(({ isInput, name: own }): JsonRecord => {
    if (isInput)
      return {
        ...inputLayer(
          writing,
          inputs.find((one) => one.name === own)!,
        ),
        name: own,
        inbound_nodes: [],
      };
    const { written, calls: all } = parts.get(own)!;
    const nodes = all.map((call) => (writing.target === 'keras' ? kerasCall(call, written.node, history) : listCall(call, history)));
    return { ...written.json, name: written.node.name, inbound_nodes: nodes };
  });
  const isKeras = writing.target === 'keras';
  const config = { name, ...(isKeras && { trainable: true }), layers, input_layers: listed(inputTree), output_layers: listed(outputTree) };
  const nodes = order.filter(({ isInput }) => !isInput).map(({ name: own }) => parts.get(own)!.written.node);
  const className = isKeras ? 'Functional' : 'Model';
  return { node: modelNode('Functional', name, layer, nodes), json: wrapped(writing, 'keras.src.models.functional', className, config) };
}

type History = (source: Source, isExit: boolean) => readonly [string, number, number];

/** Kinds that take queries, values and keys as arguments of their own. */
const takesArguments = new Set(['MultiHeadAttention', 'GroupQueryAttention']);
const takesList = new Set([
  'Add',
  'Subtract',
  'Multiply',
  'Average',
  'Maximum',
  'Minimum',
  'Concatenate',
  'Dot',
  'Attention',
  'AdditiveAttention',
]);

/** A call of Keras 3: arguments by position and by name. */
function kerasCall(
  { inputs, inputSpecs, layer, training }: DescribedCall,
  { className, isModel }: KerasLayer,
  history: History,
): JsonRecord {
  const specs = leavesOf(inputSpecs).map(({ value }) => value as TensorSpec);
  let i = 0;
  const tensors = mapTree(inputs, (leaf) => {
    const spec = specs[i++];
    return {
      class_name: '__keras_tensor__',
      config: { shape: batchShape(spec), dtype: dtypes[spec.dtype], keras_history: history(leaf as Source, false) },
    };
  });
  const isOne = inputs instanceof Source;
  const list = isOne ? [tensors] : tensors;
  const kwargs = { ...(training !== undefined && { training }), ...(isCausal(layer) && { use_causal_mask: true }) };
  if (isModel) return { args: [tensors], kwargs };
  // One tensor attends to itself.
  const query = isOne && className.endsWith('Attention') ? [tensors, tensors] : list;
  if (takesArguments.has(className)) return { args: query, kwargs };
  if (takesList.has(className)) return { args: [query], kwargs };
  if (!isOne && Array.isArray(tensors))
    return { args: [(tensors as unknown[])[0]], kwargs: { ...kwargs, initial_state: (tensors as unknown[]).slice(1) } };
  return { args: [tensors], kwargs };
}

/** A call of TensorFlow.js: a list of tensors. */
function listCall({ inputs, training }: DescribedCall, history: History): unknown {
  const kwargs = training === undefined ? {} : { training };
  return leavesOf(inputs).map(({ value }) => [...history(value as Source, false), kwargs]);
}

const configOf = (layer: Layer): Config | undefined => (layer as Partial<Configured<Layer>>).config;
const isCausal = (layer: Layer): boolean => configOf(layer)?.options.causal === true;

const firstShape = (specs: Specs): readonly number[] => (leavesOf(specs)[0].value as TensorSpec).shape;

/** A layer of a container. `input` is the shape that it states, with the batch axis. */
function writePart(call: DescribedCall, input: readonly (number | null)[] | undefined, writing: Writing, outer: string): WrittenLayer {
  const path = labelOf(outer, call.name);
  if (isContainer(call.layer)) return writeContainer(call.layer, call.name, writing, path);
  return writeLayer(call.layer, call.name, firstShape(call.inputSpecs), input, writing, path);
}

/** Options of every layer that are written elsewhere. */
const common = new Set(['name', 'trainable', 'inputShape', 'batchSize']);

function writeLayer(
  layer: Layer,
  wanted: string,
  inputShape: readonly number[],
  input: readonly (number | null)[] | undefined,
  writing: Writing,
  path: string,
): WrittenLayer {
  const { target } = writing;
  const where = `${writing.where}: ${path}`;
  requirePlainWeights(layer, where);
  const { converter, options } = converterOf(layer, where, target);
  const name = writing.nameOf(layer, wanted);
  const written: Record<string, unknown> = {};
  const known = new Set([...common, ...Object.keys(converter.implied ?? {})]);
  for (const [option, kind] of Object.entries(converter.options)) {
    const own = kind.name ?? camelCase(option);
    known.add(own);
    if (!Object.hasOwn(options, own)) continue;
    const value = kind.write(options[own], { where, option: own, target });
    if (value !== undefined) written[target === 'tensorFlowJs' ? (kind.tensorFlowJsName ?? option) : option] = value;
  }
  const inner = (part: Layer, partName: string): WrittenLayer => {
    const innerPath = `${path}/${partName}`;
    return isContainer(part)
      ? writeContainer(part, partName, writing, innerPath)
      : writeLayer(part, partName, inputShape, undefined, writing, innerPath);
  };
  const {
    config,
    className = converter.className,
    children = [],
  } = converter.complete ? converter.complete(written, options, { where, name, target, layer, inputShape, inner }) : { config: written };
  const isLibrary = converter.kind.startsWith('layers.') || converter.kind.startsWith('keras.');
  const open = converter.complete ? undefined : Object.keys(options).find((option) => !known.has(option));
  if (open !== undefined) throw new ArgumentError(`${where}: the option ${open} has no counterpart in ${programs[target]}; leave it out`);
  const { causal: _, ...rest } = config;
  const all = {
    ...{ name, ...(!layer.trainable && { trainable: false }) },
    ...(input && target === 'tensorFlowJs' && { batch_input_shape: input }),
    ...rest,
  };
  const node: KerasLayer = { className, name, layer, weights: converter.weights ?? [], children, isModel: false };
  return { node, json: wrapped(writing, isLibrary ? 'keras.layers' : '', className, all) };
}

/** The converter that writes a layer, and the options of its config. */
function converterOf(layer: Layer, where: string, target: Target): { readonly converter: Converter; readonly options: JsonRecord } {
  const config = configOf(layer);
  if (!config) {
    throw new ArgumentError(`${where}: the layer has no config; make it by a factory that register(kind, factory) returned`);
  }
  const fn = config.options.fn;
  // A lambda of a function that was registered may be a class there.
  const { kind, options } =
    config.kind === 'layers.lambda' && isRecord(fn) && typeof fn.kind === 'string' ? (fn as unknown as Config) : config;
  const converter = converterOfKind(kind);
  const refuse = (): never => {
    const shown = kind.replace(/^layers\./, '');
    throw new ArgumentError(
      `${where}: ${programs[target]} has no layer '${shown}'; replace it, or register a class: registerKerasLayer('Name', { kind: '${kind}', read, write })`,
    );
  };
  if (!converter || (converter.targets && !converter.targets.includes(target))) return refuse();
  return { converter, options };
}
