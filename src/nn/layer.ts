// The layer contract. A layer is a description with identity. It owns one cell of variables, and every model that contains the layer uses that
// cell: sharing a layer shares its weights. A layer's name belongs to the model that contains it, so two models may name one layer differently.
import { ArgumentError, ShapeError, asText } from '../core/errors.ts';
import type { Dtype } from '../core/dtype.ts';
import { RandomStream, globalStream } from '../core/random.ts';
import { type Shape, formatShape } from '../core/shape.ts';
import { leavesOf } from '../core/tree.ts';
import { building } from '../graph/reads.ts';
import { withScope } from '../graph/scope.ts';
import { Tensor } from '../graph/tensor.ts';
import {
  type Shapes,
  type ShapesOf,
  type Specs,
  type Tensors,
  formatBatch,
  formatBatches,
  shapesOf,
  specsFor,
  specsOfBatch,
} from './spec.ts';

/** Tensors by name. Deeper trees are allowed at run time; most layers have none. */
export type TensorRecord = Readonly<Record<string, Tensor>>;

/** Tensors of a layer: trained parameters, and state that training updates without a gradient (moving statistics). */
export interface Variables<P = TensorRecord, S = TensorRecord> {
  readonly parameters: P;
  readonly state: S;
}

/** The place where a layer's variables are stored. Models that share the layer share the cell. */
export class VariableCell {
  /** Undefined until the layer is built. */
  value: Variables | undefined;
  /** Shapes of the inputs that the variables were built for. */
  inputShape: Shapes | undefined;
}

export interface ApplyOptions {
  /** Dropout drops and moving statistics move only while training. */
  readonly training: boolean;
}

/** Results of a layer for one batch. */
export interface LayerResult {
  readonly outputs: Tensors;
  /** State for the next batch. The old state stays when this is absent. */
  readonly state?: TensorRecord;
}

/** One forward pass through a network: it holds the variables of every layer and collects their new state. */
export class ForwardPass {
  readonly training: boolean;
  private readonly variables: Map<Layer, Variables>;

  constructor(training: boolean, variables: Map<Layer, Variables>) {
    this.training = training;
    this.variables = variables;
  }

  variablesOf(layer: Layer): Variables {
    return this.variables.get(layer)!;
  }

