// The functions that are compiled once and replayed for every batch. Pure: trees of tensors in, trees out; loss and metrics are sums that
// stay on the device, so that no step has anything to read back.
import { valueAndGrad } from '../autodiff/index.ts';
import { ArgumentError } from '../core/errors.ts';
import { leavesOf } from '../core/tree.ts';
import { topological } from '../graph/graph.ts';
import { building, withoutReads } from '../graph/reads.ts';
import { withScope } from '../graph/scope.ts';
import { Tensor } from '../graph/tensor.ts';
import { currentTrace, withTrace } from '../graph/trace.ts';
import { alignTargets, fitWeight, meanOfCounted } from '../losses/index.ts';
import { inWords } from '../ops/operands/arguments.ts';
import type { LayerTrees, Network, NetworkVariables, Tensors } from '../nn/index.ts';
import { cast, mean, mul, sum } from '../ops/index.ts';
import { isZero } from '../ops/operands/knownValue.ts';
import { productOrZero } from '../ops/elementwise/zeroFlow.ts';
import type { OptimizerStates } from './optimizerState.ts';
import type { TrainingSetup } from './trainingSetup.ts';
import { type Count, type Total, addToTotal, countAll, countValue, noCount, noTotal, ratio, totalValue } from '../metrics/accumulate.ts';
import type { MetricState } from '../metrics/index.ts';

/** Sums of the loss and the metrics over the batches seen. */
export interface Totals {
  readonly loss: { readonly total: Total; readonly count: Count };
  readonly metrics: readonly MetricState[];
}

/** Everything a training step takes over and gives back. Frozen parameters come back as they were. */
export interface TrainState {
  readonly trainable: LayerTrees;
  readonly frozen: LayerTrees;
  readonly state: LayerTrees;
  readonly optimizerStates: OptimizerStates;
  readonly totals: Totals;
}

export interface StepBatch {
  /** u32[2], another one for each step: what dropout draws from. */
  readonly key: Tensor;
  readonly x: Tensor;
  readonly y: Tensor;
  readonly sampleWeight?: Tensor;
}

export const freshTotals = ({ metrics }: TrainingSetup): Totals => ({
  loss: { total: noTotal(), count: noCount() },
  metrics: metrics.map((metric) => metric.init()),
});

/** Runs fn as the step of the key: its random ops draw from that key and not from the device's own sequence. */
function withKey<T>(key: Tensor, fn: () => T): T {
  let site = 0;
  return withTrace({ name: currentTrace()?.name ?? 'step', key: () => key, nextSite: () => site++ }, fn);
}

/** A loss, as a message speaks of it. */
const nameOf = ({ name }: { readonly name: string }): string => (name && name !== 'loss' ? `loss '${name}'` : 'the loss');

/**
 * Refuses a loss that no weight has a part in: the training would run, and change nothing. What reaches no weight is the constant 0.
 * @throws ArgumentError naming the weights.
 */
function requireConnected(loss: TrainingSetup['loss'], gradients: LayerTrees): void {
  const found = leavesOf(gradients).filter(({ value }) => value instanceof Tensor);
  if (found.some(({ value }) => !isZero(value as Tensor))) return;
  const names = found.map(({ path }) => path.replace(/^\./, '').replaceAll('.', '/'));
  throw new ArgumentError(
    `${nameOf(loss)} has no path to the weights (${names.join(', ')}): its gradient is 0 whatever they are; compute it from the predictions, by ops ` +
      'that have a gradient (argMax, round, comparisons, casts to integers and stopGradient have none)',
  );
}

/**
 * The loss of a batch as a scalar. A function that gives one value per sample is averaged here, over the samples that count.
 * @throws ArgumentError for a function that returns no tensor, or no weighted loss where weights are given.
 */
function batchLoss({ loss }: TrainingSetup, { y, sampleWeight }: StepBatch, predictions: Tensor): Tensor {
  return withScope('loss', () => {
    const targets = alignTargets(y, predictions);
    const value: unknown = withoutReads(nameOf(loss), () =>
      sampleWeight ? loss(targets, predictions, sampleWeight) : loss(targets, predictions),
    );
    if (!(value instanceof Tensor)) {
      throw new ArgumentError(
        `${nameOf(loss)} returned ${inWords(value)}; a loss takes (targets, predictions) and returns a tensor: a scalar or one value per sample`,
      );
    }
    const weighted = sampleWeight ? weighOwnLoss(loss, value, sampleWeight) : value;
    if (weighted.rank === 0) return weighted;
    const counted = 'countSamples' in loss && loss.countSamples?.(targets, predictions);
    return counted ? meanOfCounted(sum(weighted), counted) : mean(weighted);
  });
}

