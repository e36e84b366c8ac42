// Reads an ONNX model as a pure function of ops, with its weights as parameters.
import { fromBinary } from '@bufbuild/protobuf';
import type { Dtype } from '../../core/dtype.ts';
import { ArgumentError, DtypeError, FormatError, ShapeError } from '../../core/errors.ts';
import { didYouMean } from '../../core/nearest.ts';
import { checkedLater, text } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../../core/options.ts';
import { formatShape } from '../../core/shape.ts';
import { shown } from '../../core/shown.ts';
import { Tensor, hostTensor } from '../../graph/tensor.ts';
import { type Layer, type LayerOptions, type Tensors, defineLayer } from '../../nn/index.ts';
import { elementOf, toHostArray } from '../format/elements.ts';
import { namesIn, stateKey } from '../format/metadata.ts';
import type { OnnxFile, StoredElements } from '../format/readTensor.ts';
import { type ModelProto, ModelSchema } from '../format/schema.ts';
import { inlineFunctions } from './functions.ts';
import { type Declared, type PlannedGraph, planGraph } from './plan.ts';
import { importRules } from './rules.ts';
import { runPlan } from './run.ts';
import { Value } from './value.ts';

export const importOnnxOptions = declareOptions('importOnnx', {
  /** Name of the file in messages. @default 'ONNX file' */
  name: optional(text, 'ONNX file'),
  /** Bytes of the files with external data, by the location that the model names. @default {} */
  externalData: optional(checkedLater<Readonly<Record<string, Uint8Array>>>('a record of bytes'), {}),
});
export type ImportOnnxOptions = OptionsOf<typeof importOnnxOptions>;

/** An input or output of a model that was read. */
export interface OnnxTensorInfo {
  readonly name: string;
  /** Undefined if the file does not state it. */
  readonly dtype: Dtype | undefined;
  /** Type of the file, such as 'INT64'. */
  readonly type: string | undefined;
  /** Sizes; names of free sizes such as 'batch', or undefined. The whole is undefined if the file does not state it. */
  readonly shape: readonly (number | string | undefined)[] | undefined;
}

export type TensorsByName = Readonly<Record<string, Tensor>>;

/** A model that was read. */
export interface OnnxModel {
  readonly inputs: readonly OnnxTensorInfo[];
  readonly outputs: readonly OnnxTensorInfo[];
  /** Version of the ops of ai.onnx. */
  readonly opset: number;
  /** Name of the tool that wrote the file. */
  readonly producer: string;
  /** Trainable weights by the names of their initializers. */
  readonly parameters: TensorsByName;
  /** Weights that training does not change: moving statistics of BatchNormalization. */
  readonly state: TensorsByName;
  /**
   * Outputs for inputs by name. Pure: ops of the library only, so grad, vmap and compile take it. `variables` replace parameters and state by
   * name.
   * @throws ArgumentError, DtypeError or ShapeError for inputs that do not fit; FormatError if a node cannot be computed.
   */
  run(inputs: TensorsByName, variables?: TensorsByName): Record<string, Tensor>;
  /**
   * The model as a layer, whose weights `model.fit` trains. One input or output is a tensor; several are records by name. The first axis is the
   * batch, and must be free in the file.
   */
  toLayer(options?: LayerOptions): Layer;
}

const [oldestOpset, newestOpset] = [1, 21];

/**
 * Reads an ONNX model, opset 1 to 21, as a pure function of ops: it can be evaluated, differentiated, compiled, and trained further.
 *
 *     const model = importOnnx(new Uint8Array(await readFile('resnet.onnx')));
 *     const { logits } = model.run({ image });
 *     const gradient = grad((weights) => loss(labels, model.run({ image }, weights).logits))(model.parameters);
 *
 * Images keep the file's layout, channels first. Doubles are f32 and 64-bit integers are i32. Loops are unrolled.
 * @throws FormatError with the name of the file, the place and the rule, for damaged files, unknown ops and external data that are not given.
 */
