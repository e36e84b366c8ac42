// Curves of a training over its epochs.
import { ArgumentError } from '../../core/errors.ts';
import { boolean, listOf, text } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../../core/options.ts';
import { type HistoryInput, type TrainingCurve, trainingCurves } from '../trainingCurves.ts';
import { type Chart, axisOf, draw, legendOf, logarithmicAxis, panelOptions } from './chart.ts';
import { colourOf } from './colours.ts';
import { panelsOf, titlesOf } from './panels.ts';

export const curvesOptions = declareOptions('plots.curves', {
  ...panelOptions,
  /** Names of the values that are shown, without `val_`. The default is all. */
  names: optional(listOf(text, 'names', 1)),
  /** Logarithmic axes of the values, if all of them are above 0. @default false */
  logarithmic: optional(boolean, false),
});
export type CurvesOptions = OptionsOf<typeof curvesOptions>;

const line = (name: string, points: readonly (readonly [number, number])[], panel: number, colour: string, type: string): Chart => ({
  type: 'line',
  name,
  data: points.map(([x, y]) => [x, Number.isFinite(y) ? y : null]),
  xAxisIndex: panel,
  yAxisIndex: panel,
  silent: true,
  showSymbol: points.length < 2,
  symbolSize: 6,
  lineStyle: { width: 2, type },
  itemStyle: { color: colour },
});

/**
 * Training and validation by epoch, with a chart for each value of the logs.
 *
 *     const svg = plots.curves(await model.fit(x, y, { epochs: 10, validationSplit: 0.1 }));
 *
 * @returns the text of an SVG file.
 * @throws ArgumentError for a history without lists of numbers, or a name that it does not have.
 */
export function curves(history: HistoryInput, options: CurvesOptions = {}): string {
  const settings = curvesOptions.read(options);
  const all = trainingCurves(history);
  const missing = settings.names?.find((name) => !all.some((curve) => curve.name === name));
  if (missing !== undefined) {
    throw new ArgumentError(`plots.curves: names has '${missing}', but the history has ${all.map(({ name }) => name).join(', ')}`);
  }
  const shown = settings.names ? settings.names.map((name) => all.find((curve) => curve.name === name)!) : all;
  const hasBoth = shown.some(({ training }) => training) && shown.some(({ validation }) => validation);
  const panels = panelsOf(settings, shown.length, { top: hasBoth ? 26 : 0, panelHeight: 260 });
  const { frame, places } = panels;
  const isLogarithmic = ({ training = [], validation = [] }: TrainingCurve): boolean =>
    settings.logarithmic &&
    [...training, ...validation].some(Number.isFinite) &&
    [...training, ...validation].every((value) => value > 0 || Number.isNaN(value));
  const logarithmic = ({ training = [], validation = [] }: TrainingCurve): Chart =>
    logarithmicAxis([...training, ...validation].filter(Number.isFinite));
  const points = ({ epochs }: TrainingCurve, values: readonly number[]): [number, number][] => values.map((value, i) => [epochs[i], value]);
  const whole = { minInterval: 1, axisLabel: { formatter: (value: number) => (Number.isInteger(value) ? String(value) : '') } };
  return draw(frame, {
    title: titlesOf(panels, shown.map(({ name }) => name)), // prettier-ignore
    grid: places.map((place) => ({ ...place, containLabel: false })),
    legend: { ...legendOf(frame, ['training', 'validation']), show: hasBoth },
    xAxis: shown.map(
      ({ epochs }, i) =>
      axisOf(frame, 'epoch', { gridIndex: i, min: epochs[0], max: Math.max(epochs[0] + 1, epochs[epochs.length - 1]), ...whole, splitLine: { show: false } }), // prettier-ignore
    ),
    yAxis: shown.map((curve, i) => axisOf(frame, '', { gridIndex: i, ...(isLogarithmic(curve) ? logarithmic(curve) : { scale: true, splitNumber: 4 }) })), // prettier-ignore
    series: shown.flatMap((curve, i) => [
      ...(curve.training ? [line('training', points(curve, curve.training), i, colourOf(0, frame.theme), 'solid')] : []),
      ...(curve.validation ? [line('validation', points(curve, curve.validation), i, colourOf(1, frame.theme), 'dashed')] : []),
    ]),
  });
}
