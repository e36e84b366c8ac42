// Curves of loss and metrics that grow while fit runs, drawn by a chart library of the page.
import type { Configured } from '../core/config.ts';
import { ArgumentError } from '../core/errors.ts';
import { callable, either, listOf, objectWith, oneOf, positiveInteger, text } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required, withConfig } from '../core/options.ts';
import { shown } from '../core/shown.ts';
import type { Callback, Logs } from './callback.ts';

/** Value of a curve after some epochs. Within an epoch, x is a fraction. */
export interface ChartPoint {
  readonly x: number;
  readonly y: number;
}

/** One curve. */
export interface ChartCurve {
  label: string;
  data: ChartPoint[];
  /** Axis of the curve, in a chart that was made from a ChartConfig: 'y' for losses, 'metrics' for metrics. */
  yAxisID?: string;
  /** Curves of validation are dashed. */
  borderDash?: number[];
  pointRadius: number;
}

/** A chart that shows the curves in `data.datasets` when `update` is called. A `Chart` of Chart.js has this form. */
export interface CurveChart {
  readonly data: { datasets: unknown[] };
  update(mode?: 'none'): void;
}

/** Axis of a chart, in the form of Chart.js. */
export interface ChartAxis {
  readonly type: 'linear';
  readonly position: 'left' | 'right' | 'bottom';
  readonly title: { readonly display: true; readonly text: string };
  readonly grid?: { readonly drawOnChartArea: boolean };
}

/** Configuration of a line chart, in the form of Chart.js. */
export interface ChartConfig {
  readonly type: 'line';
  readonly data: { readonly datasets: ChartCurve[] };
  readonly options: { readonly animation: false; readonly parsing: false; readonly scales: Readonly<Record<string, ChartAxis>> };
}

/** Makes a chart from a configuration. */
export type ChartMaker = (config: ChartConfig) => CurveChart;

export const liveChartOptions = declareOptions('callbacks.liveChart', {
  /** Function that makes a Chart.js chart: `(config) => new Chart(canvas, config)`. Or a chart of type 'line' whose x axis is linear. */
  chart: required(
    either(objectWith<CurveChart>('a chart with data.datasets and update()', 'update'), callable<ChartMaker>()),
    (_config: ChartConfig): CurveChart => ({ data: { datasets: [] }, update: () => undefined }),
  ),
  /** Names of the values that are drawn, such as ['loss', 'val_loss']. All values of fit if absent. */
  values: optional(listOf(text, 'names of values', 1)),
  /** 'epoch' adds a point after each epoch. 'batch' also adds running values, if the number of batches is known. @default 'batch' */
  updateFrequency: optional(oneOf('epoch', 'batch'), 'batch'),
  /** Largest number of points of a curve. A longer curve loses every second one. @default 1000 */
  maxPoints: optional(positiveInteger, 1000),
});
export type LiveChartOptions = OptionsOf<typeof liveChartOptions>;

export interface LiveChart extends Callback {
  /** The chart, from the beginning of fit. */
  readonly chart: CurveChart | undefined;
}

const where = 'callbacks.liveChart';

/**
 * Draws loss and metrics while fit runs. The library of the page draws: pass a chart of Chart.js, or a function that makes one.
 *
 *     import { Chart } from 'chart.js/auto';
 *     callbacks.liveChart({ chart: (config) => new Chart(canvas, config) })
 *
 * @throws ArgumentError at the start of fit for a name that no value will have, and for a function that returns no chart.
 */
export function liveChart(options: LiveChartOptions): Configured<LiveChart> {
  const settings = liveChartOptions.read(options);
  const { chart: given, values, updateFrequency, maxPoints } = settings;
  let chart: CurveChart | undefined;
  let curves = new Map<string, ChartCurve>();
  let epoch = 0;
  let batches: number | undefined;
  /** Values that were drawn last: batches between two reads of the device repeat them. */
  let last: Logs = {};

  const add = (x: number, logs: Logs): void => {
    for (const [name, curve] of curves) {
      // A value that blew up leaves a gap. It would break the scale.
      if (Object.hasOwn(logs, name)) curve.data.push({ x, y: Number.isFinite(logs[name]) ? logs[name] : NaN });
      if (curve.data.length > maxPoints) curve.data.splice(0, curve.data.length, ...curve.data.filter((_, i) => i % 2 === 1));
    }
    chart!.update('none');
  };
  const callback: LiveChart = {
    get chart() {
      return chart;
    },
    onTrainBegin({ metrics, batches: known }) {
      const unknown = values?.find((name) => !metrics.includes(name));
      if (unknown !== undefined) throw new ArgumentError(`${where}: values has '${unknown}', which is none of ${metrics.join(', ')}`);
      batches = known;
      const isMade = typeof given === 'function';
      curves = new Map((values ?? metrics).map((name) => [name, curveOf(name, isMade)]));
      const drawn = [...curves.values()];
      // A second fit draws on the chart of the first: a canvas takes one chart.
      chart ??= isMade ? given(configOf(drawn)) : given;
      checkChart(chart);
      chart.data.datasets = drawn;
      chart.update('none');
    },
    onEpochBegin(number) {
      epoch = number;
      last = {};
    },
    onBatchEnd(batch, { size: _, ...logs }) {
      if (updateFrequency === 'epoch' || batches === undefined || sameValues(logs, last)) return;
      last = logs;
      // The end of the epoch has its exact values.
      if (batch + 1 < batches) add(epoch + (batch + 1) / batches, logs);
    },
    onEpochEnd: (number, logs) => add(number + 1, logs),
  };
  return withConfig(callback, liveChartOptions, settings);
}

function checkChart(chart: unknown): void {
  const { data, update } = (chart ?? {}) as Partial<CurveChart>;
  if (typeof update === 'function' && Array.isArray(data?.datasets)) return;
  throw new ArgumentError(
    `${where}: chart is ${shown(chart)}; it must be a chart with data.datasets and update(), such as new Chart(canvas, config) of Chart.js`,
  );
}

const isLoss = (name: string): boolean => /(^|_)loss$/.test(name);

const curveOf = (name: string, hasAxes: boolean): ChartCurve => ({
  label: name,
  data: [],
  ...(hasAxes && { yAxisID: isLoss(name) ? 'y' : 'metrics' }),
  ...(name.startsWith('val_') && { borderDash: [6, 3] }),
  pointRadius: name.startsWith('val_') ? 3 : 0,
});

/** A chart with an axis for losses at the left, and one for metrics at the right. */
function configOf(curves: ChartCurve[]): ChartConfig {
  const axis = (position: ChartAxis['position'], text: string): ChartAxis => ({ type: 'linear', position, title: { display: true, text } });
  const scales = {
    x: axis('bottom', 'epoch'),
    ...(curves.some(({ yAxisID }) => yAxisID === 'y') && { y: axis('left', 'loss') }),
    ...(curves.some(({ yAxisID }) => yAxisID === 'metrics') && { metrics: { ...axis('right', 'metrics'), grid: { drawOnChartArea: false } } }), // prettier-ignore
  };
  return { type: 'line', data: { datasets: curves }, options: { animation: false, parsing: false, scales } };
}

const sameValues = (one: Logs, other: Logs): boolean =>
  Object.keys(one).length === Object.keys(other).length && Object.entries(one).every(([name, value]) => Object.is(value, other[name]));
