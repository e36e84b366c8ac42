// Results of a search for hyperparameters.
import { ArgumentError } from '../../core/errors.ts';
import { listOf, oneOf, text } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../../core/options.ts';
import { type Chart, axisOf, draw, logarithmicAxis, panelOptions, pictureOptions, shortNumber, themeOf, titleHeight } from './chart.ts';
import { colourOf, coloursOf } from './colours.ts';
import { panelsOf, titlesOf } from './panels.ts';
import { rangeOf } from './pixels.ts';

/** Value of a parameter. Those of a record or list are drawn one by one, with paths such as `optimizer.momentum`. */
export type SearchParameter = null | boolean | number | string | readonly SearchParameter[] | { readonly [name: string]: SearchParameter };

/** One trial of a search: its parameters and its result. The trials of `tune` have this form. */
export interface SearchTrial {
  readonly parameters: Readonly<Record<string, SearchParameter>>;
  /** Value of the trial, such as the validation loss. A trial with NaN, or without a value because it failed, is left out. */
  readonly value: number | undefined;
}

/** A trial with a value. Its parameters are single values by their paths. */
interface FlatTrial {
  readonly parameters: Readonly<Record<string, number | string | boolean>>;
  readonly value: number;
}

const searchOptions = {
  /** Name of the value. @default 'value' */
  valueName: /* @__PURE__ */ optional(text, 'value'),
  /** Names of the parameters that are shown. The default is all that have more than one value. */
  parameters: /* @__PURE__ */ optional(listOf(text, 'names', 1)),
  /** Whether a smaller ('min') or a larger value ('max') is better. The best trial is marked. @default 'min' */
  goal: /* @__PURE__ */ optional(oneOf('min', 'max'), 'min'),
};

export const parallelCoordinatesOptions = declareOptions('plots.parallelCoordinates', { ...pictureOptions, ...searchOptions });
export type ParallelCoordinatesOptions = OptionsOf<typeof parallelCoordinatesOptions>;

export const scatterOptions = declareOptions('plots.scatter', { ...panelOptions, ...searchOptions });
export type ScatterOptions = OptionsOf<typeof scatterOptions>;

interface Search {
  readonly trials: readonly FlatTrial[];
  readonly names: readonly string[];
  readonly best: FlatTrial;
}

const isTrial = (value: unknown): value is SearchTrial => {
  const given = value as Partial<SearchTrial> | null;
  if (typeof given !== 'object' || given === null || typeof given.parameters !== 'object' || given.parameters === null) return false;
  return typeof given.value === 'number' || given.value === undefined;
};

/** Parameters by their paths. */
function flatten(parameters: object, above = ''): [string, number | string | boolean][] {
  return Object.entries(parameters).flatMap(([name, value]: [string, SearchParameter]) => {
    if (typeof value === 'object' && value !== null) return flatten(value, `${above}${name}.`);
    return [[`${above}${name}`, value ?? 'null']];
  });
}

/** Trials with values, their parameters and the best one. @throws ArgumentError if there are none. */
function readTrials(where: string, trials: readonly SearchTrial[], goal: 'min' | 'max', chosen: readonly string[] | undefined): Search {
  if (!Array.isArray(trials) || !trials.every(isTrial)) {
    throw new ArgumentError(`${where}: takes a list of trials, such as [{ parameters: { learningRate: 0.1 }, value: 0.5 }]`);
  }
  const finished = (trials as readonly SearchTrial[]).flatMap(({ parameters, value }): FlatTrial[] =>
    value === undefined || !Number.isFinite(value) ? [] : [{ parameters: Object.fromEntries(flatten(parameters)), value }],
  );
  if (finished.length === 0) throw new ArgumentError(`${where}: no trial has a finite value; give one trial or more`);
  const known = [...new Set(finished.flatMap(({ parameters }) => Object.keys(parameters)))];
  const missing = chosen?.find((name) => !known.includes(name));
  if (missing !== undefined) throw new ArgumentError(`${where}: parameters has '${missing}', but the trials have ${known.join(', ')}`);
  const varied = known.filter((name) => new Set(finished.map(({ parameters }) => parameters[name])).size > 1);
  const isBetter = (a: number, b: number): boolean => (goal === 'min' ? a < b : a > b);
  const best = finished.reduce((found, trial) => (isBetter(trial.value, found.value) ? trial : found));
  return { trials: finished, names: chosen ?? (varied.length ? varied : known), best };
}

/** Type of the axis of a parameter. Numbers above 0 that differ by a factor of 50 or more have a logarithmic axis. */
function scaleOf({ trials }: Search, name: string): Chart {
  const values = trials.map(({ parameters }) => parameters[name]).filter((value) => (value as unknown) !== undefined);
  const numbers = values.filter((value) => typeof value === 'number');
  if (numbers.length < values.length) return { type: 'category', data: [...new Set(values.map(String))].sort() };
  const [least, most] = rangeOf(numbers);
  return numbers.every((value) => value > 0) && most / least >= 50 ? logarithmicAxis(numbers) : { type: 'value' };
}

const valueAt = ({ parameters }: FlatTrial, name: string, isText: boolean): number | string | null => {
  const value = parameters[name] as number | string | boolean | undefined;
  if (value === undefined) return null;
  return isText ? String(value) : (value as number);
};

