// The layer contract. A layer is a description with identity. It owns one cell of variables, and every model that contains the layer uses that
// cell: sharing a layer shares its weights. A layer's name belongs to the model that contains it, so two models may name one layer differently.
import { ShapeError } from '../core/errors.ts';
import { RandomStream } from '../core/random.ts';
import { type Shape, formatShape } from '../core/shape.ts';
import { type Tree, leavesOf } from '../core/tree.ts';
import { building } from '../graph/reads.ts';
import { withScope } from '../graph/scope.ts';
import { Tensor } from '../graph/tensor.ts';
import type { Decoding } from './decoding.ts';
import type { Lora, LoraAxes, LoraOptions } from './loraOptions.ts';
import { type Shapes, type Specs, type Tensors, formatBatches } from './spec.ts';

/** Tensors by name. Deeper trees are allowed at run time; most layers have none. */
export type TensorRecord = Readonly<Record<string, Tensor>>;

/** Tensors of a layer: trained parameters, and state that training updates without a gradient (moving statistics). */
export interface Variables<P = TensorRecord, S = TensorRecord> {
  readonly parameters: P;
  readonly state: S;
}

let cellsMade = 0;

/** Number of cells made so far. A cell whose `number` is not below it is made later. */
export const cellCount = (): number => cellsMade;

/** The place where a layer's variables are stored. Models that share the layer share the cell. */
export class VariableCell {
  /** Number of cells made before this one. */
  readonly number = cellsMade++;
  /** Undefined until the layer is built. */
  value: Variables | undefined;
  /** Shapes of the inputs that the variables were built for. */
  inputShape: Shapes | undefined;
  /** Grows whenever the form of the variables changes: LoRA is enabled or merged, or kernels are quantized. */
  version = 0;
  /** Versions in which parameters that are there now were made. Those of the first version are left out. */
  born: Readonly<Record<string, number>> = {};
  /** Number of steps and fits that use the variables now. */
  uses = 0;

  /** Replaces variables by ones of another form. `made` are the names of parameters that were not there before. */
  reform(value: Variables | undefined, made: readonly string[]): void {
    this.value = value;
    this.version++;
    this.born = { ...this.born, ...Object.fromEntries(made.map((name) => [name, this.version])) };
  }
}

/** Bool tensors [batch, time] that are true for steps that count. A tree like the outputs; undefined if all steps count. */
export type Masks = Tree<Tensor | undefined>;

export interface ApplyOptions {
  /** Dropout is active, and moving statistics change, only in training. */
  readonly training: boolean;
  /** Masks of the inputs. */
  readonly mask?: Masks;
  /** Caches of a pass that generates tokens. @internal */
  readonly decoding?: Decoding | undefined;
}

/** Results of a layer for one batch. */
export interface LayerResult {
  readonly outputs: Tensors;
  /** State for the next batch. The old state stays when this is absent. */
  readonly state?: TensorRecord;
  /** Masks of the outputs. When this is absent, the layer's `masking` decides. */
  readonly mask?: Masks;
  /** Scalars that training adds to the loss. */
  readonly losses?: readonly Tensor[];
}

/** Outputs of a layer on their way to the next one. */
export interface Flow {
  readonly outputs: Tensors;
  readonly mask: Masks;
}

export interface LayerOptions {
  /** Name of the layer in its model, such as `dense_1`. A model makes one for a layer without a name. */
  name?: string;
  /** False keeps the parameters as they are: they get no gradient. May be changed on the layer between calls of fit. */
  trainable?: boolean;
  /** Shape of one input, without the batch axis. The first layer of a model may state it, so that the model is built before it sees data. */
  inputShape?: Shape;
}

/** One application of a layer to symbolic tensors. */
export interface SymbolicCall {
  readonly layer: Layer;
  readonly inputs: Tensors;
  readonly outputs: Tensors;
  /** Undefined: the layer does as the model does. */
  readonly training: boolean | undefined;
}

/** Options of `layer.apply`. */
export interface CallOptions {
  /** Whether the layer does as in training. On symbolic tensors the model decides. @default false */
  training?: boolean;
}

