// Layers from definitions: plain ones, and composite ones whose `apply` calls other layers.
import { batchAxis } from '../core/batchAxis.ts';
import { ArgumentError, ShapeError, asText } from '../core/errors.ts';
import { type RandomStream, globalStream } from '../core/random.ts';
import { formatShape } from '../core/shape.ts';
import { leavesOf, mapTree } from '../core/tree.ts';
import { placeholder } from '../graph/leaves.ts';
import { building } from '../graph/reads.ts';
import { withScope } from '../graph/scope.ts';
import { Tensor } from '../graph/tensor.ts';
import { withTrace } from '../graph/trace.ts';
import { div } from '../ops/index.ts';
import { BasicLayer } from './basicLayer.ts';
import { castFloats } from './castFloats.ts';
import { checkOneTensor, checkSizes } from './inputChecks.ts';
import { layerName } from './layerOptions.ts';
import {
  type ApplyOptions,
  type Builder,
  type Flow,
  type ForwardPass,
  type Layer,
  type LayerResult,
  type Masks,
  type TensorRecord,
  type Variables,
  exampleVariables,
  joinPath,
  runNamed,
} from './layer.ts';
import { checkParameter, checkScalar, checkState, mapRecord, readSublayers } from './layerChecks.ts';
import { type AnyDefinition, type LayerDefinition, type SublayerCallOptions, type Takes, checkDefinition } from './layerDefinition.ts';
import { adaptedParameters, adapterNames, mergedVariables, withAdapters } from './lora.ts';
import { type Lora, type LoraAxes, type LoraRequest, requestedLora } from './loraOptions.ts';
import { type LastSizes, type ScaleAxes, lastSizes, packedVariables, unpackedParameters } from './packedKernels.ts';
import { type QuantizationRequest, requestedQuantization } from './quantizationOptions.ts';
import { type Shapes, type ShapesOf, type Specs, TensorSpec, type Tensors, shapesOf, specsFor, specsOfBatch } from './spec.ts';

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

/** Parameters of a sublayer for inputs of these shapes. `name` is that of the sublayer. */
type ReadParameters = (layer: Layer, shape: Shapes, name: string) => TensorRecord;

const readExample: ReadParameters = (layer, shape, name) => layer.valuesOf(layer.variables.value ?? exampleVariables(layer, shape, name));

/** Builds sublayers when their parameters are read. Without random numbers the parameters are examples. */
const drafted =
  (builder: Builder, where: string): ReadParameters =>
  (layer, shape, name) => {
    layer.draft(builder, specsFor(shape, layer.inputDtype), joinPath(where, name));
    const found = builder.variablesOf(layer);
    return found ? layer.valuesOf(found) : readExample(layer, shape, name);
  };

/** The call of a sublayer as a definition sees it. */
const callOf = (flow: (x: Tensors, options?: SublayerCallOptions) => Flow, parameters: (shape: Shapes) => TensorRecord) =>
  Object.assign((x: Tensors, options?: SublayerCallOptions) => flow(x, options).outputs, { flow, parameters });

class DefinedLayer extends BasicLayer {
  readonly ownsVariables = true;
  readonly sublayers: Readonly<Record<string, Layer>>;
  private readonly definition: AnyDefinition;
  private isTrainable = true;
  private adapter: Lora | undefined;
  private isPacked = false;
  /** Sizes of the last axes of packed kernels. */
  private packedSizes: LastSizes = {};
  /** Names of the state that is no frozen parameter. */
  private ownState: readonly string[] = [];

  constructor(definition: AnyDefinition) {
    const { kind, options, inputDtype = 'f32' } = definition;
    const { name, trainable = true, inputShape } = options;
    if (name !== undefined) layerName.read(name, `${kind}: name`);
    if (inputShape !== undefined) checkSizes(kind, 'inputShape', inputShape);
    super(kind, name, inputShape, inputDtype);
    this.definition = definition;
    this.sublayers = readSublayers(kind, definition.layers ?? {});
    if (definition.lora) this.adapter = requestedLora(kind, options as LoraRequest);
    if (definition.quantize) this.isPacked = requestedQuantization(kind, options as QuantizationRequest, this.adapter !== undefined);
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
    return this.buildWith(shapes, random, (layer, shape) => layer.valuesOf(layer.variables.value ?? layer.build(shape, random)));
  }

  private buildWith(shapes: Shapes, random: RandomStream, read: ReadParameters): Variables {
    this.checkForm(shapes, this.where);
    this.definition.outputShape?.(shapes, this.where);
    const layers = mapRecord(this.sublayers, (layer, name) => (shape: Shapes) => read(layer, shape, name));
    const { parameters = {}, state = {} } = this.definition.build?.(shapes, random, layers) ?? {};
    this.ownState = Object.keys(state);
    const built = { parameters, state };
    if (this.isPacked) return this.packed(built);
    return this.adapter ? withAdapters(built, this.definition.lora!, this.adapter, random) : built;
  }

  private packed(variables: Variables): Variables {
    const axes = this.definition.quantize!;
    // Variables that only serve checks may have other sizes than those of the layer.
    if (!this.variables.value || !this.isPacked) this.packedSizes = lastSizes(variables.parameters, axes);
    return packedVariables(variables, axes);
  }

