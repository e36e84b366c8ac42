// Points of PCA or t-SNE, coloured by class.
import { ArgumentError } from '../../core/errors.ts';
import { kindOf, listOf, number, oneOf } from '../../core/optionKinds.ts';
import { either, text } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../../core/options.ts';
import { axisOf, draw, legendOf, pictureOptions, titleHeight } from './chart.ts';
import { colourOf, symbolOf } from './colours.ts';

const isPair = (value: unknown): value is readonly [number, number] =>
  Array.isArray(value) && value.length === 2 && value.every((axis) => Number.isInteger(axis) && (axis as number) >= 0);

export const embeddingOptions = declareOptions('plots.embedding', {
  ...pictureOptions,
  /** Class of each point, as a text or a number. */
  labels: optional(listOf(either(text, number()), 'texts or numbers')),
  /** The two coordinates that are shown. @default [0,1] */
  axes: optional(kindOf<readonly [number, number]>({ rule: 'two integers of at least 0', accepts: isPair }), [0, 1]),
  /** Names of the axes: components of PCA, or none. @default 'none' */
  axisNames: optional(oneOf('none', 'components'), 'none'),
});
export type EmbeddingOptions = OptionsOf<typeof embeddingOptions>;

/**
 * Points in two dimensions, with a colour and a shape for each class.
 *
 *     const { points } = await tsne(features);
 *     const svg = plots.embedding(points, { labels });
 *
 * @returns the text of an SVG file.
 * @throws ArgumentError for points without the coordinates, or another number of labels.
 */
export function embedding(points: readonly (readonly number[])[], options: EmbeddingOptions = {}): string {
  const where = 'plots.embedding';
  const { labels, axes: [first, second], axisNames, ...frame } = embeddingOptions.read(options); // prettier-ignore
  const isPoint = (point: unknown): boolean => Array.isArray(point) && [first, second].every((axis) => typeof point[axis] === 'number');
  if (!Array.isArray(points) || points.length === 0 || !points.every(isPoint)) {
    throw new ArgumentError(`${where}: points must be lists with the coordinates ${first} and ${second}, such as [[0.5, 1], [2, 3]]`);
  }
  if (labels && labels.length !== points.length) {
    throw new ArgumentError(`${where}: labels has ${labels.length} entries, but there are ${points.length} points; give one for each`);
  }
  const order = (a: string | number, b: string | number): number =>
    typeof a === 'number' && typeof b === 'number' ? a - b : String(a) < String(b) ? -1 : 1;
  const classes: (string | number | undefined)[] = labels ? [...new Set(labels)].sort(order) : [undefined];
  const radius = Math.max(3, Math.min(8, 140 / Math.sqrt(points.length)));
  const names = labels ? classes.map(String) : [];
  const axis = (number: number): string => (axisNames === 'components' ? `component ${number + 1}` : '');
  const hidden =
    axisNames === 'none'
      ? { axisLabel: { show: false }, axisTick: { show: false }, axisLine: { show: false }, splitLine: { show: false } }
      : {};
  return draw(frame, {
    grid: {
      left: axisNames === 'none' ? 20 : 62,
      top: titleHeight(frame) + 16,
      right: labels ? 110 : 20,
      bottom: axisNames === 'none' ? 20 : 56,
    },
    legend: {
      ...legendOf(frame, names),
      show: names.length > 0,
      type: 'plain',
      orient: 'vertical',
      itemGap: 8,
      left: frame.width - 100,
      top: titleHeight(frame) + 16,
    },
    xAxis: axisOf(frame, axis(first), { scale: true, ...hidden }),
    yAxis: axisOf(frame, axis(second), { scale: true, nameGap: 42, ...hidden }),
    series: classes.map((name, i) => ({
      type: 'scatter',
      ...(name !== undefined && { name: String(name) }),
      silent: true,
      symbol: symbolOf(i),
      symbolSize: radius,
      itemStyle: { color: colourOf(i, frame.theme), opacity: 0.8 },
      data: points.filter((_, k) => !labels || labels[k] === name).map((point: readonly number[]) => [point[first], point[second]]),
    })),
  });
}
