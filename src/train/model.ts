// Models: a network with its weights, and how to train it. The surface users hold; the work is done in fit.ts, evaluate.ts and core.ts.
// Parts that few programs need are in onDemand.ts.
import type { Config } from '../core/config.ts';
import { ArgumentError, OmbreError } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import { RandomStream, foldKey, keyFromSeed } from '../core/random.ts';
import { refuseRead } from '../graph/reads.ts';
import { type Tensor, refuseValues } from '../graph/tensor.ts';
import type { MemoryPlan } from '../engine/index.ts';
import {
  type CallOptions,
  type HasLayer,
  type Layer,
  type LayerTrees,
  type LoraOptions,
  type Network,
  type Tensors,
  findLayer,
  networkConfig,
} from '../nn/index.ts';
import type { History, Logs, TrainedModel } from '../callbacks/index.ts';
import type { ArrayTree } from '../data/index.ts';
import { type CompileOptions, type StepCompileOptions, resolveCompileOptions } from './trainingSetup.ts';
import { type ModelCore, builtWeights, exclusive, knownInputs, makeCore, recordOf, startSetup } from './core.ts';
import { evaluateModel } from './evaluate.ts';
import { fitModel } from './fit.ts';
import { type ModelInput, arraysIn } from './inputs.ts';
import { lossAt } from './lossAt.ts';
import { assignObjectives, namedOutputs } from './objectives.ts';
import { testOnBatch, trainOnBatch } from './onBatch.ts';
import { applyRate, checkSetRate, currentRate } from './optimizerState.ts';
import { type Prediction, predictBatch, predictModel } from './predict.ts';
import type {
  EvaluateOptions,
  FitOptions,
  MemoryPlanOptions,
  PredictOptions,
  TestOnBatchOptions,
  TrainOnBatchOptions,
} from './runOptions.ts';
import type { FileSource, FileTarget } from '../formats/places.ts';
import type { Progress } from './progress.ts';
import type { SaveOptions } from './saveModel.ts';
import { quantizeModel } from './quantizeModel.ts';
import { formatSummary } from './summary.ts';
import { warnOfPitfalls } from './pitfalls.ts';
import type { LoadWeightsOptions, SaveWeightsOptions } from './weightFiles.ts';
import { type ModelVariable, getWeights, listVariables, readLossScale, setWeights, swapAverages } from './weights.ts';

/** A network that can be trained. Made by sequential() or createModel(). */
export class Model implements TrainedModel, HasLayer {
  /** Set to true, for instance by a callback, ends fit after the batch under way. */
  stopTraining = false;
  /** @internal */
  readonly core: ModelCore;

  /** @internal */
  constructor(network: Network) {
    this.core = makeCore(network);
  }

  get layers(): readonly Layer[] {
    return Object.values(this.core.network.root.sublayers);
  }

  /** The model as a layer of other models. Its weights are shared with them. */
  get asLayer(): Layer {
    return this.core.network.root;
  }

  /**
   * The layers and how they are connected, as plain data: everything but the weights. fromConfig() makes a new model of it.
   *
   *     const copy = fromConfig<Model>(JSON.parse(JSON.stringify(model.config)));
   *
   * @throws ArgumentError for layers and functions of your own that `register` does not know, and for a constant on a device.
   */
  get config(): Config {
    return networkConfig(this.asLayer);
  }

  /** Epochs of the fits that follow each other since compile(), with their logs. A fit can go on at the next epoch. */
  get progress(): Progress {
    const { epochs = 0, history = {} } = this.core.progress ?? {};
    return { epochs, history };
  }

  /** Symbolic inputs of the model, from which other models may begin. */
  get input(): Tensors {
    return this.asLayer.input;
  }

  /** Symbolic outputs of the model. */
  get output(): Tensors {
    return this.asLayer.output;
  }

  /** Applies the model as a layer: to symbolic tensors, or to tensors with values. */
  apply(x: Tensor, options?: CallOptions): Tensor;
  apply<O extends Tensors = Tensors>(x: Tensors, options?: CallOptions): O;
  apply(x: Tensors, options?: CallOptions): Tensors {
    return this.asLayer.apply(x, options);
  }