/** Applies the weights where the loss's function has not: a function may leave its third argument unused. */
function weighOwnLoss(loss: TrainingSetup['loss'], value: Tensor, sampleWeight: Tensor): Tensor {
  if ('targetKind' in loss || topological([value]).some(({ inputs }) => inputs.includes(sampleWeight))) return value;
  if (value.rank > 0) return productOrZero(fitWeight(nameOf(loss), sampleWeight, value.shape), value);
  throw new ArgumentError(
    `${nameOf(loss)} returned a scalar without use of the weights; return one value per sample, or apply the third argument, sampleWeight`,
  );
}

/** The samples of a batch that its loss is the mean of: the weight of the batch in the epoch's mean. */
function samplesCounted({ loss }: TrainingSetup, targets: Tensor, predictions: Tensor): number | Tensor {
  const counted = 'countSamples' in loss && loss.reduction !== 'sum' && loss.countSamples?.(targets, predictions);
  return counted || predictions.shape[0];
}

/** Adds a batch to the sums. Losses of one's own and sums are weighted by the number of samples. */
function addBatch(setup: TrainingSetup, totals: Totals, loss: Tensor, y: Tensor, predictions: Tensor): Totals {
  return withScope('metrics', () => {
    const targets = alignTargets(y, predictions);
    const count = samplesCounted(setup, targets, predictions);
    const { total } = totals.loss;
    return {
      loss: {
        total: addToTotal(total, mul(cast(loss, 'f32'), typeof count === 'number' ? count : cast(count, 'f32'))),
        count: countAll(totals.loss.count, count),
      },
      metrics: setup.metrics.map((metric, i) =>
        building(`metric '${metric.name}'`, () => metric.update(totals.metrics[i], targets, predictions)),
      ),
    };
  });
}

/** Forward, loss, gradients of the trainable parameters, update, metrics. */
export function makeTrainStep(network: Network, setup: TrainingSetup): (carried: TrainState, batch: StepBatch) => TrainState {
  const { optimizer } = setup.optimizers;
  return function trainStep({ trainable, frozen, state, optimizerStates, totals }, batch) {
    return withKey(batch.key, () => {
      const forward = (parameters: LayerTrees): [Tensor, { outputs: Tensors; state: LayerTrees }] => {
        const result = network.apply({ parameters: { ...parameters, ...frozen }, state }, batch.x, { training: true });
        return [batchLoss(setup, batch, single(result.outputs)), result];
      };
      const hasParameters = leavesOf(trainable).length > 0;
      const [[loss, result], gradients] = hasParameters ? valueAndGrad(forward, { hasAux: true })(trainable) : [forward(trainable), {}];
      if (hasParameters) requireConnected(setup.loss, gradients);
      const updated = hasParameters
        ? optimizer.update(gradients, optimizerStates.optimizer, trainable)
        : { parameters: trainable, state: optimizerStates.optimizer };
      return {
        trainable: network.constrain(updated.parameters),
        frozen,
        state: result.state,
        optimizerStates: { optimizer: updated.state },
        totals: addBatch(setup, totals, loss, batch.y, single(result.outputs)),
      };
    });
  };
}

/** The output of a network with one output. */
const single = (outputs: Tensors): Tensor => outputs as Tensor;

export type Weights = NetworkVariables;

/** Forward, loss and metrics, without an update. */
export function makeTestStep(network: Network, setup: TrainingSetup): (totals: Totals, weights: Weights, batch: StepBatch) => Totals {
  return function testStep(totals, weights, batch) {
    return withKey(batch.key, () => {
      const y = single(network.apply(weights, batch.x, { training: false }).outputs);
      return addBatch(setup, totals, batchLoss(setup, batch, y), batch.y, y);
    });
  };
}

export function makePredictStep(network: Network): (weights: Weights, x: Tensor) => Tensor {
  return function predictStep(weights, x) {
    return single(network.apply(weights, x, { training: false }).outputs);
  };
}

/** Values of the loss and the metrics, by name and in the order of the names. */
export function makeResults({ metrics }: TrainingSetup): (totals: Totals) => Tensor[] {
  return function results({ loss, metrics: states }) {
    return withScope('results', () => [
      ratio(totalValue(loss.total), countValue(loss.count)),
      ...metrics.map((metric, i) => building(`metric '${metric.name}'`, () => metric.result(states[i]))),
    ]);
  };
}

export const resultNames = ({ metrics }: TrainingSetup): string[] => ['loss', ...metrics.map(({ name }) => name)];
