// Writes the graph of a model or a function as an ONNX model.
import { create, toBinary } from '@bufbuild/protobuf';
import { batchAxis, dependsOnBatch, formatSize } from '../../core/batchAxis.ts';
import type { HostArray } from '../../core/dtype.ts';
import { ArgumentError, FormatError } from '../../core/errors.ts';
import { checkedLater, kindOf, positiveInteger, text } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../../core/options.ts';
import { topological } from '../../graph/graph.ts';
import { constantValue } from '../../graph/leaves.ts';
import { type Node, Tensor } from '../../graph/tensor.ts';
import type { ExportInputs, NamedTensor } from '../../inference/index.ts';
import { Model } from '../../train/index.ts';
import { elementOf, elementOfDtype } from '../format/elements.ts';
import { stateKey } from '../format/metadata.ts';
import { GraphSchema, ModelSchema, type ValueInfoProto, ValueInfoSchema } from '../format/schema.ts';
import { ExportCall, type UsedOutputs } from './call.ts';
import { exportRules, unwritten } from './rules.ts';
import { Recurrences } from './rules/recurrent.ts';
import { type TracedGraph, traceFunction, traceModel } from './trace.ts';
import { GraphWriter } from './writer.ts';

/** IR versions that go with the opsets. */
const irVersions: Readonly<Record<number, number>> = { 17: 8, 18: 8, 19: 9, 20: 9, 21: 10 };
const opsetKind = kindOf({
  rule: '17, 18, 19, 20 or 21',
  accepts: (value): value is number => typeof value === 'number' && Object.hasOwn(irVersions, value),
});

export const exportOnnxOptions = declareOptions('exportOnnx', {
  /** Version of the ops of ai.onnx. @default 17 */
  opset: optional(opsetKind, 17),
  /** Shapes and dtypes of a function's arguments: a list, or a record for a function of one record. Models know theirs. */
  inputs: optional(checkedLater<ExportInputs>('a list or record of { shape, dtype }')),
  /** Fixed batch size of a model. @default free, the axis 'batch' */
  batchSize: optional(positiveInteger),
  /** Name of the graph. @default 'ombre' */
  name: optional(text, 'ombre'),
  /** Text that the file holds for its readers. */
  docString: optional(text),
});
export type ExportOnnxOptions = OptionsOf<typeof exportOnnxOptions>;

/**
 * Writes a model, or a function of ops, as an ONNX file: the graph of inference. Weights are initializers named by their paths, such as
 * `encoder/dense_1/kernel`. The batch axis is free. Images keep the library's layout, channels last.
 *
 *     await writeFile('model.onnx', await exportOnnx(model));
 *     const bytes = await exportOnnx((x) => softmax(x), { inputs: [{ shape: ['batch', 10] }], opset: 18 });
 *
 * An index outside its axis, which the library clamps, is an error of the other engine.
 * @throws FormatError naming the op and its layer if ONNX has no form of it, or for weights above 2 GiB. ArgumentError for a bad option.
 */
export async function exportOnnx(
  target: Model | ((...args: never[]) => unknown),
  options: ExportOnnxOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { opset, inputs, batchSize, name, docString = '' } = exportOnnxOptions.read(options);
  const traced = await traceTarget(target, inputs, batchSize);
  const values = await readValues(traced);
  return encode(writeGraph(traced, values, opset), { opset, name, docString, state: traced.state });
}

async function traceTarget(target: unknown, inputs: ExportOnnxOptions['inputs'], batchSize: number | undefined): Promise<TracedGraph> {
  if (target instanceof Model) {
    if (inputs !== undefined) throw new ArgumentError('exportOnnx: a model has its own inputs; leave the option inputs out');
    return traceModel(target, batchSize);
  }
  if (typeof target !== 'function') {
    throw new ArgumentError(`exportOnnx: takes a model or a function of tensors, got ${target === null ? 'null' : typeof target}`);
  }
  if (inputs === undefined) {
    throw new ArgumentError("exportOnnx: a function needs { inputs: [{ shape: ['batch', 3] }] }, the shapes of its arguments");
  }
  return traceFunction(target as (...args: never[]) => unknown, inputs);
}