  /**
   * The layer of this name, or of a path such as `encoder/dense_1`.
   *
   *     const features = createModel({ inputs: model.input, outputs: model.getLayer('dense_1').output });
   *
   * @throws ArgumentError listing the names, if there is none.
   */
  getLayer(name: string): Layer {
    const { network } = this.core;
    // Chains make their symbolic tensors at first use, and store the outputs in the layers.
    if (network.inputs) void network.root.output;
    const layer = typeof name === 'string' ? findLayer(network.root, name) : undefined;
    if (layer) return layer;
    const known = Object.keys(network.root.sublayers);
    throw new ArgumentError(`getLayer: there is no layer '${name}'; the layers are ${known.join(', ')}${didYouMean(String(name), known)}`);
  }

  /**
   * Chooses optimizer, loss and metrics; weights stay. Names are looked up and options checked now, the device when it is first needed.
   *
   *     model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
   *
   * Several outputs have several losses, by name or in order:
   *
   *     model.compile({ loss: { digit: 'sparseCategoricalCrossentropy', parity: 'binaryCrossentropy' }, lossWeights: { parity: 0.5 } });
   *
   * A trainStep declares the forms of x and y if they are lists or records: `trainStep(step: StepTools<{ image: Tensor }>) { … }`.
   *
   * @throws ArgumentError for unknown options and names, outputs that do not exist, and values that would share a name in the logs.
   */
  compile<X = Tensor, Y = Tensor>(options: StepCompileOptions<X, Y>): void {
    const setup = resolveCompileOptions(options as CompileOptions);
    const { core } = this;
    if (core.fitting) throw new OmbreError('compile: the model is being trained; await fit first');
    const inputs = knownInputs(core);
    const objectives = inputs && assignObjectives(setup, namedOutputs(core.network, core.network.outputSpecs(inputs)));
    startSetup(core, setup, objectives);
    warnOfPitfalls(core.network.root, setup);
    if (setup.seed === undefined) return;
    const key = keyFromSeed(setup.seed);
    if (!core.weights) core.initKey = foldKey(key, 0);
    core.fitKeys = new RandomStream(foldKey(key, 1));
  }

  /**
   * Trains for `epochs` passes over the data. x and y are tensors, typed arrays with a shape, nested arrays, lists or records of these in the
   * form of the model's inputs and outputs, or x is a dataset of { x, y }.
   * Forward, loss, gradients, update and metrics are one program, compiled once per batch size and replayed.
   *
   *     const { history } = await model.fit(x, y, { epochs: 3, batchSize: 128, validationSplit: 0.1 });
   *
   * @throws ArgumentError, ShapeError, DtypeError or DataError before anything runs; the model is then as it was.
   */
  fit(x: ModelInput, y?: ArrayTree, options: FitOptions = {}): Promise<History> {
    return refuseValues('fit()', arraysIn(x, y)) ?? fitModel(this.core, this, x, y, options);
  }

  /**
   * Loss and metrics over the data, exact over all samples. Losses of one's own that return a scalar are weighted by batch size, and so are
   * sums. A dataset without end needs take(n).
   *
   *     const { loss, accuracy } = await model.evaluate(x, y);
   */
  evaluate(x: ModelInput, y?: ArrayTree, options: EvaluateOptions = {}): Promise<Logs> {
    return refuseValues('evaluate()', arraysIn(x, y)) ?? evaluateModel(this.core, x, y, options);
  }

  /**
   * The model's outputs for x, in batches; resolves to a tensor on the host, or to a list or record of tensors as the model's outputs are.
   *
   *     const probabilities = await model.predict(x);          // or: await model.predict(x).array()
   *     const { digit, parity } = await model.predict<Record<string, Tensor>>({ image });
   */
  predict(x: ModelInput, options?: PredictOptions): Prediction<Tensor>;
  predict<O extends Tensors>(x: ModelInput, options?: PredictOptions): Prediction<O>;
  predict<O extends Tensors>(x: ModelInput, options: PredictOptions = {}): Prediction<O> {
    return predictModel<O>(this.core, x, options);
  }

  /**
   * One update by one batch; resolves to loss and metrics of that batch before the update.
   *
   *     const { loss } = await model.trainOnBatch(x, y);
   */
  trainOnBatch(x: ArrayTree, y?: ArrayTree, options: TrainOnBatchOptions = {}): Promise<Logs> {
    return refuseValues('trainOnBatch()', arraysIn(x, y)) ?? trainOnBatch(this.core, x, y, options);
  }

  /**
   * Loss and metrics of one batch, without an update.
   *
   *     const { loss } = await model.testOnBatch(x, y);
   */
  testOnBatch(x: ArrayTree, y?: ArrayTree, options: TestOnBatchOptions = {}): Promise<Logs> {
    return refuseValues('testOnBatch()', arraysIn(x, y)) ?? testOnBatch(this.core, x, y, options);
  }

