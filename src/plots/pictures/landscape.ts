// Loss landscapes, and paths of optimizers on surfaces.
import { ArgumentError } from '../../core/errors.ts';
import { oneOf } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../../core/options.ts';
import type { LossLandscape } from '../lossLandscape.ts';
import type { SurfacePaths } from '../surfacePaths.ts';
import { type Chart, type Frame, axisOf, draw, legendOf, pictureOptions, roundNumbers, ticksAt, titleHeight } from './chart.ts';
import { type Grid, type ValueScale, surfaceParts, transformOf } from './surface.ts';

const scaleOption = {
  /** Colours by the values ('linear') or by their logarithm. 'auto' chooses by the values. @default 'auto' */
  scale: /* @__PURE__ */ optional(oneOf('auto', 'linear', 'logarithmic'), 'auto'),
};

export const landscapeOptions = declareOptions('plots.landscape', { ...pictureOptions, ...scaleOption });
export type LandscapeOptions = OptionsOf<typeof landscapeOptions>;

export const optimizerPathsOptions = declareOptions('plots.optimizerPaths', { ...pictureOptions, ...scaleOption });
export type OptimizerPathsOptions = OptionsOf<typeof optimizerPathsOptions>;

/** Colours of lines that are legible on viridis. */
const lineColours = ['#ffffff', '#ff8c5a', '#ff5fd2', '#ffffff', '#ffb000', '#ff8c8c'];
const lineTypes = ['solid', 'solid', 'solid', 'dashed', 'dashed', 'dotted'];

interface Line {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
}

const isInside = ([x, y]: readonly [number, number], grid: Grid): boolean =>
  x >= grid.x[0] && x <= grid.x[grid.x.length - 1] && y >= grid.y[0] && y <= grid.y[grid.y.length - 1];

/** A line with a border, so that it is legible on all colours, and marks of its first and last point. */
function seriesOf({ name, points }: Line, i: number, grid: Grid): Chart[] {
  const colour = lineColours[i % lineColours.length];
  const type = lineTypes[i % lineTypes.length];
  const common = { silent: true, showSymbol: false, clip: true, data: points };
  const marks = [points[0], points[points.length - 1]].map((value, k) => ({ value, symbol: k === 0 ? 'circle' : 'diamond', symbolSize: k === 0 ? 8 : 11 })); // prettier-ignore
  return [
    { type: 'line', ...common, lineStyle: { width: 4, color: '#000000', opacity: 0.55 }, z: 3 },
    { type: 'line', name, ...common, lineStyle: { width: 2, color: colour, type }, itemStyle: { color: colour }, z: 4 },
    { type: 'scatter', silent: true, data: marks.filter(({ value }) => isInside(value, grid)), itemStyle: { color: colour, borderColor: '#000000', borderWidth: 1 }, z: 5 }, // prettier-ignore
  ];
}

function drawSurface(
  frame: Frame,
  grid: Grid,
  scale: ValueScale,
  names: readonly [string, string],
  lines: readonly Line[],
  extra: readonly Chart[],
): string {
  const top = titleHeight(frame) + (lines.length > 1 ? 36 : 16);
  const area = { left: 64, top, width: frame.width - 64 - 92, height: frame.height - top - 56 };
  const ends = (values: readonly number[]): Chart => {
    const [min, max] = [values[0], values[values.length - 1]];
    return { min, max, ...ticksAt(roundNumbers(min, max)) };
  };
  const hidden = { splitLine: { show: false } };
  const { elements, contours } = surfaceParts(frame, grid, area, transformOf(grid.values.flat(), scale));
  return draw(frame, {
    grid: { ...area, containLabel: false },
    legend: legendOf(frame, lines.map(({ name }) => name), { backgroundColor: '#4a5560', textStyle: { color: '#ffffff', fontSize: 11 }, padding: [4, 10], borderRadius: 4 }), // prettier-ignore
    xAxis: axisOf(frame, names[0], { ...ends(grid.x), ...hidden }),
    yAxis: axisOf(frame, names[1], { ...ends(grid.y), ...hidden, nameGap: 42 }),
    graphic: { elements },
    series: [contours, ...lines.flatMap((line, i) => seriesOf(line, i, grid)), ...extra],
  });
}

/** @throws ArgumentError for a grid of fewer than two rows or columns. */
function checkGrid(where: string, maker: string, { x, y, values }: Partial<Grid>): void {
  const isGrid =
    x && y && values && x.length > 1 && y.length > 1 && values.length === y.length && values.every((row) => row.length === x.length);
  if (!isGrid) throw new ArgumentError(`${where}: takes the result of ${maker}(), with two or more points along both axes`);
}

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

/**
 * A loss landscape with contour lines. The cross is the model at (0, 0); a path begins at the circle and ends at the diamond.
 *
 *     const svg = plots.landscape(await lossLandscape(model, x, y, { directions: 'path', path: recorder.weights }));
 *
 * @returns the text of an SVG file.
 */
export function landscape(data: LossLandscape, options: LandscapeOptions = {}): string {
  const { scale, ...frame } = landscapeOptions.read(options);
  const grid = { x: data.x, y: data.y, values: data.loss };
  checkGrid('plots.landscape', 'lossLandscape', grid);
  const [first, second] = data.explained?.map((share) => ` (${percent(share)} of the path)`) ?? ['', ''];
  const lines = data.path ? [{ name: 'path', points: data.path.map(({ x, y }) => [x, y] as const) }] : [];
  const model = { type: 'scatter', silent: true, data: [[0, 0]], symbol: 'path://M-4-1H-1V-4H1V-1H4V1H1V4H-1V1H-4Z', symbolSize: 13, itemStyle: { color: '#ffffff', borderColor: '#000000', borderWidth: 1 }, z: 5 }; // prettier-ignore
  return drawSurface(
    frame,
    grid,
    scale,
    [`first direction${first}`, `second direction${second}`],
    lines,
    isInside([0, 0], grid) ? [model] : [],
  );
}

/**
 * Paths of optimizers on a surface. Stars are known minima; a path begins at the circle and ends at the diamond.
 *
 *     const svg = plots.optimizerPaths(await surfacePaths({ surface: 'himmelblau' }));
 *
 * @returns the text of an SVG file.
 */
export function optimizerPaths(data: SurfacePaths, options: OptimizerPathsOptions = {}): string {
  const { scale, ...frame } = optimizerPathsOptions.read(options);
  const grid = { x: data.x, y: data.y, values: data.value };
  checkGrid('plots.optimizerPaths', 'surfacePaths', grid);
  const lines = Object.entries(data.paths).map(([name, { x, y }]): Line => {
    const end = x.findIndex((at, i) => !Number.isFinite(at) || !Number.isFinite(y[i]));
    return { name, points: x.slice(0, end < 0 ? x.length : end).map((at, i) => [at, y[i]]) };
  });
  const star = 'path://M0-5L1.2-1.6H4.8L1.9.6L2.9 4L0 1.9L-2.9 4L-1.9.6L-4.8-1.6H-1.2Z';
  const minima = { type: 'scatter', silent: true, data: data.minima.filter((at) => isInside(at, grid)), symbol: star, symbolSize: 15, itemStyle: { color: '#ffe14d', borderColor: '#000000', borderWidth: 1 }, z: 5 }; // prettier-ignore
  return drawSurface(frame, grid, scale, ['x', 'y'], lines, [minima]);
}