/** Tensors with values that the graph reads. */
async function readValues({ outputs }: TracedGraph): Promise<Map<Tensor, HostArray>> {
  const leaves = new Set<Tensor>();
  const note = (tensor: Tensor): void => {
    if (!tensor.node) leaves.add(tensor);
  };
  for (const node of topological(outputs.map(({ tensor }) => tensor))) node.inputs.forEach(note);
  outputs.forEach(({ tensor }) => note(tensor));
  const values = new Map<Tensor, HostArray>();
  for (const tensor of leaves) values.set(tensor, await tensor.data());
  return values;
}

interface Written {
  readonly writer: GraphWriter;
  readonly inputs: ValueInfoProto[];
  readonly outputs: ValueInfoProto[];
}

function writeGraph(traced: TracedGraph, values: ReadonlyMap<Tensor, HostArray>, opset: number): Written {
  const { inputs, outputs, weights } = traced;
  const tensors = outputs.map(({ tensor }) => tensor);
  const order = topological(tensors);
  const names = [...new Set(inputs.map(({ name }) => name))];
  if (names.length !== inputs.length)
    throw new ArgumentError(`exportOnnx: two inputs are called '${names.join("', '")}'; names are unique`);
  const free = inputs.find(({ tensor }) => dependsOnBatch(tensor.shape[0] ?? 0));
  const writer = new GraphWriter(opset, [...names, ...outputs.map(({ name }) => name)], free?.name);
  const rules = exportRules(new Recurrences(order, tensors));
  const used = usedOutputs(order, tensors);
  const made = new Map<Node, (string | undefined)[]>();
  for (const { name, tensor } of inputs) made.set(tensor.node!, [name]);
  const leaves = new Leaves(writer, weights, values);
  const nameOf = (tensor: Tensor): string => {
    const { node, index } = tensor;
    if (!node) return leaves.nameOf(tensor);
    if (!made.has(node)) made.set(node, write(node));
    const name = made.get(node)![index];
    return name ?? new ExportCall(node, writer, nameOf, used).fail(`ONNX does not return its output ${index}`);
  };
  const write = (node: Node): (string | undefined)[] => {
    const number = constantValue(new Tensor(node.types[0], { node, index: 0 }));
    if (number !== undefined) return [writer.scalar(number, node.types[0].dtype)];
    const call = new ExportCall(node, writer, nameOf, used);
    if (node.op.name === 'broadcastTo') return [writer.expand(call.x(0), call.output.shape)];
    const rule = rules.get(node.op.name) ?? call.fail('it is an argument of another function');
    writer.enter(node.scope);
    const results = rule(call);
    return typeof results === 'string' ? [results] : [...results];
  };
  const unknown = order.find(({ op }) => op.lowering.kind !== 'leaf' && op.name !== 'broadcastTo' && !rules.has(op.name));
  if (unknown) {
    new ExportCall(unknown, writer, nameOf, used).fail(unwritten[unknown.op.name] ?? 'no op of ONNX, nor a few of them, compute it');
  }
  // Repetitions are written when an op needs them. Most ops of ONNX broadcast.
  for (const node of order)
    if (!made.has(node) && node.op.name !== 'broadcastTo' && node.op.lowering.kind !== 'leaf') made.set(node, write(node));
  writer.enter('');
  const results = outputs.map(({ name, tensor }): ValueInfoProto => {
    writer.named('Identity', [nameOf(tensor)], name);
    return infoOf({ name, tensor });
  });
  return { writer, inputs: inputs.map(infoOf), outputs: results };
}

/** Tensors with values: initializers, and views of them. */
class Leaves {
  private readonly writer: GraphWriter;
  private readonly weights: ReadonlyMap<Tensor, string>;
  private readonly values: ReadonlyMap<Tensor, HostArray>;
  private readonly names = new Map<Tensor, string>();