export interface Layer {
  /** Name of the factory, such as `dense`. */
  readonly kind: string;
  /** Name that the user gave. Models name the others. */
  readonly name: string | undefined;
  trainable: boolean;
  readonly inputShape: Shape | undefined;
  /** Dtype of the batches that reach the layer if it is the first of a model. Data are converted on the host. */
  readonly inputDtype: 'f32' | 'i32';
  /** Inputs that the layer states; undefined if it states none. @internal */
  readonly inputSpecs: Specs | undefined;
  readonly variables: VariableCell;
  /** False for layers that only contain others. */
  readonly ownsVariables: boolean;
  /** Layers that this layer is made of, by name. */
  readonly sublayers: Readonly<Record<string, Layer>>;
  /** Applications to symbolic tensors so far, in order. */
  readonly symbolicCalls: readonly SymbolicCall[];
  /** Symbolic inputs of the only application. @throws ArgumentError if there are none or several. */
  readonly input: Tensors;
  /** Symbolic outputs of the only application. @throws ArgumentError if there are none or several. */
  readonly output: Tensors;
  inputAt(call: number): Tensors;
  outputAt(call: number): Tensors;
  /**
   * Applies the layer. On symbolic tensors it gives symbolic outputs, of which createModel makes a model. On tensors with values it builds the
   * layer if needed, and computes with its variables.
   *
   *     const h = layers.dense({ units: 8, activation: 'relu' }).apply(x);
   *
   * @throws ShapeError if the layer does not take the shape.
   */
  apply(x: Tensor, options?: CallOptions): Tensor;
  apply<O extends Tensors = Tensors>(x: Tensors, options?: CallOptions): O;
  /** Shapes without the batch axis. Throws if the layer does not take the shape. `where` names the layer in messages. */
  outputShape(inputShape: Shapes, where?: string): Shapes;
  /** Fresh variables of the layer itself, on the host; those of sublayers are their own. */
  build(inputShape: Shapes, random?: RandomStream): Variables;
  /** Builds the layer and its sublayers if needed. Returns the specs of the outputs. @internal */
  draft(builder: Builder, inputs: Specs, where: string): Specs;
  /** Pure: outputs for one batch. Random ops draw their key from the call that is being traced. */
  call(variables: Variables, inputs: Tensors, options: ApplyOptions): LayerResult;
  /** The same inside a network: variables come from the pass; new state and losses go into it. @internal */
  run(pass: ForwardPass, inputs: Tensors, mask: Masks, where: string): Flow;
  /** The layer's own parameters with its constraints applied, after an update. The same object if there are none. */
  constrain(parameters: TensorRecord): TensorRecord;
  /** Parameters as the layer computes with them: kernels with LoRA, and unpacked ones. @internal */
  valuesOf(variables: Variables): TensorRecord;
  /** LoRA of the layer; undefined without. */
  readonly lora: Lora | undefined;
  /** Kernels that take LoRA; undefined if the layer has none. @internal */
  readonly loraAxes: LoraAxes | undefined;
  /** Whether kernels are packed as int8. Such a layer cannot be trained. */
  readonly isQuantized: boolean;
  /** Kernels that can be packed, with the axes whose elements share a scale. @internal */
  readonly scaleAxes: Readonly<Record<string, readonly number[]>> | undefined;
  /** Packs the kernels of this layer only. @internal */
  packKernels(): void;
  /**
   * Packs the kernels of this layer and of those inside it as int8, four to a u32, for inference: a quarter of the memory. Each output has a
   * scale, as in Keras; inputs stay floats. Kernels are unpacked when they are used, so results are those of the rounded kernels.
   *
   *     model.getLayer('dense_1').quantize('int8');
   *
   * @throws ArgumentError if no layer can be packed, or one has LoRA or no weights. OmbreError during fit.
   */
  quantize(mode: 'int8'): void;
  /** Gives the layer LoRA, or merges it. @internal */
  setLora(lora: Lora | undefined, random?: RandomStream): void;
  /**
   * Freezes the kernels of this layer and of those inside it, and adds alpha / rank A B to each: A and B are parameters. Before or after the
   * layer is built. Keras's enable_lora; attention layers have one A and B for all heads. Hu et al., LoRA, 2021.
   *
   *     model.getLayer('dense_1').enableLora({ rank: 8, alpha: 16 });
   *
   * @throws ArgumentError if no layer takes LoRA, or one has it. OmbreError during fit.
   */
  enableLora(options: LoraOptions): void;
  /** Adds A B to the kernels and removes A and B. @throws ArgumentError if no layer has LoRA. OmbreError during fit. */
  mergeLora(): void;
}

