// Curves of classifiers: ROC, precision and recall, and calibration.
import { ArgumentError } from '../../core/errors.ts';
import { type OptionsOf, declareOptions } from '../../core/options.ts';
import type { CalibrationPoints } from '../calibrationCurve.ts';
import type { PrecisionRecallPoints, RocPoints } from '../classificationCurves.ts';
import { type Chart, type Frame, axisOf, draw, legendOf, pictureOptions, themeOf, titleHeight } from './chart.ts';
import { colourOf, symbolOf } from './colours.ts';

export const rocOptions = declareOptions('plots.roc', pictureOptions);
export const precisionRecallOptions = declareOptions('plots.precisionRecall', pictureOptions);
export const calibrationOptions = declareOptions('plots.calibration', pictureOptions);
export type ClassificationPictureOptions = OptionsOf<typeof rocOptions>;

/** One curve, or several by their names in the legend. */
export type Curves<C> = C | Readonly<Record<string, C>>;

/** Named curves. @throws ArgumentError for anything else. */
function namedCurves<C extends object>(where: string, given: Curves<C>, field: string, single: string, maker: string): [string, C][] {
  const isCurve = (value: unknown): value is C => typeof value === 'object' && value !== null && field in value;
  if (isCurve(given)) return [[single, given]];
  const entries = typeof given === 'object' && given !== null ? Object.entries(given) : [];
  if (entries.length > 0 && entries.every(([, curve]) => isCurve(curve))) return entries;
  throw new ArgumentError(`${where}: takes the result of ${maker}(), or several by name, such as { 'class 1': curve }`);
}

interface Line {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
  readonly more?: Chart;
}

const toLine = (theme: Frame['theme'], { name, points, more }: Line, i: number): Chart => ({
  type: 'line',
  name,
  data: points,
  silent: true,
  showSymbol: false,
  lineStyle: { width: 2, type: ['solid', 'dashed', 'dotted'][Math.floor(i / 7) % 3] },
  itemStyle: { color: colourOf(i, theme) },
  ...more,
});

/** Rows of a legend at the right, in pixels. */
const legendRoom = 200;

/** Charts over the unit square. `guide` is a line to compare with. */
function unitSquare(frame: Frame, x: string, y: string, lines: readonly Line[], guide: readonly (readonly [number, number])[]): string {
  const { line } = themeOf(frame);
  const names = lines.map(({ name }) => name);
  const unit = { min: 0, max: 1, interval: 0.2 };
  const dashed = { silent: true, symbol: 'none', lineStyle: { color: line, type: 'dashed', width: 1 } };
  return draw(frame, {
    grid: { left: 62, top: titleHeight(frame) + 16, right: legendRoom + 16, bottom: 56, containLabel: false },
    legend: {
      ...legendOf(frame, names),
      show: true,
      orient: 'vertical',
      itemGap: 8,
      left: frame.width - legendRoom,
      top: titleHeight(frame) + 20,
      textStyle: { color: themeOf(frame).text, fontSize: 11, width: legendRoom - 44, overflow: 'break' },
    },
    xAxis: axisOf(frame, x, unit),
    yAxis: axisOf(frame, y, { ...unit, nameGap: 38 }),
    series: [...lines.map((line, i) => toLine(frame.theme, line, i)), { type: 'line', data: guide, showSymbol: false, ...dashed }],
  });
}

/**
 * ROC curves with their areas.
 *
 *     const svg = plots.roc({ 'class 0': await rocCurve(labels, scores, { classId: 0 }) });
 *
 * @returns the text of an SVG file.
 */
export function roc(curves: Curves<RocPoints>, options: ClassificationPictureOptions = {}): string {
  const frame = rocOptions.read(options);
  const lines = namedCurves('plots.roc', curves, 'truePositiveRate', 'model', 'rocCurve').map(([name, curve]): Line => ({
    name: `${name} (area ${curve.area.toFixed(3)})`,
    points: curve.falsePositiveRate.map((x, i) => [x, curve.truePositiveRate[i]]),
  }));
  return unitSquare(frame, 'false positive rate', 'true positive rate', lines, [[0, 0], [1, 1]]); // prettier-ignore
}

/**
 * Precision over recall, with the average precision (AP). The dashed line is the precision of guesses for the first curve.
 *
 *     const svg = plots.precisionRecall(await precisionRecallCurve(labels, scores));
 *
 * @returns the text of an SVG file.
 */
export function precisionRecall(curves: Curves<PrecisionRecallPoints>, options: ClassificationPictureOptions = {}): string {
  const frame = precisionRecallOptions.read(options);
  const named = namedCurves('plots.precisionRecall', curves, 'averagePrecision', 'model', 'precisionRecallCurve');
  const lines = named.map(([name, curve]): Line => ({
    name: `${name} (AP ${curve.averagePrecision.toFixed(3)})`,
    points: curve.recall.map((x, i) => [x, curve.precision[i]]),
    // The average precision is the area under steps.
    more: { step: 'end' },
  }));
  const { prevalence } = named[0][1];
  return unitSquare(frame, 'recall', 'precision', lines, [[0, prevalence], [1, prevalence]]); // prettier-ignore
}

/**
 * Reliability diagram: accuracy over confidence by bin, with the expected calibration error (ECE). A calibrated model is on the diagonal.
 * Larger points are bins with more samples.
 *
 *     const svg = plots.calibration(await calibrationCurve(labels, model.predict(x)));
 *
 * @returns the text of an SVG file.
 */
export function calibration(curves: Curves<CalibrationPoints>, options: ClassificationPictureOptions = {}): string {
  const frame = calibrationOptions.read(options);
  const lines = namedCurves('plots.calibration', curves, 'bins', 'model', 'calibrationCurve').map(([name, curve], i): Line => {
    const filled = curve.bins.filter(({ weight }) => weight > 0);
    const most = Math.max(...filled.map(({ weight }) => weight));
    return {
      name: `${name} (ECE ${curve.expectedError.toFixed(3)})`,
      points: filled.map(({ confidence, accuracy }) => [confidence!, accuracy!]),
      more: { showSymbol: true, symbol: symbolOf(i), symbolSize: (_: unknown, { dataIndex }: { dataIndex: number }) => 4 + 9 * Math.sqrt(filled[dataIndex].weight / most) }, // prettier-ignore
    };
  });
  return unitSquare(frame, 'mean confidence', 'accuracy', lines, [[0, 0], [1, 1]]); // prettier-ignore
}