export function importOnnx(bytes: Uint8Array, options: ImportOnnxOptions = {}): OnnxModel {
  const { name, externalData } = importOnnxOptions.read(options);
  if (!((bytes as unknown) instanceof Uint8Array)) {
    throw new ArgumentError(`importOnnx: takes the bytes of a file as a Uint8Array, got ${shown(bytes)}`);
  }
  const file: OnnxFile = { name, externalData };
  const proto = decode(bytes, name);
  const opset = opsetOf(proto, name);
  if (!proto.graph) throw new FormatError(`${name}: graph is missing; it must hold the nodes`);
  const { graph: inlined, opsets } = inlineFunctions(proto, proto.graph, name, checkOpset);
  const graph = planGraph(inlined, { file, opset, opsets, ops: [...importRules.keys()] });
  return new ImportedModel(file, opset, proto.producerName, graph, namesIn(proto.metadataProps, stateKey));
}

function decode(bytes: Uint8Array, name: string): ModelProto {
  try {
    return fromBinary(ModelSchema, bytes, { readUnknownFields: false });
  } catch (error) {
    throw new FormatError(
      `${name}: not an ONNX file that can be read: the ${bytes.length} bytes are no protobuf message (${(error as Error).message})`,
    );
  }
}

function opsetOf({ opsetImport }: ModelProto, name: string): number {
  const own = opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx');
  return checkOpset(own && Number(own.version), name);
}

function checkOpset(opset: number | undefined, where: string): number {
  if (opset !== undefined && opset >= oldestOpset && opset <= newestOpset) return opset;
  throw new FormatError(`${where}: opset_import of ai.onnx is ${opset ?? 'missing'}; opsets ${oldestOpset} to ${newestOpset} are read`);
}

/** Places of the initializers: trained, kept, or known while the graph is built. */
interface Places {
  readonly parameters: ReadonlySet<string>;
  readonly state: ReadonlySet<string>;
}

function placesOf(graph: PlannedGraph, kept: readonly string[]): Places {
  const parameters = new Set<string>();
  const state = new Set<string>();
  const visit = ({ nodes, outputs }: PlannedGraph): void => {
    for (const { op, inputs, attributes } of nodes) {
      const rule = importRules.get(op)!;
      inputs.forEach((name, i) => {
        if (rule.stateInputs?.includes(i)) state.add(name);
        else if (!rule.hostInputs?.includes(i)) parameters.add(name);
      });
      for (const value of attributes.values()) if (typeof value === 'object' && 'kind' in value) visit(value);
    }
    for (const { name } of outputs) parameters.add(name);
  };
  visit(graph);
  const isWeight = (name: string): boolean => {
    const stored = graph.initializers.get(name);
    return stored !== undefined && ['FLOAT', 'FLOAT16', 'BFLOAT16', 'DOUBLE'].includes(stored.type);
  };
  const trained = new Set([...parameters].filter((name) => isWeight(name) && !kept.includes(name)));
  return { parameters: trained, state: new Set([...state, ...kept].filter((name) => isWeight(name) && !trained.has(name))) };
}

class ImportedModel implements OnnxModel {
  readonly inputs: readonly OnnxTensorInfo[];
  readonly outputs: readonly OnnxTensorInfo[];
  readonly parameters: TensorsByName;
  readonly state: TensorsByName;
  readonly opset: number;
  readonly producer: string;
  private readonly file: OnnxFile;
  private readonly graph: PlannedGraph;
  private readonly constants: ReadonlyMap<string, Value>;
  private readonly places: Places;

  constructor(file: OnnxFile, opset: number, producer: string, graph: PlannedGraph, kept: readonly string[]) {
    this.file = file;
    this.opset = opset;
    this.producer = producer;
    this.graph = graph;
    this.inputs = graph.inputs.map(infoOf);
    this.outputs = graph.outputs.map(infoOf);
    this.places = placesOf(graph, kept);
    this.parameters = this.fresh(this.places.parameters);
    this.state = this.fresh(this.places.state);
    const isVariable = (name: string): boolean => this.places.parameters.has(name) || this.places.state.has(name);
    this.constants = new Map(
      [...graph.initializers].flatMap(([name, { type, shape, data }]) =>
        isVariable(name) ? [] : [[name, Value.ofElements(type, shape, data)]],
      ),
    );
  }

