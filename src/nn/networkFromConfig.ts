// Chains and graphs of layers from their configs. Configs may come from files of strangers: every number and name is checked before it is used.
import { batchAxis } from '../core/batchAxis.ts';
import { type Config, revive } from '../core/config.ts';
import { type Dtype, type HostArray, dtypes } from '../core/dtype.ts';
import { ArgumentError, OmbreError } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import { type Shape, formatShape, sameShape, sizeOf } from '../core/shape.ts';
import { shown } from '../core/shown.ts';
import { isBranch, leavesOf } from '../core/tree.ts';
import { definedOps } from '../graph/op.ts';
import type { Tensor } from '../graph/tensor.ts';
import { applyAll, hostTensor } from '../graph/tensor.ts';
import { drawKey, noteWord } from '../graph/trace.ts';
import { keyWord } from '../ops/create/randomBits.ts';
import { type Chain, chain } from './chain.ts';
import { type LayerGraph, graph } from './graph.ts';
import { type Layer, layerOf } from './layer.ts';
import { loraOptions, requestedLora } from './loraOptions.ts';
import { networkConfigVersion } from './networkConfig.ts';
import { requestedQuantization } from './quantizationOptions.ts';
import type { Tensors } from './spec.ts';
import { symbolicInput } from './symbolic.ts';

type Options = Config['options'];
type Make = (config: Config) => unknown;