  constructor(writer: GraphWriter, weights: ReadonlyMap<Tensor, string>, values: ReadonlyMap<Tensor, HostArray>) {
    this.writer = writer;
    this.weights = weights;
    this.values = values;
  }

  nameOf(tensor: Tensor): string {
    const known = this.names.get(tensor);
    if (known !== undefined) return known;
    const name = this.write(tensor);
    this.names.set(tensor, name);
    return name;
  }

  private write(tensor: Tensor): string {
    const { dtype, shape } = tensor;
    const path = this.weights.get(tensor);
    const from = path === undefined ? this.viewOf(tensor) : undefined;
    if (!from) {
      // Weights of a model are on the host.
      const data = tensor.value?.kind === 'host' ? tensor.value.data : this.values.get(tensor)!;
      return this.writer.initializer(path ?? 'tensor', elementOfDtype[dtype], shape, data);
    }
    const { weight, offset } = from;
    const whole = this.nameOf(weight);
    if (tensor.size === weight.size) return this.writer.reshape(whole, shape);
    return this.writer.reshape(this.writer.slice(this.writer.reshape(whole, [weight.size]), 0, offset, offset + tensor.size), shape);
  }

  /** Views on the host share the memory of a weight: reshaped ones, and leading rows. */
  private viewOf({ value, size, dtype }: Tensor): { readonly weight: Tensor; readonly offset: number } | undefined {
    if (value?.kind !== 'host' || size === 0) return undefined;
    const { buffer, byteOffset, BYTES_PER_ELEMENT } = value.data;
    for (const weight of this.weights.keys()) {
      const { value: own } = weight;
      if (own?.kind !== 'host' || own.data.buffer !== buffer || weight.dtype !== dtype) continue;
      const offset = (byteOffset - own.data.byteOffset) / BYTES_PER_ELEMENT;
      if (offset >= 0 && offset + size <= weight.size) return { weight, offset };
    }
    return undefined;
  }
}

function usedOutputs(order: readonly Node[], outputs: readonly Tensor[]): UsedOutputs {
  const used = new Map<Node, Set<number>>();
  const note = ({ node, index }: Tensor): void => {
    if (node) used.set(node, (used.get(node) ?? new Set()).add(index));
  };
  for (const { inputs } of order) inputs.forEach(note);
  outputs.forEach(note);
  return used;
}

/** Name of the axis whose size is free. */
const batchName = 'batch';

function infoOf({ name, tensor: { shape, dtype } }: NamedTensor): ValueInfoProto {
  const dim = shape.map((n) => {
    if (n === batchAxis) return { value: { case: 'dimParam' as const, value: batchName } };
    if (dependsOnBatch(n)) return { value: { case: 'dimParam' as const, value: formatSize(n) } };
    return { value: { case: 'dimValue' as const, value: BigInt(n) } };
  });
  const value = { elemType: elementOf(elementOfDtype[dtype]).code, shape: { dim } };
  return create(ValueInfoSchema, { name, type: { value: { case: 'tensorType', value } } });
}

interface FileSettings {
  readonly opset: number;
  readonly name: string;
  readonly docString: string;
  readonly state: readonly string[];
}

/** Version of the format of these files. */
const version = '1';

function encode({ writer, inputs, outputs }: Written, { opset, name, docString, state }: FileSettings): Uint8Array<ArrayBuffer> {
  const graph = create(GraphSchema, { name, node: writer.nodes, initializer: writer.initializers, input: inputs, output: outputs });
  const model = create(ModelSchema, {
    irVersion: BigInt(irVersions[opset]),
    opsetImport: [{ domain: '', version: BigInt(opset) }],
    producerName: 'ombre',
    producerVersion: version,
    docString,
    metadataProps: state.length > 0 ? [{ key: stateKey, value: JSON.stringify(state) }] : [],
    graph,
  });
  try {
    return toBinary(ModelSchema, model);
  } catch (error) {
    throw new FormatError(`exportOnnx: the model cannot be encoded (${(error as Error).message}); it may have more than 2 GiB`);
  }
}
