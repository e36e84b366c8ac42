// Layers from definitions: plain ones, and composite ones whose `apply` calls other layers.
import { batchAxis } from '../core/batchAxis.ts';
import type { Dtype } from '../core/dtype.ts';
import { ArgumentError, ShapeError, asText, checkOptions } from '../core/errors.ts';
import { type RandomStream, globalStream } from '../core/random.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import { leavesOf, mapTree } from '../core/tree.ts';
import { placeholder } from '../graph/leaves.ts';
import { building } from '../graph/reads.ts';
import { withScope } from '../graph/scope.ts';
import { Tensor } from '../graph/tensor.ts';
import { withTrace } from '../graph/trace.ts';
import { div } from '../ops/index.ts';
import { BasicLayer } from './basicLayer.ts';
import { castFloats } from './castFloats.ts';
import type { Constraint } from './constraints.ts';
import { checkOneTensor, checkSizes } from './inputChecks.ts';
import { layerName } from './layerOptions.ts';
import {
  type ApplyOptions,
  type Builder,
  type Flow,
  type ForwardPass,
  type HasLayer,
  type Layer,
  type LayerOptions,
  type LayerResult,
  type Masks,
  type TensorRecord,
  type Variables,
  exampleVariables,
  joinPath,
  layerOf,
  runNamed,
} from './layer.ts';
import type { Regularizer } from './regularizers.ts';
import { type Shapes, type ShapesOf, type Specs, TensorSpec, type Tensors, shapesOf, specsFor, specsOfBatch } from './spec.ts';

/** Calls a sublayer inside the pass of the layer that contains it. */
export interface SublayerCall {
  (x: Tensor, options?: { readonly mask?: Masks }): Tensor;
  (x: Tensors, options?: { readonly mask?: Masks }): Tensors;
}

/** Calls of the sublayers of a definition, by name. */
export type SublayerCalls<L> = { readonly [N in keyof L]: SublayerCall };

export interface LayerDefinition<
  I = Tensor,
  O = Tensor,
  P extends object = TensorRecord,
  S extends object = TensorRecord,
  L extends object = Record<never, never>,
  InputShapes = ShapesOf<I>,
  OutputShapes = ShapesOf<O>,
> {
  readonly kind: string;
  readonly options: LayerOptions;
  /** 'tree' for a layer whose input is a list or record of tensors. @default 'tensor' */
  readonly takes?: 'tensor' | 'tree';
  /** @default 'f32' */
  readonly inputDtype?: 'f32' | 'i32';
  /** Dtype of the outputs, if outputShape is given. @default 'f32' */
  readonly outputDtype?: Dtype;
  /** 'f32' computes in f32 under mixed precision too, for sums that f16 cannot hold. @default 'policy' */
  readonly precision?: 'policy' | 'f32';
  /** 'pass': outputs keep the mask of the input. 'drop': they have none, unless `apply` returns one. @default 'drop' */
  readonly masking?: 'pass' | 'drop';
  /** Penalties of parameters by name. They are added to the loss while the layer is trainable. */
  readonly regularizers?: Readonly<Record<string, Regularizer | undefined>>;
  /** Rules by name that parameters are brought back to after each update. */
  readonly constraints?: Readonly<Record<string, Constraint | undefined>>;
  /** Penalty of the outputs. It is divided by the batch size and added to the loss. */
  readonly activityRegularizer?: Regularizer | undefined;
  /** Layers that `apply` calls. A layer may occur under several names. */
  readonly layers?: L;
  /**
   * Shapes without the batch axis. `where` names the layer in messages.
   * When this is absent, the shapes follow from a trial of `apply` without values.
   */
  outputShape?(inputShape: InputShapes, where: string): OutputShapes;
  /** Fresh variables for an input shape. A layer without it has none. */
  build?(inputShape: InputShapes, random: RandomStream): { readonly parameters?: P; readonly state?: S };
  /** Pure: outputs from variables and inputs. Layers with state return the next state too. */
  apply(
    variables: Variables<P, S> & { readonly layers: SublayerCalls<L> },
    inputs: I,
    options: ApplyOptions,
  ): O | { readonly outputs: O; readonly state?: S; readonly mask?: Masks; readonly losses?: readonly Tensor[] };
}

/** Layers of one tensor need not say so. */
export type Takes<I> = [I] extends [Tensor] ? { readonly takes?: 'tensor' } : { readonly takes: 'tree' };