const refuse = (where: string, what: string): never => {
  throw new ArgumentError(`fromConfig: ${where}: ${what}; use a config of model.config or model.save() as it was written`);
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => isBranch(value) && !Array.isArray(value);

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function checkVersion(where: string, { version }: Options): void {
  if (version !== networkConfigVersion) {
    refuse(where, `version is ${shown(version)}; this library reads version ${networkConfigVersion}`);
  }
}

function layerFrom(where: string, config: unknown, make: Make): Layer {
  const layer = layerOf(make(config as Config));
  return layer ?? refuse(where, `${shown((config as Partial<Config> | undefined)?.kind)} makes something that is not a layer`);
}

const nameIn = (where: string, { name }: Options): string | undefined =>
  name === undefined || typeof name === 'string' ? name : refuse(where, `name is ${shown(name)}; it must be a text`);

/** @throws ArgumentError for options that are not those of a chain's config. */
export function chainFromConfig(options: Options, make: Make): Chain {
  const where = 'sequential';
  checkVersion(where, options);
  const { layers } = options;
  if (!Array.isArray(layers)) return refuse(where, `layers is ${shown(layers)}; it must be a list`);
  return chain(
    layers.map((config, i) => layerFrom(`${where}: layer ${i}`, config, make)),
    nameIn(where, options),
  );
}

/** @throws ArgumentError for options that are not those of a graph's config, and for ops that give other shapes than they did. */
export function graphFromConfig(options: Options, make: Make): LayerGraph {
  const where = 'createModel';
  checkVersion(where, options);
  const { batch, nodes, inputs, outputs } = options;
  if (batch !== batchAxis) refuse(where, `batch is ${shown(batch)}; the stand-in of the batch axis is ${batchAxis}`);
  if (!Array.isArray(nodes)) return refuse(where, `nodes is ${shown(nodes)}; it must be a list`);
  const reader = new NodeReader(make);
  nodes.forEach((node, i) => reader.read(node, `${where}: node ${i}`));
  return graph({
    inputs: reader.resolve(inputs, `${where}: inputs`),
    outputs: reader.resolve(outputs, `${where}: outputs`),
    name: nameIn(where, options),
  });
}

/** A layer that occurs several times: the first config makes it, the others refer to it. */
export function sharedFromConfig({ id, layer }: Options, made: Map<number, Layer>, make: Make): Layer {
  if (!isCount(id)) return refuse('shared', `id is ${shown(id)}; it must be a whole number`);
  if (layer === undefined) return made.get(id) ?? refuse('shared', `no layer with the id ${id} comes before its reference`);
  if (made.has(id)) refuse('shared', `the id ${id} is given twice`);
  const found = layerFrom('shared', layer, make);
  made.set(id, found);
  return found;
}

/** A layer of a registered factory that has LoRA or packed kernels, or none any more. */
export function formedFromConfig({ layer: config, ...form }: Options, make: Make): Layer {
  const where = 'formed';
  const layer = layerFrom(where, config, make);
  const lora = requestedLora(where, form);
  if (form.quantization !== undefined && form.quantization !== 'int8') refuse(where, `quantization is ${shown(form.quantization)}`);
  const isQuantized = requestedQuantization(where, form, lora !== undefined);
  if ((lora && !layer.loraAxes) || (isQuantized && !layer.scaleAxes)) {
    refuse(where, `${layer.kind} has no kernel of its own for ${lora ? 'LoRA' : 'quantization'}`);
  }
  if (lora) loraOptions.read(lora);
  if (lora ?? layer.lora) layer.setLora(lora);
  if (isQuantized && !layer.isQuantized) layer.packKernels();
  return layer;
}

class NodeReader {
  private readonly make: Make;
  /** Outputs of the nodes so far. */
  private readonly values: (readonly Tensor[])[] = [];
  private readonly keys = new Map<number, Tensor>();

  constructor(make: Make) {
    this.make = make;
  }

  read(node: unknown, where: string): void {
    this.values.push(this.outputsOf(node, where));
  }

  /** A tree of references as a tree of tensors. */
  resolve(tree: unknown, where: string): Tensors {
    if (isRecord(tree) && '$tensor' in tree) return this.tensorAt(tree.$tensor, where);
    if (!isBranch(tree)) return refuse(where, `${shown(tree)} is no reference { $tensor: [node, output] }`);
    if (Array.isArray(tree)) return tree.map((child) => this.resolve(child, where));
    return Object.fromEntries(Object.entries(tree).map(([name, child]) => [name, this.resolve(child, where)]));
  }

  private tensorAt(place: unknown, where: string): Tensor {
    const [node, output] = Array.isArray(place) ? (place as unknown[]) : [];
    const found = isCount(node) && isCount(output) ? this.values[node]?.[output] : undefined;
    return found ?? refuse(where, `there is no output ${shown(place)} before it`);
  }

  private outputsOf(node: unknown, where: string): readonly Tensor[] {
    if (!isRecord(node)) return refuse(where, `${shown(node)} is no record`);
    if ('input' in node) return [symbolicInput(this.inputOf(node.input, where))];
    if ('layer' in node) return this.applied(node, where);
    if ('op' in node) return this.computed(node, where);
    if ('key' in node) return [this.word(node, where)];
    return 'constant' in node ? [constantOf(node.constant, where)] : refuse(where, 'it is no input, layer, op, key or constant');
  }

  private inputOf(given: unknown, where: string): { shape: Shape; dtype: Dtype; name: string | undefined } {
    const { shape, dtype, name } = isRecord(given) ? given : refuse(where, `input is ${shown(given)}`);
    if (name !== undefined && typeof name !== 'string') refuse(where, `name is ${shown(name)}; it must be a text`);
    return { ...typeOf({ shape, dtype }, where), name: name as string | undefined };
  }

  private applied({ layer, inputs, training }: Readonly<Record<string, unknown>>, where: string): readonly Tensor[] {
    if (training !== undefined && typeof training !== 'boolean') refuse(where, `training is ${shown(training)}; it must be true or false`);
    const made = layerFrom(where, layer, this.make);
    const outputs = made.apply(this.resolve(inputs, where), training === undefined ? {} : { training: training as boolean });
    return leavesOf(outputs).map(({ value }) => value as Tensor);
  }

  private computed({ op, inputs, attributes, types }: Readonly<Record<string, unknown>>, where: string): readonly Tensor[] {
    const known = definedOps();
    const found = typeof op === 'string' ? known.get(op) : undefined;
    if (!found || found.lowering.kind === 'leaf') {
      if (found?.name !== 'constant') return refuse(where, `op is ${shown(op)}${didYouMean(op, [...known.keys()])}`);
    }
    if (!Array.isArray(inputs) || !isRecord(attributes) || !Array.isArray(types)) {
      return refuse(where, 'an op has inputs, attributes and types');
    }
    const tensors = inputs.map((place) => this.tensorAt(place, where));
    const settings = revive(attributes, () => refuse(where, 'attributes of ops hold no configs')) as object;
    let made: Tensor[];
    try {
      made = applyAll(found, tensors, settings);
    } catch (error) {
      if (error instanceof OmbreError) throw error;
      return refuse(where, `the attributes do not fit the op '${found.name}' (${String(error)})`);
    }
    const wanted = types.map((type) => typeOf(type, where));
    const isSame = made.length === wanted.length && made.every(({ dtype, shape }, i) => dtype === wanted[i].dtype && sameShape(shape, wanted[i].shape)); // prettier-ignore
    return isSame ? made : refuse(where, `the op '${found.name}' gives ${made.join(', ')}, and gave other types when it was written`);
  }

  private word({ key, word }: Readonly<Record<string, unknown>>, where: string): Tensor {
    if (!isCount(key) || (word !== 0 && word !== 1)) return refuse(where, 'a word of a random key has the numbers key and word');
    const drawn = this.keys.get(key) ?? drawKey().key;
    this.keys.set(key, drawn);
    const tensor = keyWord(drawn, word);
    noteWord(tensor, { key: drawn, word });
    return tensor;
  }
}

function typeOf(given: unknown, where: string): { shape: Shape; dtype: Dtype } {
  const { shape, dtype } = isRecord(given) ? given : refuse(where, `${shown(given)} is no type`);
  if (!Array.isArray(shape) || !shape.every(isCount)) return refuse(where, `shape is ${shown(shape)}; it must be a list of whole numbers`);
  if (!dtypes.includes(dtype as Dtype)) return refuse(where, `dtype is ${shown(dtype)}; it must be one of ${dtypes.join(', ')}`);
  return { shape, dtype: dtype as Dtype };
}

const arrays = { f32: Float32Array, f16: Float32Array, i32: Int32Array, u32: Uint32Array, bool: Uint8Array } as const;

function constantOf(given: unknown, where: string): Tensor {
  const { shape, dtype } = typeOf(given, where);
  const { data } = given as { data?: unknown };
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = Uint8Array.from(atob(data as string), (letter) => letter.charCodeAt(0));
  } catch {
    return refuse(where, 'the data of the constant are no base64');
  }
  const make = arrays[dtype];
  if (bytes.length !== sizeOf(shape) * make.BYTES_PER_ELEMENT) {
    refuse(where, `the constant ${dtype}${formatShape(shape)} has ${bytes.length} bytes`);
  }
  const elements: HostArray = new make(bytes.buffer);
  if (dtype === 'bool' && elements.some((element) => element > 1)) refuse(where, 'a constant of bool has elements other than 0 and 1');
  return hostTensor({ shape, dtype }, elements);
}