/** Colours of values: yellow is best. */
const bestIsYellow = (goal: 'min' | 'max'): string[] => (goal === 'max' ? coloursOf('viridis') : coloursOf('viridis').reverse());

/**
 * Trials of a search as lines over one axis for each parameter, and one for the value. The thick line is the best trial.
 *
 *     const svg = plots.parallelCoordinates(trials, { valueName: 'validation loss' });
 *
 * @returns the text of an SVG file.
 * @throws ArgumentError for anything but trials with values, or for a parameter that they do not have.
 */
export function parallelCoordinates(trials: readonly SearchTrial[], options: ParallelCoordinatesOptions = {}): string {
  const where = 'plots.parallelCoordinates';
  const { valueName, parameters, goal, ...frame } = parallelCoordinatesOptions.read(options);
  const search = readTrials(where, trials, goal, parameters);
  const { text: colour, line, background } = themeOf(frame);
  const scales = search.names.map((name) => scaleOf(search, name));
  const [least, most] = rangeOf(search.trials.map(({ value }) => value));
  const style = {
    nameTextStyle: { color: colour, fontSize: 12 },
    axisLine: { lineStyle: { color: line } },
    axisTick: { lineStyle: { color: line } },
    axisLabel: { color: colour, backgroundColor: background, padding: [1, 2], fontSize: 11, formatter: (value: unknown) => (typeof value === 'number' ? shortNumber(value) : String(value)) }, // prettier-ignore
  };
  // Lines of better trials are drawn later.
  const ordered = search.trials.toSorted((a, b) => (goal === 'min' ? b.value - a.value : a.value - b.value));
  return draw(frame, {
    parallel: { left: 50, right: 130, top: titleHeight(frame) + 44, bottom: 30 },
    parallelAxis: [
      ...search.names.map((name, dim) => ({
        dim,
        name,
        scale: true,
        ...style,
        ...scales[dim],
        axisLabel: { ...style.axisLabel, ...(scales[dim].axisLabel as Chart | undefined) },
      })),
      { dim: search.names.length, name: valueName, scale: true, min: least, max: most, ...style },
    ],
    visualMap: {
      type: 'continuous',
      min: least,
      max: most,
      dimension: search.names.length,
      calculable: false,
      right: 8,
      top: titleHeight(frame) + 44,
      itemHeight: Math.max(40, frame.height - titleHeight(frame) - 120),
      itemWidth: 12,
      inRange: { color: bestIsYellow(goal) },
      text: [shortNumber(most), shortNumber(least)],
      textStyle: { color: colour, fontSize: 11 },
    },
    series: [
      {
        type: 'parallel',
        silent: true,
        inactiveOpacity: 1,
        lineStyle: { width: 1.5, opacity: 0.75 },
        data: ordered.map((trial) => ({
          value: [...search.names.map((name, i) => valueAt(trial, name, scales[i].type === 'category')), trial.value],
          ...(trial === search.best && { lineStyle: { width: 5, opacity: 1 } }),
        })),
      },
    ],
  });
}

/**
 * The value of each trial of a search over each parameter. The diamond is the best trial.
 *
 *     const svg = plots.scatter(trials, { valueName: 'validation accuracy', goal: 'max' });
 *
 * @returns the text of an SVG file.
 * @throws ArgumentError as parallelCoordinates.
 */
export function scatter(trials: readonly SearchTrial[], options: ScatterOptions = {}): string {
  const { valueName, parameters, goal, ...settings } = scatterOptions.read(options);
  const search = readTrials('plots.scatter', trials, goal, parameters);
  const panels = panelsOf(settings, search.names.length, { least: 220, panelHeight: 240 });
  const { frame, places, columns } = panels;
  const scales = search.names.map((name) => scaleOf(search, name));
  const points = (list: readonly FlatTrial[], i: number): unknown[] =>
    list.map((trial) => [valueAt(trial, search.names[i], scales[i].type === 'category'), trial.value]);
  const border = themeOf(frame).text;
  return draw(frame, {
    title: titlesOf(panels, search.names.map(() => '')), // prettier-ignore
    grid: places.map((place) => ({ ...place, containLabel: false })),
    xAxis: search.names.map((name, i) => axisOf(frame, name, { gridIndex: i, scale: true, splitNumber: 4, ...scales[i] })),
    yAxis: search.names.map((_, i) => axisOf(frame, i % columns === 0 ? valueName : '', { gridIndex: i, scale: true, nameGap: 42, splitNumber: 4 })), // prettier-ignore
    series: search.names.flatMap((_, i): Chart[] => {
      const common = { type: 'scatter', silent: true, xAxisIndex: i, yAxisIndex: i };
      const others = search.trials.filter((trial) => trial !== search.best);
      return [
        { ...common, symbolSize: 7, itemStyle: { color: colourOf(0, frame.theme), opacity: 0.75 }, data: points(others, i) },
        { ...common, symbol: 'diamond', symbolSize: 13, itemStyle: { color: colourOf(1, frame.theme), borderColor: border, borderWidth: 1 }, data: points([search.best], i) }, // prettier-ignore
      ];
    }),
  });
}