  run(inputs: TensorsByName, variables: TensorsByName = {}): Record<string, Tensor> {
    const given = new Map(this.constants);
    const own: TensorsByName = { ...this.parameters, ...this.state };
    for (const [name, tensor] of Object.entries(own)) {
      given.set(name, Value.ofTensor(this.replaced(name, tensor, variables), this.graph.initializers.get(name)!.type));
    }
    const extra = Object.keys(variables).find((name) => !Object.hasOwn(own, name));
    if (extra !== undefined)
      throw new ArgumentError(`${this.file.name}: there is no parameter '${extra}'${didYouMean(extra, Object.keys(own))}`);
    const free = new Map<string, number>();
    for (const declared of this.graph.inputs) given.set(declared.name, this.checked(declared, inputs, free));
    const unknown = Object.keys(inputs).find((name) => !this.inputs.some((input) => input.name === name));
    if (unknown !== undefined) throw new ArgumentError(`${this.file.name}: there is no input '${unknown}'; ${this.inputList()}`);
    const results = runPlan(this.graph, given, { file: this.file.name, rules: importRules });
    return Object.fromEntries(this.outputs.map(({ name }, i) => [name, results[i].tensor]));
  }

  toLayer(options: LayerOptions = {}): Layer {
    const [only] = this.inputs.length === 1 ? this.inputs : [];
    const single = this.outputs.length === 1;
    // The type of defineLayer depends on `takes`; both forms are given here.
    return defineLayer<Tensors, Tensors>({
      kind: 'onnx',
      options,
      takes: (only ? 'tensor' : 'tree') as 'tree',
      inputDtype: (only ?? this.inputs[0])?.dtype === 'i32' ? 'i32' : 'f32',
      precision: 'f32',
      build: () => ({ parameters: this.fresh(this.places.parameters), state: this.fresh(this.places.state) }),
      apply: ({ parameters, state }, x) => {
        const inputs = only ? { [only.name]: x as Tensor } : (x as TensorsByName);
        const outputs = this.run(inputs, { ...parameters, ...state });
        return single ? outputs[this.outputs[0].name] : outputs;
      },
    });
  }

  private fresh(names: ReadonlySet<string>): TensorsByName {
    return Object.fromEntries([...names].map((name) => [name, tensorOf(this.graph.initializers.get(name)!)]));
  }

  private replaced(name: string, own: Tensor, variables: TensorsByName): Tensor {
    if (!Object.hasOwn(variables, name)) return own;
    const given: unknown = variables[name];
    if (given instanceof Tensor && given.dtype === own.dtype && formatShape(given.shape) === formatShape(own.shape)) return given;
    throw new ArgumentError(`${this.file.name}: parameter '${name}' is ${shownTensor(given)}; it must be a tensor like ${own.toString()}`);
  }

  private inputList(): string {
    return `the inputs are ${this.inputs.map(({ name }) => name).join(', ') || 'none'}`;
  }

  /** @throws an error unless an input fits its declaration. Free sizes of one name are equal. */
  private checked({ name, type, shape }: Declared, inputs: TensorsByName, free: Map<string, number>): Value {
    const where = `${this.file.name}: input '${name}'`;
    const given: unknown = Object.hasOwn(inputs, name) ? inputs[name] : undefined;
    if (!(given instanceof Tensor)) throw new ArgumentError(`${where} is ${shownTensor(given)}; it must be a tensor: ${this.inputList()}`);
    const dtype = type && elementOf(type).dtype;
    if (dtype && given.dtype !== dtype)
      throw new DtypeError(`${where} is ${given.dtype}; the file declares ${type}, so use cast(x, '${dtype}')`);
    if (!shape) return Value.ofTensor(given, type);
    const wanted = shape.map((n) => n ?? '?').join();
    const fail = (rule: string): never => {
      throw new ShapeError(`${where} is ${formatShape(given.shape)}; the file declares [${wanted}], ${rule}`);
    };
    if (given.rank !== shape.length) fail(`with ${shape.length} axes`);
    shape.forEach((n, axis) => {
      const size = given.shape[axis];
      if (typeof n === 'number' && n !== size)
        fail(`so axis ${axis} has the fixed size ${n}; export the model with a free size for others`);
      if (typeof n !== 'string') return;
      const known = free.get(n) ?? size;
      if (known !== size) fail(`and '${n}' is ${known} already`);
      free.set(n, known);
    });
    return Value.ofTensor(given, type);
  }
}

const tensorOf = ({ type, shape, data }: StoredElements): Tensor => {
  const { dtype } = elementOf(type);
  return hostTensor({ shape, dtype }, toHostArray(dtype, data));
};

const infoOf = ({ name, type, shape }: Declared): OnnxTensorInfo => ({ name, dtype: type && elementOf(type).dtype, type, shape });

const shownTensor = (value: unknown): string => (value instanceof Tensor ? value.toString() : shown(value));