/** Something that is used as a layer, such as a model. */
export interface HasLayer {
  readonly asLayer: Layer;
}

export interface NamedLayer {
  readonly name: string;
  readonly layer: Layer;
}

/** One use of a layer in a container. */
export interface LayerUse extends NamedLayer {
  /** Names of the layers and inputs that feed it. */
  readonly connections: readonly string[];
  /** The same, with the number of the use for each layer: a layer that is used twice feeds by one of its uses. */
  readonly sources: readonly (string | number)[];
}

/** A layer that is made of other layers only. */
export interface Container extends Layer {
  /** Uses of layers in the order in which they run. A layer that is used twice occurs twice. */
  readonly calls: readonly LayerUse[];
  /** Output specs of each use, in order: for the summary. */
  callSpecs(inputs: Specs): Specs[];
}

/** The layer of a value that a user gave, or undefined if it is none. */
export function layerOf(value: unknown): Layer | undefined {
  const found = (value as Partial<HasLayer> | undefined | null)?.asLayer ?? value;
  return typeof (found as Partial<Layer> | undefined | null)?.run === 'function' && typeof (found as Partial<Layer>).draft === 'function'
    ? (found as Layer)
    : undefined;
}

/** Receives the path of a layer in its network, such as `encoder/dense_1`, and its outputs. */
export type LayerObserver = (path: string, outputs: Tensors) => void;

/** One forward pass through a network: it holds the variables of every layer, and collects their new state and losses. */
export class ForwardPass {
  readonly training: boolean;
  /** Scalars that training adds to the loss. */
  readonly losses: Tensor[];
  private readonly variables: Map<Layer, Variables>;
  /** True computes in f16, from parameters in f32. */
  readonly inF16: boolean;
  /** Caches of a pass that generates tokens. */
  readonly decoding: Decoding | undefined;
  private readonly used: Set<Layer>;
  /** Values that take the place of parameters. */
  private readonly replaced: ReadonlyMap<Layer, TensorRecord>;
  /** Receives the outputs of each layer of a container. */
  readonly observe: LayerObserver | undefined;

  constructor(
    training: boolean,
    variables: Map<Layer, Variables>,
    losses: Tensor[] = [],
    inF16 = false,
    decoding?: Decoding,
    used = new Set<Layer>(),
    replaced: ReadonlyMap<Layer, TensorRecord> = new Map<Layer, TensorRecord>(),
    observe?: LayerObserver,
  ) {
    this.training = training;
    this.variables = variables;
    this.losses = losses;
    this.inF16 = inF16;
    this.decoding = decoding;
    this.used = used;
    this.replaced = replaced;
    this.observe = observe;
  }

  /** Whether this is the first use of the layer in the pass. Penalties of shared parameters count once. */
  isFirstUse(layer: Layer): boolean {
    if (this.used.has(layer)) return false;
    this.used.add(layer);
    return true;
  }

  /** The same pass for layers that always, or never, do as in training. */
  inMode(training: boolean | undefined): ForwardPass {
    return training === undefined || training === this.training
      ? this
      : new ForwardPass(training, this.variables, this.losses, this.inF16, this.decoding, this.used, this.replaced, this.observe);
  }

  /** The same pass for layers that do not depend on the tokens that are generated. */
  withoutDecoding(): ForwardPass {
    return new ForwardPass(this.training, this.variables, this.losses, this.inF16, undefined, this.used, this.replaced, this.observe);
  }