const isResult = (value: unknown): value is LayerResult =>
  typeof value === 'object' && value !== null && !(value instanceof Tensor) && 'outputs' in value;

/**
 * A layer from its definition. Adds the checks, the cell of variables and the scope that all layers share.
 *
 *     const scaleBy = (options) => defineLayer({
 *       kind: 'scaleBy', options,
 *       build: (shape) => ({ parameters: { scale: ones([shape.at(-1)]) } }),
 *       apply: ({ parameters: { scale } }, x) => x.mul(scale),
 *     });
 *
 * A layer made of layers lists them and calls them by name: `layers: { first, second }, apply: ({ layers }, x) => layers.second(layers.first(x))`.
 */
export function defineLayer<
  I = Tensor,
  O = Tensor,
  P extends object = TensorRecord,
  S extends object = TensorRecord,
  L extends object = Record<never, never>,
>(definition: LayerDefinition<NoInfer<I>, NoInfer<O>, P, S, L, NoInfer<ShapesOf<I>>, NoInfer<ShapesOf<O>>> & Takes<NoInfer<I>>): Layer {
  return new DefinedLayer(checkDefinition(definition) as AnyDefinition);
}

const definitionNames = [
  ...['kind', 'options', 'takes', 'inputDtype', 'outputDtype', 'precision', 'masking', 'regularizers', 'constraints'],
  ...['activityRegularizer', 'layers', 'outputShape', 'build', 'apply'],
];

/** Refuses what is no definition, and names that a definition does not have. */
function checkDefinition(definition: unknown): unknown {
  const example = "defineLayer({ kind: 'double', options: {}, apply: (_, x) => x.mul(2) })";
  checkOptions('defineLayer', definition, definitionNames, example);
  const { kind, options = {}, apply } = (definition ?? {}) as Partial<AnyDefinition>;
  if (typeof kind !== 'string' || kind === '')
    throw new ArgumentError(`defineLayer: kind is ${asText(kind)}; it must be a text, as in ${example}`);
  if (typeof apply !== 'function')
    throw new ArgumentError(`defineLayer: apply of ${kind} is ${asText(apply)}; it must be a function, as in ${example}`);
  return { ...(definition as object), options };
}

/** A definition whose types of inputs and outputs are left open. */
interface AnyDefinition extends Omit<
  LayerDefinition<Tensor, Tensor, TensorRecord, TensorRecord, Record<string, Layer>>,
  'outputShape' | 'build' | 'apply'
> {
  outputShape?(inputShape: Shapes, where: string): Shapes;
  build?(inputShape: Shapes, random: RandomStream): { readonly parameters?: TensorRecord; readonly state?: TensorRecord };
  apply(
    variables: Variables & { readonly layers: Readonly<Record<string, unknown>> },
    inputs: Tensors,
    options: ApplyOptions,
  ): Tensors | LayerResult;
}

class DefinedLayer extends BasicLayer {
  readonly ownsVariables = true;
  readonly sublayers: Readonly<Record<string, Layer>>;
  private readonly definition: AnyDefinition;
  private isTrainable = true;

  constructor(definition: AnyDefinition) {
    const { kind, options, inputDtype = 'f32' } = definition;
    const { name, trainable = true, inputShape } = options;
    if (name !== undefined) layerName.read(name, `${kind}: name`);
    if (inputShape !== undefined) checkSizes(kind, 'inputShape', inputShape);
    super(kind, name, inputShape, inputDtype);
    this.definition = definition;
    this.sublayers = readSublayers(kind, definition.layers ?? {});
    if (!trainable) this.trainable = false;
  }

  get trainable(): boolean {
    return this.isTrainable;
  }

  /** Setting it sets the layers inside, too. */
  set trainable(trainable: boolean) {
    this.isTrainable = trainable;
    for (const layer of Object.values(this.sublayers)) layer.trainable = trainable;
  }

  outputShape(shapes: Shapes, where = this.where): Shapes {
    this.checkForm(shapes, where);
    if (this.definition.outputShape) return this.definition.outputShape(shapes, where);
    return shapesOf(this.trial(undefined, specsFor(shapes, this.inputDtype), where));
  }

  build(shapes: Shapes, random = globalStream()): Variables {
    this.checkForm(shapes, this.where);
    this.definition.outputShape?.(shapes, this.where);
    const { parameters = {}, state = {} } = this.definition.build?.(shapes, random) ?? {};
    return { parameters, state };
  }