  /** Stores the state that later uses of the layer in this pass, and the next step, start from. */
  setState(layer: Layer, state: TensorRecord): void {
    this.variables.set(layer, { parameters: this.variablesOf(layer).parameters, state });
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
  build(layer: Layer, inputShape: Shapes, where: string): void {
    const before = this.inputShapeOf(layer);
    if (before !== undefined) return checkReuse(layer, before, inputShape, where);
    const variables = this.random && building(`layer '${where}'`, () => layer.build(inputShape, this.random));
    this.built.set(layer, { inputShape, variables });
  }
}

/** @throws ShapeError if a layer is used again on inputs that its weights do not fit. */
function checkReuse(layer: Layer, before: Shapes, now: Shapes, where: string): void {
  const [first, second] = [formatBatches(before), formatBatches(now)];
  if (first === second) return;
  // Only shapes matter here. A separate stream of numbers leaves the weights of other layers as they are.
  const shapesFor = (input: Shapes): string => {
    const { parameters, state } = building(`layer '${where}'`, () => layer.build(input, RandomStream.fromSeed(0)));
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

export interface LayerOptions {
  /** Name of the layer in its model, such as `dense_1`. A model makes one for a layer without a name. */
  name?: string;
  /** False keeps the parameters as they are: they get no gradient. May be changed on the layer between calls of fit. */
  trainable?: boolean;
  /** Shape of one input, without the batch axis. The first layer of a model may state it, so that the model is built before it sees data. */
  inputShape?: Shape;
}

export const layerOptionNames = ['name', 'trainable', 'inputShape'] as const;

export interface Layer {
  /** Name of the factory, such as `dense`. */
  readonly kind: string;
  /** Name that the user gave. Models name the others. */
  readonly name: string | undefined;
  trainable: boolean;
  readonly inputShape: Shape | undefined;
  /** Dtype of the batches that reach the layer if it is the first of a model. Data are converted on the host. */
  readonly inputDtype: 'f32' | 'i32';
  readonly variables: VariableCell;
  /** Layers that this layer is made of, by name. */
  readonly sublayers: Readonly<Record<string, Layer>>;
  /** Shapes without the batch axis. Throws if the layer does not take the shape. `where` names the layer in messages. */
  outputShape(inputShape: Shapes, where?: string): Shapes;
  /** Fresh variables of the layer itself, on the host; those of sublayers are their own. */
  build(inputShape: Shapes, random?: RandomStream): Variables;
  /** Builds the layer and its sublayers if needed. Returns the specs of the outputs. */
  draft(builder: Builder, inputs: Specs, where: string): Specs;
  /** Pure: outputs for one batch. Random ops draw their key from the call that is being traced. */
  call(variables: Variables, inputs: Tensors, options: ApplyOptions): LayerResult;
  /** The same inside a network: variables come from the pass, and new state goes into it. */
  run(pass: ForwardPass, inputs: Tensors, where: string): Tensors;
}

export interface LayerDefinition<I = Tensor, O = Tensor, P extends object = TensorRecord, S extends object = TensorRecord> {
  readonly kind: string;
  readonly options: LayerOptions;
  /** @default 'f32' */
  readonly inputDtype?: 'f32' | 'i32';
  /** @default 'f32' */
  readonly outputDtype?: Dtype;
  /** Shapes without the batch axis. `where` names the layer in messages. */
  outputShape(inputShape: ShapesOf<I>, where: string): ShapesOf<O>;
  /** Fresh variables for an input shape. A layer without it has none. */
  build?(inputShape: ShapesOf<I>, random: RandomStream): { readonly parameters?: P; readonly state?: S };
  /** Pure: outputs from variables and inputs. Layers with state return the next state too. */
  apply(variables: Variables<P, S>, inputs: I, options: ApplyOptions): O | { readonly outputs: O; readonly state?: S };
}

const isResult = (value: unknown): value is LayerResult =>
  typeof value === 'object' && value !== null && !(value instanceof Tensor) && 'outputs' in value;

/**
 * A layer from its definition. Adds the checks, the cell of variables and the scope that all layers share.
 *
 *     const scaleBy = (options) => defineLayer({
 *       kind: 'scaleBy', options, outputShape: (shape) => shape,
 *       build: (shape) => ({ parameters: { scale: ones([shape.at(-1)]) } }),
 *       apply: ({ parameters: { scale } }, x) => x.mul(scale),
 *     });
 */
export function defineLayer<I = Tensor, O = Tensor, P extends object = TensorRecord, S extends object = TensorRecord>(
  definition: LayerDefinition<NoInfer<I>, NoInfer<O>, P, S>,
): Layer {
  const { kind, options, inputDtype = 'f32', outputDtype = 'f32' } = definition;
  const { name, trainable = true, inputShape } = options;
  if (name !== undefined && (typeof name !== 'string' || !/^[^/\s]+$/.test(name))) {
    throw new ArgumentError(`${kind}: name is ${asText(name)}; it must be a text without blanks and slashes`);
  }
  if (inputShape !== undefined) checkSizes(kind, 'inputShape', inputShape);
  const own = name ?? kind;
  const outputShape = (shape: Shapes, where: string): Shapes => definition.outputShape(shape as ShapesOf<I>, where);
  const call = (variables: Variables, inputs: Tensors, { training }: ApplyOptions, where: string): LayerResult => {
    outputShape(shapesOf(specsOfBatch(inputs)), where);
    const result = definition.apply(variables as unknown as Variables<P, S>, inputs as I, { training });
    return isResult(result) ? result : { outputs: result as unknown as Tensors };
  };
  return {
    kind,
    name,
    trainable,
    inputShape,
    inputDtype,
    variables: new VariableCell(),
    sublayers: {},
    outputShape: (shape, where = own) => outputShape(shape, where),
    build(shape, random = globalStream()) {
      outputShape(shape, own);
      const { parameters = {}, state = {} } = definition.build?.(shape as ShapesOf<I>, random) ?? {};
      return { parameters: parameters, state: state };
    },
    draft(builder, inputs, where) {
      const shapes = shapesOf(inputs);
      const outputs = specsFor(outputShape(shapes, where), outputDtype);
      builder.build(this, shapes, where);
      return outputs;
    },
    call(variables, inputs, applyOptions) {
      return withScope(own, () => call(variables, inputs, applyOptions, own));
    },
    run(pass, inputs, where) {
      const { outputs, state } = call(pass.variablesOf(this), inputs, pass, where);
      if (state) pass.setState(this, state);
      return outputs;
    },
  };
}

/** Runs a layer of a container under its name there. */
export const runNamed = (pass: ForwardPass, { name, layer }: NamedLayer, inputs: Tensors, outer: string): Tensors => {
  const where = outer ? `${outer}/${name}` : name;
  return building(`layer '${where}'`, () => withScope(name, () => layer.run(pass, inputs, where)));
};

export interface NamedLayer {
  readonly name: string;
  readonly layer: Layer;
}

/** Throws unless `shape` is a list of positive integers. */
export function checkSizes(where: string, argument: string, shape: unknown): void {
  if (Array.isArray(shape) && shape.every((n) => Number.isInteger(n) && (n as number) > 0)) return;
  throw new ShapeError(`${where}: ${argument} is ${asText(shape)}; it must be a list of positive integers, without the batch axis`);
}

/** Throws unless `value` is a positive integer. */
export function checkPositive(where: string, argument: string, value: unknown): void {
  if (Number.isInteger(value) && (value as number) > 0) return;
  throw new ArgumentError(`${where}: ${argument} is ${String(value)}; it must be a positive integer`);
}

/** Throws unless the input (without its batch axis) has this rank. `axes` describes the input that the layer expects. */
export function checkRank(where: string, shape: Shape, rank: number, axes: string): void {
  if (shape.length !== rank) refuseRank(where, shape, axes);
}

/** Throws unless the input (without its batch axis) has at least this rank. */
export function checkRankAtLeast(where: string, shape: Shape, rank: number, axes: string): void {
  if (shape.length < rank) refuseRank(where, shape, axes);
}

function refuseRank(where: string, shape: Shape, axes: string): never {
  throw new ShapeError(
    `${where}: takes inputs ${axes}, got inputs of shape ${formatBatch(shape)}; reshape the data or put a reshape layer in front`,
  );
}
