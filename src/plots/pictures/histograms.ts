// Distributions of weights, with a chart for each tensor.
import { ArgumentError } from '../../core/errors.ts';
import { type OptionsOf, declareOptions } from '../../core/options.ts';
import type { WeightHistogram } from '../weightHistograms.ts';
import { type Chart, type Frame, axisOf, draw, panelOptions } from './chart.ts';
import { colourOf } from './colours.ts';
import { panelsOf, titlesOf } from './panels.ts';

export const histogramsOptions = declareOptions('plots.histograms', panelOptions);
export type HistogramsOptions = OptionsOf<typeof histogramsOptions>;

/** Outline of a histogram as steps, filled down to 0. */
const bars = (theme: Frame['theme'], { edges, counts }: WeightHistogram, panel: number): Chart => ({
  type: 'line',
  data: [[edges[0], 0], ...counts.flatMap((count, i) => [[edges[i], count], [edges[i + 1], count]]), [edges[edges.length - 1], 0]], // prettier-ignore
  xAxisIndex: panel,
  yAxisIndex: panel,
  silent: true,
  showSymbol: false,
  lineStyle: { width: 1 },
  areaStyle: { opacity: 0.45 },
  itemStyle: { color: colourOf(0, theme) },
});

/**
 * Histograms of the weights of a model.
 *
 *     const svg = plots.histograms(await weightHistograms(model));
 *
 * @returns the text of an SVG file.
 * @throws ArgumentError for an empty list.
 */
export function histograms(list: readonly WeightHistogram[], options: HistogramsOptions = {}): string {
  const settings = histogramsOptions.read(options);
  if (!Array.isArray(list) || list.length === 0) {
    throw new ArgumentError('plots.histograms: takes the list of weightHistograms(model), with one histogram or more');
  }
  const shown = list as readonly WeightHistogram[];
  const panels = panelsOf(settings, shown.length, { least: 200, panelHeight: 170 });
  const { frame, places } = panels;
  return draw(frame, {
    title: titlesOf(panels, shown.map(({ path }) => path)), // prettier-ignore
    grid: places.map((place) => ({ ...place, containLabel: false })),
    xAxis: shown.map(
      ({ edges }, i) =>
      axisOf(frame, 'value', { gridIndex: i, min: edges[0], max: edges[edges.length - 1], splitNumber: 3, nameGap: 24, splitLine: { show: false }, axisLabel: { showMinLabel: false, showMaxLabel: false } }), // prettier-ignore
    ),
    yAxis: shown.map((_, i) => axisOf(frame, i % panels.columns === 0 ? 'count' : '', { gridIndex: i, nameGap: 40, minInterval: 1, splitNumber: 3 })), // prettier-ignore
    series: shown.map((histogram, i) => bars(frame.theme, histogram, i)),
  });
}
