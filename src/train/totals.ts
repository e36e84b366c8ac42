// Sums of losses and metrics over batches. They stay on the device, so that a step reads nothing back.
import { building } from '../graph/reads.ts';
import { withScope } from '../graph/scope.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Count, type Total, addToTotal, countAll, countValue, noCount, noTotal, ratio, totalValue } from '../metrics/accumulate.ts';
import type { MetricState } from '../metrics/index.ts';
import type { NetworkResult } from '../nn/index.ts';
import { add, cast, mul } from '../ops/index.ts';
import { type BatchLoss, type OutputBatch, type Supervision, maskedWeight, outputBatch, samplesCounted, targetsOf } from './batchLoss.ts';
import type { NamedMetric, Objectives, OutputObjective } from './objectives.ts';

/** A sum of batch means, each times the number of its samples, and that number. */
interface MeanTotal {
  readonly total: Total;
  readonly count: Count;
}

/** Sums of losses and metrics over batches. */
export interface Totals {
  /**
   * The loss, if it is the only one logged. Otherwise the penalties of the layers, then the losses of the outputs. The logs of a custom
   * step are last.
   */
  readonly losses: readonly MeanTotal[];
  readonly metrics: readonly MetricState[];
}

const noMean = (): MeanTotal => ({ total: noTotal(), count: noCount() });
const metricsOf = ({ outputs }: Objectives): NamedMetric[] => outputs.flatMap(({ metrics }) => metrics);

export const freshTotals = (objectives: Objectives): Totals => ({
  losses: [noMean(), ...objectives.parts.map(noMean), ...objectives.logs.map(noMean)],
  metrics: metricsOf(objectives).map(({ metric }) => metric.init()),
});

export const addMean = ({ total, count }: MeanTotal, value: Tensor, samples: number | Tensor): MeanTotal => ({
  total: addToTotal(total, mul(cast(value, 'f32'), typeof samples === 'number' ? samples : cast(samples, 'f32'))),
  count: countAll(count, samples),
});

/** Adds a batch to the sums. A loss of your own, and a sum, count with the number of samples. */
export function addBatch(objectives: Objectives, totals: Totals, batchLoss: BatchLoss, result: NetworkResult, batch: Supervision): Totals {
  return withScope('metrics', () => {
    const { outputs, joint, parts } = objectives;
    const batches = new Map(outputs.map((output) => [output, outputBatch(output, result, batch)]));
    const size = batches.get(outputs[0])!.predictions.shape[0];
    const [first, ...others] = totals.losses;
    const losses = parts.length
      ? [
          batchLoss.penalty ? addMean(first, batchLoss.penalty, size) : first,
          ...parts.map((output, i) => addMean(others[i], batchLoss.parts[i], samplesCounted(output, batches.get(output)!))),
        ]
      : [addMean(first, batchLoss.loss, joint ? size : samplesCounted(outputs[0], batches.get(outputs[0])!))];
    return { losses, metrics: addMetrics(objectives, totals, result, batch) };
  });
}

/** The metrics with a batch added. */
export function addMetrics({ outputs }: Objectives, totals: Totals, result: NetworkResult, batch: Supervision): readonly MetricState[] {
  let next = 0;
  return outputs.flatMap((output) => {
    const own = output.metrics.length ? outputBatch(output, result, batch) : undefined;
    return output.metrics.map((named) => updateMetric(named, totals.metrics[next++], own!, output));
  });
}

function updateMetric(
  { metric, name, isWeighted }: NamedMetric,
  state: MetricState,
  batch: OutputBatch,
  output: OutputObjective,
): MetricState {
  const { predictions, mask } = batch;
  const sampleWeight = isWeighted ? batch.sampleWeight : undefined;
  const weight = mask ? maskedWeight(name, mask, sampleWeight) : sampleWeight;
  const targets = targetsOf(output, batch, `metric '${name}'`);
  return building(`metric '${metric.name}'`, () => metric.update(state, targets, predictions, ...(weight ? [weight] : [])));
}

const meanOf = ({ total, count }: MeanTotal): Tensor => ratio(totalValue(total), countValue(count));

/** Values of losses and metrics in the order of `objectives.names`. */
export function makeResults(objectives: Objectives): (totals: Totals) => Tensor[] {
  const { parts, logs } = objectives;
  return function results({ losses, metrics }) {
    return withScope('results', () => {
      const [first, ...others] = losses.map(meanOf);
      const means = others.slice(0, parts.length);
      const weighted = means.map((mean, i) => (parts[i].lossWeight === 1 ? mean : mul(mean, parts[i].lossWeight)));
      return [
        weighted.reduce((total, mean) => add(total, mean), first),
        ...means,
        ...others.slice(parts.length, parts.length + logs.length),
        ...metricsOf(objectives).map(({ metric }, i) => building(`metric '${metric.name}'`, () => metric.result(metrics[i]))),
      ];
    });
  };
}
