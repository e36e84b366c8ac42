// The contract of metrics: sums and counts carried from batch to batch, so that the result is exact over an epoch and never an average of batch
// values. Metrics are pure graph functions: inside a compiled step the state stays on the device.
import type { Config, Configured } from '../core/config.ts';
import { text } from '../core/optionKinds.ts';
import { type Declaration, type OptionTable, type OptionsOf, type SettingsOf, nameOf, optional, withConfig } from '../core/options.ts';
import type { Tensor } from '../graph/tensor.ts';

/** A tree of tensors whose shapes do not depend on the batches. */
export type MetricState = { readonly [name: string]: Tensor | MetricState };

/** Whether larger ('max') or smaller ('min') values are better. */
export type Direction = 'max' | 'min';

/** A value that is computed from batches: its state, and the result of a state. */
export interface Streamed<S extends MetricState, R> {
  readonly name: string;
  readonly config?: Config;
  /** Which values are better. Callbacks with mode 'auto' use it. Undefined if it is unknown, as for the mean of any values. */
  readonly direction?: Direction;
  init(): S;
  /** Targets are passed as to a user's loss: as floats in the predictions' shape if they fit it, otherwise unchanged. */
  update(state: S, targets: Tensor, predictions: Tensor, sampleWeight?: Tensor): S;
  result(state: S): R;
}

export interface Metric<S extends MetricState = MetricState> extends Streamed<S, Tensor> {
  readonly isReport?: undefined;
  /** A float scalar. */
  result(state: S): Tensor;
}

/** A metric with several numbers as result, such as a matrix or a curve. Logs hold single numbers, so compile() does not take it. */
export interface Report<R, S extends MetricState = MetricState> extends Streamed<S, R> {
  readonly isReport: true;
}

/** Fields of every metric's declaration. */
export const metricOptions = {
  /** The key in logs and history. @default the metric's own name */
  name: /* @__PURE__ */ optional(text),
};

/** Options that every metric takes. */
export type MetricOptions = OptionsOf<Declaration<typeof metricOptions>>;

type MetricTable = OptionTable & typeof metricOptions;

/** A metric's parts except its name. Every metric states its direction. */
export type MetricParts<M> = Omit<M, 'name' | 'direction'> & { readonly direction: Direction | undefined };

/** Makes a metric. `define` gets its name and its settings. */
export function makeMetric<M extends Streamed<MetricState, unknown>, T extends MetricTable>(
  declaration: Declaration<T>,
  options: OptionsOf<Declaration<T>>,
  define: (name: string, settings: SettingsOf<Declaration<T>>) => MetricParts<M>,
): Configured<M> {
  const settings = declaration.read(options);
  const { name = nameOf(declaration) } = settings as SettingsOf<Declaration<typeof metricOptions>>;
  return withConfig({ name, ...define(name, settings) } as unknown as M, declaration, settings);
}
