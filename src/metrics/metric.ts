// The contract of metrics: sums and counts carried from batch to batch, so that the result is exact over an epoch and never an average of batch
// values. Metrics are pure graph functions: inside a compiled step the state stays on the device.
import type { Config, Configured } from '../core/config.ts';
import { text } from '../core/optionKinds.ts';
import { type Declaration, type OptionTable, type OptionsOf, type SettingsOf, nameOf, optional, withConfig } from '../core/options.ts';
import type { Tensor } from '../graph/tensor.ts';

/** A tree of scalars. */
export type MetricState = { readonly [name: string]: Tensor | MetricState };

export interface Metric<S extends MetricState = MetricState> {
  readonly name: string;
  readonly config?: Config;
  init(): S;
  /** Targets are passed as to a user's loss: as floats in the predictions' shape if they fit it, otherwise unchanged. */
  update(state: S, targets: Tensor, predictions: Tensor, sampleWeight?: Tensor): S;
  /** A float scalar. */
  result(state: S): Tensor;
}

/** Fields of every metric's declaration. */
export const metricOptions = {
  /** The key in logs and history. @default the metric's own name */
  name: /* @__PURE__ */ optional(text),
};

/** Options that every metric takes. */
export type MetricOptions = OptionsOf<Declaration<typeof metricOptions>>;

type MetricTable = OptionTable & typeof metricOptions;

/** Makes a metric. `define` gets its name and its settings. */
export function makeMetric<M extends Metric, T extends MetricTable>(
  declaration: Declaration<T>,
  options: OptionsOf<Declaration<T>>,
  define: (name: string, settings: SettingsOf<Declaration<T>>) => Omit<M, 'name'>,
): Configured<M> {
  const settings = declaration.read(options);
  const { name = nameOf(declaration) } = settings as SettingsOf<Declaration<typeof metricOptions>>;
  return withConfig({ name, ...define(name, settings) } as M, declaration, settings);
}