  /**
   * The model's outputs for one batch, in the form of predict().
   *
   *     const probabilities = await model.predictOnBatch(x).array();
   */
  predictOnBatch(x: ArrayTree): Prediction<Tensor>;
  predictOnBatch<O extends Tensors>(x: ArrayTree): Prediction<O>;
  predictOnBatch<O extends Tensors>(x: ArrayTree): Prediction<O> {
    return predictBatch<O>(this.core, x);
  }

  /**
   * The device memory that fit takes for the same arguments. Compiles the step, but neither runs it nor takes memory for it.
   *
   *     const { peakBytes, largest, refusal } = await model.memoryPlan(x, y, { batchSize: 256 });
   *
   * `refusal` is the reason if the device cannot run it, with the limit. Undefined if it can.
   * @throws ArgumentError on the CPU: the garbage collector manages the arrays there.
   */
  memoryPlan(x: ModelInput, y?: ArrayTree, options: MemoryPlanOptions = {}): Promise<MemoryPlan> {
    return refuseRead('memoryPlan()') ?? import('./onDemand.ts').then(({ planMemory }) => planMemory(this.core, x, y, options));
  }

  /** Loss of compile() for a batch in inference mode, with a gradient with respect to x. @internal */
  lossAt(where: string, x: Tensors, y: Tensors): Tensor {
    return lossAt(this.core, where, x, y);
  }

  /** Prints the layers as a table and returns it. */
  summary({ print = console.log }: { print?: (table: string) => void } = {}): string {
    if (!this.core.weights && this.core.network.inputs) builtWeights(this.core, 'summary');
    const table = formatSummary(this.core);
    print(table);
    return table;
  }

  /** The parameters as they are now, by layer name: `{ dense_1: { kernel, bias } }`. The next training step takes these tensors over; to keep values, use getWeights(). */
  parameters(): LayerTrees {
    return builtWeights(this.core, 'parameters').parameters;
  }

  /**
   * All tensors with their paths, in the order of getWeights().
   *
   *     for (const { path, tensor, trainable } of model.variables()) console.log(path, tensor.shape, trainable);
   */
  variables(): ModelVariable[] {
    return listVariables(this.core, builtWeights(this.core, 'variables'));
  }

  /**
   * The loss scale of mixed precision, and the number of steps that changed nothing because a gradient overflowed. Undefined before the first step
   * and without `dtypePolicy: 'mixedFloat16'`.
   */
  lossScale(): Promise<{ scale: number; overflows: number } | undefined> {
    return refuseRead('lossScale()') ?? readLossScale(this.core);
  }

  /**
   * Exchanges the parameters and their moving averages, which an optimizer with emaDecay keeps. A second call exchanges them back.
   *
   *     await model.swapAverages();      // evaluate with the averages
   *     await model.swapAverages();      // go on training
   */
  swapAverages(): Promise<void> {
    return refuseRead('swapAverages()') ?? swapAverages(this.core);
  }

  /**
   * Copies weights, optimizer states, learning rates and the loss scale to the host. The returned function brings them back.
   *
   *     const restore = await model.snapshot();
   *     await model.fit(x, y, { epochs: 1 });      // a trial
   *     await restore();
   */
  snapshot(): Promise<() => Promise<void>> {
    return refuseRead('snapshot()') ?? import('./onDemand.ts').then(({ takeSnapshot }) => takeSnapshot(this.core));
  }

  /**
   * Writes all weights, and the state of the optimizers, as one safetensors file: tensors by their paths of variables(). A fit that goes on with
   * `initialEpoch` and the same seed gives the same bits as one that never stopped. A file of a name is replaced whole or not at all.
   *
   *     await model.saveWeights('model.safetensors');                      // a path in Node
   *     await model.saveWeights('opfs://model.safetensors');               // the private file system of a page; also indexeddb://
   *     await model.saveWeights('download://model.safetensors');           // a download of a page
   *     await model.saveWeights(await showSaveFilePicker());               // a file handle in a page
   *     await model.saveWeights((bytes) => store.put(bytes));              // anything else
   *
   * More than `shardSize` bytes become several files and an index `model.safetensors.index.json`, which loadWeights() reads.
   */
  saveWeights(target: FileTarget, options?: SaveWeightsOptions): Promise<void> {
    return refuseRead('saveWeights()') ?? import('./onDemand.ts').then(({ saveWeights }) => saveWeights(this.core, target, options));
  }