  draft(builder: Builder, inputs: Specs, where: string): Specs {
    const shapes = shapesOf(inputs);
    this.checkForm(shapes, where);
    const { definition } = this;
    const outputs = definition.outputShape && specsFor(definition.outputShape(shapes, where), definition.outputDtype);
    builder.build(this, shapes, where, (random) => this.buildWith(shapes, random, drafted(builder, where)));
    return outputs && this.isPlain ? outputs : this.trial(builder, inputs, where);
  }

  call(variables: Variables, inputs: Tensors, options: ApplyOptions): LayerResult {
    if (!this.isPlain) {
      throw new ArgumentError(`${this.where}: the variables of its layers belong to them; use layer.apply(x), or make a model of it`);
    }
    return withScope(this.where, () => this.withFrozen(variables, this.compute(this.computed(variables), inputs, options, {}, this.where)));
  }

  run(pass: ForwardPass, inputs: Tensors, mask: Masks, where: string): Flow {
    const calls = mapRecord(this.sublayers, (layer, name) => {
      const flow = (x: Tensors, { mask: inner, parameters }: SublayerCallOptions = {}): Flow =>
        runNamed(parameters ? pass.replacing(layer, parameters) : pass, { name, layer }, x, inner, where);
      return callOf(flow, () => layer.valuesOf(pass.variablesOf(layer)));
    });
    const options: ApplyOptions = { training: pass.training, mask, decoding: pass.decoding };
    const variables = pass.variablesOf(this);
    const compute = pass.inF16 ? this.computeMixed.bind(this) : this.compute.bind(this);
    const result = this.withFrozen(variables, compute(this.computed(variables), inputs, options, calls, where));
    if (result.state) pass.setState(this, checkState(where, result.state, variables.state));
    if (result.losses) pass.losses.push(...result.losses);
    this.addPenalties(pass, pass.inF16 ? castFloats(result.outputs, 'f32') : result.outputs);
    const passed = this.definition.masking === 'pass' ? mask : undefined;
    return { outputs: result.outputs, mask: 'mask' in result ? result.mask : passed };
  }

  /** The variables as `apply` gets them. */
  private computed(variables: Variables, separate = true): Variables {
    const { adapter, ownState, isPacked, packedSizes, definition } = this;
    if (isPacked) return unpackedParameters(variables, packedSizes, separate && definition.unpacks === true);
    if (!adapter) return variables;
    const values = adaptedParameters(variables, definition.lora!, adapter, separate && definition.appliesLora === true);
    const isOwn = (name: string): boolean => ownState.includes(name);
    const pick = (wanted: boolean): TensorRecord => Object.fromEntries(Object.entries(values).filter(([name]) => isOwn(name) === wanted));
    return { parameters: pick(false), state: pick(true) };
  }

  /** A result whose state has the frozen parameters, too. */
  private withFrozen({ state }: Variables, result: LayerResult): LayerResult {
    return (this.adapter || this.isPacked) && result.state ? { ...result, state: { ...state, ...result.state } } : result;
  }

  override valuesOf(variables: Variables): TensorRecord {
    return this.computed(variables, false).parameters;
  }

  override get lora(): Lora | undefined {
    return this.adapter;
  }

  override get loraAxes(): LoraAxes | undefined {
    return this.definition.lora;
  }

  override get isQuantized(): boolean {
    return this.isPacked;
  }

  override get scaleAxes(): ScaleAxes | undefined {
    return this.definition.quantize;
  }

  override packKernels(): void {
    const { value } = this.variables;
    const packed = value && this.packed(value);
    this.isPacked = true;
    this.variables.reform(packed, []);
  }

  override setLora(lora: Lora | undefined, random = globalStream()): void {
    const { variables: cell, adapter, definition } = this;
    const axes = definition.lora!;
    const value =
      cell.value && (lora ? withAdapters(cell.value, axes, lora, random) : mergedVariables(cell.value, axes, adapter!, this.ownState));
    if (lora && cell.value) this.ownState = Object.keys(cell.value.state);
    this.adapter = lora;
    cell.reform(value, lora ? adapterNames(axes) : Object.keys(axes));
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
    const read = builder ? drafted(builder, where) : readExample;
    const calls = mapRecord(this.sublayers, (layer, name) => {
      const flow = (x: Tensors): Flow => {
        const path = joinPath(where, name);
        const shapes = specsOfBatch(x);
        const [batch] = (leavesOf(x)[0].value as Tensor).shape;
        const specs = builder ? layer.draft(builder, shapes, path) : specsFor(layer.outputShape(shapesOf(shapes), path));
        return { outputs: standIns(specs, batch), mask: undefined };
      };
      return callOf(flow, (shape) => read(layer, shape, name));
    });
    const outputs = withTrace(
      { name: where, key: () => placeholder([2], 'u32', { position: -1, label: 'random key' }), nextSite: () => 0 },
      () =>
        building(
          `layer '${where}'`,
          () => this.compute(this.computed(variables), standIns(inputs, batchAxis), { training: false }, calls, where).outputs,
        ),
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

const standIns = (specs: Specs, batch: number): Tensors =>
  mapTree(specs, (spec) => {
    const { shape, dtype } = spec as TensorSpec;
    return placeholder([batch, ...shape], dtype, { position: -1, label: 'input of a layer' });
  }) as Tensors;
