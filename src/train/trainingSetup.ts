// The checked options of model.compile(). Names are looked up here; objectives.ts assigns losses and metrics to the outputs.
import { ArgumentError, asText } from '../core/errors.ts';
import { checkedLater, oneOf, positiveInteger, seed as seedKind } from '../core/optionKinds.ts';
import { namedEntries } from '../core/names.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { shown } from '../core/shown.ts';
import { type DeviceName, deviceNames } from '../engine/index.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type JointLoss, type Loss, type LossName, type OverOutputs, isJointLoss, lossByName } from '../losses/index.ts';
import { type Metric, type MetricName, resolveMetric } from '../metrics/index.ts';
import { type Optimizer, type OptimizerName, optimizerByName } from '../optim/index.ts';
import type { Tensors } from '../nn/index.ts';
import type { TrainStep } from './trainStep.ts';

/**
 * A loss of your own: a scalar, or one value per sample, whose mean is then taken. Targets of the predictions' shape, up to a last axis of 1,
 * arrive as floats of that shape: [n] as [n,1]. Others, such as class indices, arrive as they are. An epoch's value weighs a scalar by its
 * batch size. Values per sample are multiplied by sampleWeight if the function does not use it.
 */
export type LossFunction = (targets: Tensor, predictions: Tensor, sampleWeight?: Tensor) => Tensor;

/** The loss of one output. */
export type OutputLoss = Loss | LossFunction;
export type LossChoice = LossName | Loss | LossFunction;
export type MetricChoice = MetricName | Metric;

/** A value for each output: a list in the order of the outputs, or a record by their names. Outputs without a value are null or absent. */
export type PerOutput<T> = readonly (T | null | undefined)[] | Readonly<Record<string, T | null | undefined>>;

/** Metrics of one output, or of each output. */
export type MetricChoices = readonly MetricChoice[] | PerOutput<MetricChoice | readonly MetricChoice[]>;

export type DtypePolicy = 'float32' | 'mixedFloat16';

export type DeviceChoice = DeviceName;

export const deviceKind = /* @__PURE__ */ oneOf<DeviceChoice>(...deviceNames);

export const compileOptions = declareOptions('compile', {
  /** Name of an optimizer, or one made by `optimizers.NAME(options)`. @default 'rmsprop', unless there are several */
  optimizer: optional(checkedLater<OptimizerName | Optimizer>('the name of an optimizer, or an optimizer')),
  /** Several optimizers by name, for a trainStep that updates with each of them: `{ generator: 'adam', discriminator: 'adam' }`. */
  optimizers: optional(checkedLater<Readonly<Record<string, OptimizerName | Optimizer>>>('a record of optimizers by name')),
  /** The training step, if it is not forward, loss, gradients, update. A pure function of the batch and the tools it is given. */
  trainStep: optional(checkedLater<TrainStep>('a function such as (step) => ({ loss })')),
  /**
   * Loss of every output, or of each output: `'mse'`, `losses.huber()`, a function, `{ digit: 'mse', parity: null }`, a list in the order of the
   * outputs, or one loss over all outputs made by `jointLoss(fn)`. An output without a loss is only predicted. Required without a trainStep.
   */
  loss: optional(
    checkedLater<LossChoice | OverOutputs | PerOutput<LossChoice>>('the name of a loss, a function, or a list or record of these'),
  ),
  /** Factors of the outputs' losses in the sum that is trained on. @default 1 for each output */
  lossWeights: optional(checkedLater<PerOutput<number>>('a list or record of numbers')),
  /** Metrics of a single output as a list. Metrics of several outputs as a record by name, or a list with one entry per output. */
  metrics: optional(checkedLater<MetricChoices>('a list of names or metrics, or a list or record of these')),
  /** Metrics as above that also take sampleWeight and classWeight into account. */
  weightedMetrics: optional(checkedLater<MetricChoices>('a list of names or metrics, or a list or record of these')),
  /**
   * Number of steps that are submitted without a pause. Callbacks of batches and progress run after each group of so many batches, and
   * `stopTraining` takes effect there. Each step is still one run of the same program.
   * @default 1
   */
  stepsPerExecution: optional(positiveInteger, 1),
  /**
   * 'mixedFloat16' computes the training step in f16, with parameters and optimizer state in f32 and a dynamic loss scale. A device without
   * f16 computes in f32, with a warning. Evaluation and prediction compute in f32. (Micikevicius et al., Mixed Precision Training, 2018.)
   * @default 'float32'
   */
  dtypePolicy: optional(oneOf<DtypePolicy>('float32', 'mixedFloat16'), 'float32'),
  /** Device of this model. @default the device of setDevice() */
  device: optional(deviceKind),
  /** Fixes initial weights that are not drawn yet, shuffles and dropout. */
  seed: optional(seedKind),
});
export type CompileOptions = OptionsOf<typeof compileOptions>;