  /**
   * Reads a file of saveWeights(), or any safetensors file whose names are the paths of variables(): from a path, an address, a name such
   * as `opfs://model.safetensors`, bytes, a Blob or a file handle. Nothing is changed if something does not fit.
   * Only the data that are needed are read; of an address, by ranges if the server supports them.
   *
   *     await model.loadWeights('model.safetensors');
   *     await model.fit(x, y, { epochs: 6, initialEpoch: 3, seed: 1 });
   *
   * A map reads the names and layouts of another library: `await model.loadWeights('resnet18.safetensors', { map: resnet18.map })`.
   *
   * @throws FormatError for a damaged file, and for weights of another model, which it lists.
   */
  loadWeights(source: FileSource, options?: LoadWeightsOptions): Promise<void> {
    return refuseRead('loadWeights()') ?? import('./onDemand.ts').then(({ loadWeights }) => loadWeights(this.core, source, options));
  }

  /**
   * Writes the whole model as one safetensors file: layers, weights, the options of compile(), the state of the optimizers and the progress.
   * loadModel() reads it. Targets are those of saveWeights().
   *
   *     await model.save('model.safetensors');
   *
   * @throws ArgumentError for layers, losses and functions of your own that `register` does not know.
   */
  save(target: FileTarget, options?: SaveOptions): Promise<void> {
    return refuseRead('save()') ?? import('./onDemand.ts').then(({ saveModel }) => saveModel(this.core, target, options));
  }

  /**
   * Enables LoRA on every layer of the model that takes it: kernels are frozen, and small matrices A and B are trained in their place.
   *
   *     model.enableLora({ rank: 8, alpha: 16, trainOthers: false });
   *     await model.fit(x, y);
   *     await model.saveWeights('adapter.safetensors', { only: 'lora' });      // loadWeights of another model with LoRA reads it
   *
   * Layers that take no LoRA, such as a normalization, are trained as before, and `only: 'lora'` does not store them. Freeze them by
   * `for (const layer of model.layers) layer.trainable = layer.lora !== undefined`.
   *
   * @throws ArgumentError if no layer takes LoRA, or one has it. OmbreError during fit.
   */
  enableLora(options: LoraOptions): void {
    this.asLayer.enableLora(options);
  }

  /** Adds the A B of every layer with LoRA to its kernel. @throws ArgumentError if no layer has LoRA. OmbreError during fit. */
  mergeLora(): void {
    this.asLayer.mergeLora();
  }

  /**
   * Packs the kernels of dense, einsumDense, embedding and attention layers as int8, for inference: a quarter of the memory, and of the file.
   * predict and evaluate go on to work; fit refuses. `config` and the files of save() keep it. A model that is made and quantized again reads
   * the files of saveWeights().
   *
   *     await model.quantize('int8');
   *
   * @throws ArgumentError if no kernel can be packed, or one has LoRA. OmbreError during fit.
   */
  quantize(mode: 'int8'): Promise<void> {
    return refuseRead('quantize()') ?? quantizeModel(this.core, mode);
  }

  /** Copies of all weights on the host, layer by layer, state after parameters. */
  getWeights(): Promise<Tensor[]> {
    return refuseRead('getWeights()') ?? getWeights(this.core);
  }

  /**
   * Replaces all weights by tensors in the order of getWeights(). The tensors are copied.
   *
   *     await copy.setWeights(await model.getWeights());
   *
   * @throws ShapeError where number or shapes differ; no weight is changed then.
   */
  setWeights(weights: readonly Tensor[]): Promise<void> {
    return refuseValues('setWeights()', [weights].flat()) ?? setWeights(this.core, weights);
  }

  /**
   * Replaces the learning rate from the next step on, without a new compilation. `optimizer` names one of several optimizers.
   *
   *     model.setLearningRate(1e-4);          // or: model.learningRate = 1e-4
   *
   * @throws ArgumentError for a rate that is not positive, and for an optimizer with a schedule.
   */
  setLearningRate(learningRate: number, { optimizer }: { optimizer?: string } = {}): void {
    const where = 'setLearningRate';
    const record = recordOf(this.core, where, optimizer);
    checkSetRate(record, where, learningRate);
    record.learningRate = learningRate;
    // A step that is under way owns the state.
    void exclusive(this.core, async () => applyRate(record));
  }

  /** Learning rate of the next update; with a schedule, its value there. Setting it is setLearningRate(). */
  get learningRate(): number {
    return currentRate(recordOf(this.core, 'learningRate', undefined));
  }

  set learningRate(learningRate: number) {
    this.setLearningRate(learningRate);
  }
}
