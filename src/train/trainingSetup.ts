// What model.compile() makes of its options: names looked up, everything checked, nothing run.
import { ArgumentError, asText, checkOptions } from '../core/errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Loss, type LossName, lossByName, losses } from '../losses/index.ts';
import { type Optimizer, type OptimizerName, optimizerByName, optimizers } from '../optim/index.ts';
import { type Metric, type MetricName, resolveMetric } from '../metrics/index.ts';

/**
 * A loss of one's own: a scalar, or one value per sample, whose mean is then taken. Targets of the predictions' shape, up to a last axis of 1,
 * arrive as floats of that shape: [n] as [n,1]. Others, such as class indices, arrive as they are. An epoch's value weighs a scalar by its
 * batch size. Values per sample are multiplied by sampleWeight where the function does not use it.
 */
export type LossFunction = (targets: Tensor, predictions: Tensor, sampleWeight?: Tensor) => Tensor;

export type DeviceChoice = 'auto' | 'webgpu' | 'cpu';

export interface CompileOptions {
  optimizer?: OptimizerName | Optimizer;
  loss: LossName | Loss | LossFunction;
  metrics?: readonly (MetricName | Metric)[];
  /** Where this model trains; the default device where absent. */
  device?: DeviceChoice;
  /** Fixes initial weights that are not drawn yet, shuffles and dropout. */
  seed?: number;
}

export interface TrainingSetup {
  /** Optimizers by name. A single one is called `optimizer`. */
  readonly optimizers: Readonly<Record<string, Optimizer>>;
  readonly loss: Loss | LossFunction;
  readonly metrics: readonly Metric[];
  readonly device: DeviceChoice | undefined;
  readonly seed: number | undefined;
}

const devices: readonly unknown[] = ['auto', 'webgpu', 'cpu', undefined];

/** @throws ArgumentError for unknown options, names, devices, and metrics that share a name. */
export function resolveCompileOptions(options: CompileOptions): TrainingSetup {
  checkOptions('compile', options, ['optimizer', 'loss', 'metrics', 'device', 'seed']);
  const { optimizer = 'rmsprop', loss, metrics = [], device, seed } = options;
  if (!Array.isArray(metrics)) throw new ArgumentError("compile: metrics must be a list, such as ['accuracy']");
  if (!devices.includes(device)) throw new ArgumentError(`compile: unknown device '${String(device)}'; it is auto, webgpu or cpu`);
  checkSeed('compile', seed);
  const resolved = (metrics as readonly (MetricName | Metric)[]).map(resolveMetric);
  const names = ['loss', ...resolved.map(({ name }) => name)];
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) {
    throw new ArgumentError(
      `compile: two values would be called '${twice}' in the logs; give one metric another name: metrics.NAME({ name })`,
    );
  }
  return { optimizers: { optimizer: resolveOptimizer(optimizer) }, loss: resolveLoss(loss), metrics: resolved, device, seed };
}

function resolveLoss(loss: LossName | Loss | LossFunction | undefined): Loss | LossFunction {
  const uncalled = Object.entries<unknown>(losses).find(([, factory]) => factory === loss);
  if (uncalled) throw new ArgumentError(`compile: losses.${uncalled[0]} makes a loss and was not called; write losses.${uncalled[0]}()`);
  if (typeof loss === 'function') return loss;
  if (typeof loss === 'string') return lossByName(loss);
  throw new ArgumentError(
    `compile: loss is ${loss === undefined ? 'missing' : typeof loss}; give a name such as 'meanSquaredError', losses.NAME(options) or a function`,
  );
}

function resolveOptimizer(optimizer: OptimizerName | Optimizer): Optimizer {
  if (typeof optimizer === 'string') return optimizerByName(optimizer);
  if (typeof optimizer === 'object' && optimizer !== null && typeof optimizer.update === 'function') return optimizer;
  const uncalled = Object.entries<unknown>(optimizers).find(([, factory]) => factory === optimizer);
  if (uncalled) {
    throw new ArgumentError(`compile: optimizers.${uncalled[0]} makes an optimizer and was not called; write optimizers.${uncalled[0]}()`);
  }
  throw new ArgumentError(`compile: optimizer is ${typeof optimizer}; give a name such as 'adam' or optimizers.NAME(options)`);
}

export function checkSeed(where: string, seed: unknown): void {
  if (seed === undefined || Number.isSafeInteger(seed)) return;
  throw new ArgumentError(`${where}: seed is ${asText(seed)}; it must be a whole number`);
}