/** Options for a training step over inputs of the form X and targets of the form Y. */
export type StepCompileOptions<X, Y> = Omit<CompileOptions, 'trainStep'> & {
  /** Replaces the step of a batch. */
  readonly trainStep?: TrainStep<X, Y> | undefined;
};

/** A value for every output, or values per output. */
export type Assigned<T> =
  | { readonly every: T | undefined }
  | { readonly list: readonly (T | undefined)[] }
  | { readonly byName: ReadonlyMap<string, T | undefined> };

export interface TrainingSetup {
  /** Options of compile() as they were given. */
  readonly given: CompileOptions;
  /** Optimizers by name. A single one is called `optimizer`. */
  readonly optimizers: Readonly<Record<string, Optimizer>>;
  readonly trainStep: TrainStep<Tensors, Tensors> | undefined;
  /** Step of an adversarial fit, in place of the standard step; the setup of compile() has none. */
  readonly fitStep?: TrainStep<Tensors, Tensors>;
  readonly dtypePolicy: DtypePolicy;
  readonly loss: Assigned<OutputLoss> | JointLoss;
  readonly lossWeights: Assigned<number>;
  /** A flat list is not assigned yet: it means something else for one output than for several. */
  readonly metrics: Assigned<readonly Metric[]>;
  readonly weightedMetrics: Assigned<readonly Metric[]>;
  readonly stepsPerExecution: number;
  readonly device: DeviceChoice | undefined;
  readonly seed: number | undefined;
}

