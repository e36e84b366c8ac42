// What a metric is: sums and counts carried from batch to batch, so that its result is exact over an epoch and never an average of batch
// values. Pure graph functions: inside a compiled step the state stays on the device.
import { ArgumentError, checkOptions } from '../core/errors.ts';
import type { Tensor } from '../graph/tensor.ts';

/** A tree of scalars. */
export type MetricState = { readonly [name: string]: Tensor | MetricState };

export interface Metric<S extends MetricState = MetricState> {
  readonly name: string;
  init(): S;
  /** Targets arrive as a loss of one's own gets them: as floats in the predictions' shape where they fit it, else as they are. */
  update(state: S, targets: Tensor, predictions: Tensor, sampleWeight?: Tensor): S;
  /** A float scalar. */
  result(state: S): Tensor;
}

export interface MetricOptions {
  /** The key in logs and history; the metric's own name unless said otherwise. */
  name?: string;
}

/** Checks options and gives the metric's name back. */
export function checkMetricOptions(metric: string, options: MetricOptions, own: readonly string[] = []): string {
  checkOptions(`metrics.${metric}`, options, ['name', ...own]);
  const { name = metric } = options;
  if (typeof name !== 'string' || name === '') throw new ArgumentError(`metrics.${metric}: name is ${String(name)}; it must be a word`);
  return name;
}