  draft(builder: Builder, inputs: Specs, where: string): Specs {
    const shapes = shapesOf(inputs);
    this.checkForm(shapes, where);
    const { definition } = this;
    const outputs = definition.outputShape && specsFor(definition.outputShape(shapes, where), definition.outputDtype);
    builder.build(this, shapes, where);
    return outputs && this.isPlain ? outputs : this.trial(builder, inputs, where);
  }

  call(variables: Variables, inputs: Tensors, options: ApplyOptions): LayerResult {
    if (!this.isPlain) {
      throw new ArgumentError(`${this.where}: the variables of its layers belong to them; use layer.apply(x), or make a model of it`);
    }
    return withScope(this.where, () => this.compute(variables, inputs, options, {}, this.where));
  }

  run(pass: ForwardPass, inputs: Tensors, mask: Masks, where: string): Flow {
    const calls = mapRecord(
      this.sublayers,
      (layer, name) =>
        (x: Tensors, { mask: inner }: { readonly mask?: Masks } = {}) =>
          runNamed(pass, { name, layer }, x, inner, where).outputs,
    );
    const options: ApplyOptions = { training: pass.training, mask, decoding: pass.decoding };
    const result = pass.inF16
      ? this.computeMixed(pass.variablesOf(this), inputs, options, calls, where)
      : this.compute(pass.variablesOf(this), inputs, options, calls, where);
    if (result.state) pass.setState(this, checkState(where, result.state, pass.variablesOf(this).state));
    if (result.losses) pass.losses.push(...result.losses);
    this.addPenalties(pass, pass.inF16 ? castFloats(result.outputs, 'f32') : result.outputs);
    const passed = this.definition.masking === 'pass' ? mask : undefined;
    return { outputs: result.outputs, mask: 'mask' in result ? result.mask : passed };
  }

  override constrain(parameters: TensorRecord): TensorRecord {
    const rules = Object.entries(this.definition.constraints ?? {}).filter(([name, rule]) => rule && Object.hasOwn(parameters, name));
    if (rules.length === 0) return parameters;
    const constrained = rules.map(([name, rule]) => {
      const before = parameters[name];
      return [name, checkParameter(`${this.where}: the constraint of ${name}`, rule!(before), before)] as const;
    });
    return { ...parameters, ...Object.fromEntries(constrained) };
  }

  /** Penalties of parameters are added once in a pass, those of outputs at each use. */
  private addPenalties(pass: ForwardPass, outputs: Tensors): void {
    const { regularizers = {}, activityRegularizer } = this.definition;
    if (this.trainable && pass.isFirstUse(this)) {
      const { parameters } = pass.variablesOf(this);
      for (const [name, regularizer] of Object.entries(regularizers)) {
        if (!regularizer || !Object.hasOwn(parameters, name)) continue;
        pass.losses.push(checkScalar(`${this.where}: the regularizer of ${name}`, regularizer(parameters[name])));
      }
    }
    if (!activityRegularizer) return;
    for (const { value } of leavesOf(outputs)) {
      const output = value as Tensor;
      const penalty = checkScalar(`${this.where}: activityRegularizer`, activityRegularizer(output));
      pass.losses.push(div(penalty, output.shape[0]));
    }
  }

  /** @throws ShapeError for several tensors if the layer takes one. */
  private checkForm(shapes: Shapes, where: string): void {
    if (this.definition.takes !== 'tree') checkOneTensor(where, shapes);
  }

  private get isPlain(): boolean {
    return Object.keys(this.sublayers).length === 0;
  }

  /** Computes in f16, or in f32 if the layer needs it; outputs are f16, and state and losses f32. */
  private computeMixed(
    { parameters, state }: Variables,
    inputs: Tensors,
    options: ApplyOptions,
    calls: Readonly<Record<string, unknown>>,
    where: string,
  ): LayerResult {
    const dtype = this.definition.precision === 'f32' ? 'f32' : 'f16';
    const variables = { parameters: castFloats(parameters, dtype), state };
    // Whole numbers above 2048, such as ids of words, have no exact f16.
    const given = this.inputDtype === 'i32' ? inputs : castFloats(inputs, dtype);
    const result = this.compute(variables, given, options, calls, where);
    return {
      ...result,
      outputs: castFloats(result.outputs, 'f16'),
      ...(result.state && { state: castFloats(result.state, 'f32') }),
      ...(result.losses && { losses: castFloats(result.losses, 'f32') }),
    };
  }