/** @throws ArgumentError for unknown options, names and devices. */
export function resolveCompileOptions(options: CompileOptions): TrainingSetup {
  const { optimizer, optimizers: several, trainStep, loss, lossWeights, metrics, weightedMetrics, ...rest } = compileOptions.read(options);
  return {
    given: { ...options },
    optimizers: resolveOptimizers(optimizer, several, trainStep),
    trainStep: trainStep as unknown as TrainingSetup['trainStep'],
    loss: loss === undefined && trainStep ? { every: undefined } : resolveLosses(loss),
    lossWeights: assign(lossWeights, resolveLossWeight),
    metrics: resolveMetrics('metrics', metrics),
    weightedMetrics: resolveMetrics('weightedMetrics', weightedMetrics),
    ...rest,
  };
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

/** Resolves each value of a list or record. `at` names the value in messages. */
function assign<T>(given: unknown, resolve: (value: unknown, at: string) => T): Assigned<T> {
  const orNone = (value: unknown, at: string): T | undefined => ((value ?? undefined) === undefined ? undefined : resolve(value, at));
  if (Array.isArray(given)) return { list: given.map((value: unknown, i) => orNone(value, `[${i}]`)) };
  if (isRecord(given)) return { byName: new Map(Object.entries(given).map(([name, value]) => [name, orNone(value, `.${name}`)])) };
  return { every: orNone(given, '') };
}

function resolveLosses(loss: unknown): Assigned<OutputLoss> | JointLoss {
  const made = typeof loss === 'string' ? lossByName(loss) : loss;
  if (isJointLoss(made)) return made;
  const isEmpty = typeof loss === 'object' && loss !== null && Object.keys(loss).length === 0;
  if (loss === undefined || loss === null || isEmpty) throw refuseLoss('', loss);
  return assign(loss, resolveLoss);
}

function resolveLoss(loss: unknown, at: string): OutputLoss {
  const uncalled = namedEntries('losses').find(([, factory]) => factory === loss);
  if (uncalled) {
    throw new ArgumentError(`compile: losses.${uncalled[0]} makes a loss and was not called; write losses.${uncalled[0]}()`);
  }
  const made = typeof loss === 'string' ? lossByName(loss) : loss;
  if (isJointLoss(made))
    throw new ArgumentError(`compile: loss${at} is a joint loss, which is over all outputs; it must be the only loss: loss: jointLoss(fn)`);
  if (typeof made === 'function') return made as OutputLoss;
  throw refuseLoss(at, loss);
}

const refuseLoss = (at: string, loss: unknown): ArgumentError =>
  new ArgumentError(
    `compile: loss${at} is ${loss === undefined ? 'missing' : typeof loss}; give a name such as 'meanSquaredError', losses.NAME(options) or a function`,
  );

function resolveLossWeight(weight: unknown, at: string): number {
  if (at && typeof weight === 'number' && Number.isFinite(Math.fround(weight))) return weight;
  throw new ArgumentError(
    `compile: lossWeights${at} is ${shown(weight)}; ${at ? 'it must be a number within f32' : 'it must be a record by output, such as { digit: 1, parity: 0.5 }, or a list'}`,
  );
}

function resolveMetrics(option: string, given: unknown): Assigned<readonly Metric[]> {
  const isPlain = given === undefined || Array.isArray(given) || (isRecord(given) && typeof given.update !== 'function');
  if (!isPlain) throw new ArgumentError(`compile: ${option} must be a list, such as ['accuracy'], or a record of lists by output`);
  return assign(given ?? [], (entry) => (Array.isArray(entry) ? entry : [entry]).map((metric) => resolveMetric(metric as string | Metric)));
}

function resolveOptimizers(
  optimizer: OptimizerName | Optimizer | undefined,
  several: CompileOptions['optimizers'],
  trainStep: unknown,
): TrainingSetup['optimizers'] {
  if (trainStep !== undefined && typeof trainStep !== 'function') {
    throw new ArgumentError(`compile: trainStep is ${shown(trainStep)}; it must be a function such as (step) => ({ loss })`);
  }
  if (several === undefined) return { optimizer: resolveOptimizer(optimizer ?? 'rmsprop') };
  if (optimizer !== undefined) throw new ArgumentError('compile: give optimizer or optimizers, not both');
  if (!trainStep) {
    throw new ArgumentError('compile: optimizers need a trainStep that updates with each of them; give one optimizer, or a trainStep');
  }
  if (!isRecord(several) || Object.keys(several).length === 0) {
    throw new ArgumentError(
      `compile: optimizers is ${shown(several)}; it must be a record by name, such as { generator: 'adam', discriminator: 'adam' }`,
    );
  }
  return Object.fromEntries(Object.entries(several).map(([name, one]) => [name, resolveOptimizer(one)]));
}

function resolveOptimizer(optimizer: OptimizerName | Optimizer): Optimizer {
  if (typeof optimizer === 'string') return optimizerByName(optimizer);
  if (typeof optimizer === 'object' && optimizer !== null && typeof optimizer.update === 'function') {
    if (typeof optimizer.init === 'function') return optimizer;
    throw new ArgumentError(`compile: the optimizer '${optimizer.name}' has update(), but no init(); an optimizer has both`);
  }
  const uncalled = namedEntries('optimizers').find(([, factory]) => factory === optimizer);
  if (uncalled) {
    throw new ArgumentError(`compile: optimizers.${uncalled[0]} makes an optimizer and was not called; write optimizers.${uncalled[0]}()`);
  }
  throw new ArgumentError(`compile: optimizer is ${typeof optimizer}; give a name such as 'adam' or optimizers.NAME(options)`);
}

/** Throws unless a number of steps, batches or samples is a positive whole number, or undefined. */
export function checkSteps(where: string, option: string, steps: unknown): void {
  if (steps === undefined || (Number.isInteger(steps) && (steps as number) > 0)) return;
  throw new ArgumentError(`${where}: ${option} is ${asText(steps)}; it must be a whole number of 1 or more`);
}
