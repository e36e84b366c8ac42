// A confusion matrix as a grid of colours and numbers.
import { ArgumentError } from '../../core/errors.ts';
import { boolean, listOf, oneOf, text } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../../core/options.ts';
import { axisOf, draw, pictureOptions, shortNumber, themeOf, titleHeight } from './chart.ts';
import { coloursOf, paletteOf, textOn } from './colours.ts';

export const confusionMatrixPictureOptions = declareOptions('plots.confusionMatrix', {
  ...pictureOptions,
  /** Names of the classes. The default are their numbers. */
  labels: optional(listOf(text, 'names', 1)),
  /** Colours by the numbers ('none'), or by their share of the row ('true') or column ('pred'). @default 'true' */
  normalize: optional(oneOf('none', 'true', 'pred'), 'true'),
  /** Writes each number into its cell. The default is true for at most 20 classes. */
  showNumbers: optional(boolean),
});
export type ConfusionMatrixPictureOptions = OptionsOf<typeof confusionMatrixPictureOptions>;

const isMatrix = (value: unknown): value is readonly (readonly number[])[] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((row) => Array.isArray(row) && row.length === value.length && row.every((x) => typeof x === 'number' && Number.isFinite(x)));

/**
 * A confusion matrix: rows are true classes, columns predicted ones. The numbers are those of the matrix; colours are shares of rows.
 *
 *     const svg = plots.confusionMatrix(await confusionCounts(labels, model.predict(x), { numClasses: 10 }));
 *
 * @returns the text of an SVG file.
 * @throws ArgumentError for anything but a square list of lists, or another number of labels.
 */
export function confusionMatrix(matrix: readonly (readonly number[])[], options: ConfusionMatrixPictureOptions = {}): string {
  const where = 'plots.confusionMatrix';
  const settings = confusionMatrixPictureOptions.read(options);
  if (!isMatrix(matrix))
    throw new ArgumentError(`${where}: the matrix must be a square list of lists of finite numbers, such as [[5, 1], [0, 4]]`);
  const labels = settings.labels ?? matrix.map((_, i) => String(i));
  if (labels.length !== matrix.length) {
    throw new ArgumentError(`${where}: labels has ${labels.length} names, but the matrix has ${matrix.length} classes; give one for each`);
  }
  const sumOf = (row: number, column: number): number => {
    if (settings.normalize === 'true') return matrix[row].reduce((sum, value) => sum + value, 0);
    return settings.normalize === 'pred' ? matrix.reduce((sum, values) => sum + values[column], 0) : 1;
  };
  const shareOf = (row: number, column: number): number => matrix[row][column] / (sumOf(row, column) || 1);
  const cells = matrix.flatMap((values, row) => values.map((value, column) => ({ row, column, value, share: shareOf(row, column) })));
  const most = settings.normalize === 'none' ? Math.max(...cells.map(({ share }) => share), 1e-12) : 1;
  const least = Math.min(0, ...cells.map(({ share }) => share));
  const palette = paletteOf('viridis');
  const isNumbered = settings.showNumbers ?? matrix.length <= 20;
  const { text: textColour } = themeOf(settings);
  const longest = Math.max(...labels.map(({ length }) => length));
  const room = Math.min(120, 12 + 7 * longest);
  const area = { left: 34 + room, top: titleHeight(settings) + 16, right: 96, bottom: 58 };
  const [width, height] = [settings.width - area.left - area.right, settings.height - area.top - area.bottom];
  const isTurned = (width / labels.length) * 0.9 < 6.5 * longest;
  const category = (name: string, more: object): object =>
    axisOf(settings, name, { type: 'category', data: labels, splitLine: { show: false }, axisTick: { show: false }, ...more });
  const fontSize = Math.max(6, Math.min(13, Math.floor(Math.min((width / labels.length) * 0.32, (height / labels.length) * 0.5))));
  return draw(settings, {
    grid: { ...area, containLabel: false },
    xAxis: category('predicted class', {
      nameGap: 34,
      axisLabel: { interval: 0, rotate: isTurned && longest > 2 ? 40 : 0, hideOverlap: longest <= 2 },
    }),
    yAxis: category('true class', { inverse: true, nameGap: room, axisLabel: { interval: 0, hideOverlap: true } }),
    visualMap: {
      type: 'continuous',
      min: least,
      max: most,
      calculable: false,
      dimension: 2,
      right: 12,
      top: area.top,
      itemHeight: Math.max(40, height - 40),
      itemWidth: 12,
      inRange: { color: coloursOf('viridis') },
      text: [shortNumber(most), shortNumber(least)],
      textStyle: { color: textColour, fontSize: 11 },
    },
    series: [
      {
        type: 'heatmap',
        silent: true,
        data: cells.map(({ row, column, value, share }) => ({
          value: [column, row, share],
          label: { show: isNumbered, formatter: shortNumber(value), color: textOn(palette, (share - least) / (most - least)), fontSize },
        })),
      },
    ],
  });
}