  private compute(
    variables: Variables,
    inputs: Tensors,
    options: ApplyOptions,
    calls: Readonly<Record<string, unknown>>,
    where: string,
  ): LayerResult {
    const shapes = shapesOf(specsOfBatch(inputs));
    this.checkForm(shapes, where);
    this.definition.outputShape?.(shapes, where);
    const result = this.definition.apply({ ...variables, layers: calls }, inputs, options);
    return isResult(result) ? result : { outputs: result };
  }

  /** Output specs by running `apply` over tensors without values. Sublayers are drafted as they are called. */
  private trial(builder: Builder | undefined, inputs: Specs, where: string): Specs {
    const variables = builder?.variablesOf(this) ?? exampleVariables(this, shapesOf(inputs), where);
    const calls = mapRecord(this.sublayers, (layer, name) => (x: Tensors) => {
      const path = joinPath(where, name);
      const shapes = specsOfBatch(x);
      const [batch] = (leavesOf(x)[0].value as Tensor).shape;
      const specs = builder ? layer.draft(builder, shapes, path) : specsFor(layer.outputShape(shapesOf(shapes), path));
      return standIns(specs, batch);
    });
    const outputs = withTrace(
      { name: where, key: () => placeholder([2], 'u32', { position: -1, label: 'random key' }), nextSite: () => 0 },
      () =>
        building(`layer '${where}'`, () => this.compute(variables, standIns(inputs, batchAxis), { training: false }, calls, where).outputs),
    );
    return mapTree(outputs, (leaf, path) => {
      if (leaf instanceof Tensor && leaf.shape[0] === batchAxis) return new TensorSpec(leaf.shape.slice(1), leaf.dtype);
      const got = leaf instanceof Tensor ? formatShape(leaf.shape) : asText(leaf);
      throw new ShapeError(
        `${where}: apply returned ${got}${path && ` as ${path.replace(/^\./, '')}`}; outputs must be tensors whose first axis is the batch`,
      );
    }) as Specs;
  }
}

function checkScalar(what: string, given: unknown): Tensor {
  if (given instanceof Tensor && given.rank === 0) return given;
  throw new ArgumentError(`${what} returned ${given instanceof Tensor ? given.toString() : asText(given)}; it must return a scalar`);
}

function checkParameter(what: string, given: unknown, before: Tensor): Tensor {
  if (given instanceof Tensor && given.dtype === before.dtype && sameShape(given.shape, before.shape)) return given;
  const got = given instanceof Tensor ? given.toString() : asText(given);
  throw new ArgumentError(`${what} returned ${got}; it must return a tensor like the parameter, ${before.toString()}`);
}

/** State for the next batch: it has the names, shapes and dtypes of the state before. */
function checkState(where: string, given: TensorRecord, before: TensorRecord): TensorRecord {
  const found = new Map(leavesOf(given).map(({ path, value }) => [path, value]));
  const wanted = leavesOf(before);
  const fix = 'return a tensor like the one that build() gave, under every name of the state';
  for (const { path, value } of wanted) {
    const [tensor, kept] = [found.get(path), value as Tensor];
    if (tensor instanceof Tensor && tensor.dtype === kept.dtype && sameShape(tensor.shape, kept.shape)) continue;
    const got = tensor instanceof Tensor ? tensor.toString() : tensor === undefined ? 'missing' : asText(tensor);
    throw new ShapeError(
      `${where}: apply returned a state whose${path.replace('.', ' ')} is ${got}; it must be ${kept.toString()}: ${fix}`,
    );
  }
  const known = new Set(wanted.map(({ path }) => path));
  const extra = [...found.keys()].find((path) => !known.has(path));
  if (extra === undefined) return given;
  throw new ArgumentError(`${where}: apply returned a state with${extra.replace('.', ' ')}, which build() did not give; ${fix}`);
}

const standIns = (specs: Specs, batch: number): Tensors =>
  mapTree(specs, (spec) => {
    const { shape, dtype } = spec as TensorSpec;
    return placeholder([batch, ...shape], dtype, { position: -1, label: 'input of a layer' });
  }) as Tensors;

const mapRecord = <T, R>(record: Readonly<Record<string, T>>, make: (value: T, name: string) => R): Record<string, R> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, make(value, name)]));

function readSublayers(kind: string, given: Readonly<Record<string, Layer | HasLayer>>): Record<string, Layer> {
  return mapRecord(given, (value, name) => {
    const layer = layerOf(value);
    if (layer) return layer;
    throw new ArgumentError(`${kind}: layers.${name} is not a layer; make layers with the factories, such as layers.dense({ units: 1 })`);
  });
}