  /** The same pass with other values of some parameters of a layer. */
  replacing(layer: Layer, parameters: TensorRecord): ForwardPass {
    const replaced = new Map(this.replaced).set(layer, { ...this.replaced.get(layer), ...parameters });
    return new ForwardPass(this.training, this.variables, this.losses, this.inF16, this.decoding, this.used, replaced, this.observe);
  }

  variablesOf(layer: Layer): Variables {
    const own = this.variables.get(layer)!;
    const other = this.replaced.get(layer);
    return other ? { ...own, parameters: { ...own.parameters, ...other } } : own;
  }

  /** Stores the state that later uses of the layer in this pass, and the next step, start from. */
  setState(layer: Layer, state: TensorRecord): void {
    this.variables.set(layer, { parameters: this.variables.get(layer)!.parameters, state });
  }
}

/** Variables that are drawn for layers without any. Nothing is stored in the layers until the caller decides so. */
export class Builder {
  /** Undefined checks shapes only and draws no numbers. */
  readonly random: RandomStream | undefined;
  private readonly built = new Map<Layer, { readonly inputShape: Shapes; readonly variables: Variables | undefined }>();

  constructor(random: RandomStream | undefined) {
    this.random = random;
  }

  /** Variables drawn by this builder, or those that the layer has. */
  variablesOf(layer: Layer): Variables | undefined {
    return this.built.get(layer)?.variables ?? layer.variables.value;
  }

  /** Shapes of the inputs that the layer was built for. */
  inputShapeOf(layer: Layer): Shapes | undefined {
    return this.built.get(layer)?.inputShape ?? layer.variables.inputShape;
  }

  /**
   * Builds a layer, unless it has variables.
   * @throws ShapeError if variables built for one input do not fit another.
   */
  build(
    layer: Layer,
    inputShape: Shapes,
    where: string,
    make: (random: RandomStream) => Variables = (random) => layer.build(inputShape, random),
  ): void {
    const before = this.inputShapeOf(layer);
    if (before !== undefined) return checkReuse(layer, before, inputShape, where);
    const { random } = this;
    const variables = random && building(`layer '${where}'`, () => make(random));
    this.built.set(layer, { inputShape, variables });
  }
}

/** Variables of the right shapes for checks. A separate stream of numbers leaves the weights of other layers as they are. */
export const exampleVariables = (layer: Layer, inputShape: Shapes, where: string): Variables =>
  building(`layer '${where}'`, () => layer.build(inputShape, RandomStream.fromSeed(0)));

/** @throws ShapeError if a layer is used again on inputs that its weights do not fit. */
function checkReuse(layer: Layer, before: Shapes, now: Shapes, where: string): void {
  const [first, second] = [formatBatches(before), formatBatches(now)];
  if (first === second) return;
  const shapesFor = (input: Shapes): string => {
    const { parameters, state } = exampleVariables(layer, input, where);
    return leavesOf([parameters, state])
      .flatMap(({ path, value }) => (value instanceof Tensor ? [`${path.replace(/^\[\d\]\.?/, '')} ${formatShape(value.shape)}`] : []))
      .join(', ');
  };
  const [kept, wanted] = [shapesFor(before), shapesFor(now)];
  if (kept === wanted) return;
  throw new ShapeError(
    `${where} is used twice, on inputs ${first} and ${second}; its weights are shared, ` +
      `but ${kept} would have to be ${wanted}: bring both inputs to one shape, or use another layer`,
  );
}

/** Path of a layer inside a container. */
export const joinPath = (outer: string, name: string): string => (outer ? `${outer}/${name}` : name);

/** Runs a layer of a container under its name there. */
export function runNamed(pass: ForwardPass, { name, layer }: NamedLayer, inputs: Tensors, mask: Masks, outer: string): Flow {
  const where = joinPath(outer, name);
  const flow = building(`layer '${where}'`, () => withScope(name, () => layer.run(pass, inputs, mask, where)));
  pass.observe?.(where, flow.outputs);
  return flow;
}
