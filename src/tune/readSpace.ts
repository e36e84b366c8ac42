// Reads the declaration of a space: checks every part, and makes the tree that samplers walk.
import { ArgumentError } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import { shown } from '../core/shown.ts';
import { isBranch } from '../core/tree.ts';
import { type Dimension, type NumberDimension, lastStep, steppedValue } from './dimensions.ts';
import type { Constant } from './distributions.ts';

/** A checked part of a space. */
export type SpaceNode =
  | { readonly kind: 'constant'; readonly value: Constant }
  | { readonly kind: 'number'; readonly dimension: NumberDimension }
  | { readonly kind: 'choice'; readonly dimension: Dimension & { kind: 'choice' }; readonly branches: readonly SpaceNode[]; readonly isNamed: boolean } // prettier-ignore
  | { readonly kind: 'group'; readonly entries: readonly (readonly [string, SpaceNode])[]; readonly isList: boolean };

export interface CheckedSpace {
  readonly root: SpaceNode;
  /** All dimensions in the order of their declaration. Those of branches exist in some trials only. */
  readonly dimensions: readonly Dimension[];
  /** Each part as text, by path: a search that goes on compares them. */
  readonly texts: Readonly<Record<string, string>>;
}

/** Values of one trial by the paths of its dimensions: numbers, and positions of branches. */
export type Point = Readonly<Record<string, number>>;

const fieldsOf: Readonly<Record<string, readonly string[]>> = {
  uniform: ['low', 'high'],
  logUniform: ['low', 'high'],
  int: ['low', 'high', 'step', 'log'],
  quantized: ['low', 'high', 'step', 'log'],
  normal: ['mean', 'stddev'],
  choice: ['options'],
};

interface Reading {
  readonly dimensions: Dimension[];
  readonly texts: Record<string, string>;
}

type Data = Readonly<Record<string, unknown>>;

/**
 * The space of a declaration.
 * @throws ArgumentError with the path of the parameter for a distribution, bound, choice or value that is not allowed, and without a parameter.
 */
export function readSpace(given: unknown): CheckedSpace {
  if (!isBranch(given) || Array.isArray(given) || 'distribution' in given) {
    const example = '{ learningRate: space.logUniform(1e-4, 1e-1) }';
    throw new ArgumentError(`tune: space is ${shown(given)}; it must be a record of parameters by name, such as ${example}`);
  }
  const reading: Reading = { dimensions: [], texts: {} };
  const root = readPart(given, '', reading);
  if (reading.dimensions.length === 0) {
    throw new ArgumentError('tune: space has no distribution, so all trials would be equal; add one, such as space.uniform(0, 1)');
  }
  return { root, ...reading };
}

const refuse = (path: string, rest: string): never => {
  throw new ArgumentError(`tune: space.${path} ${rest}`);
};

const joined = (path: string, name: string): string => (path ? `${path}.${name}` : name);

function readPart(part: unknown, path: string, reading: Reading): SpaceNode {
  if (part === null || ['boolean', 'string'].includes(typeof part) || Number.isFinite(part)) {
    reading.texts[path] = JSON.stringify(part);
    return { kind: 'constant', value: part as Constant };
  }
  if (!isBranch(part)) {
    const rule = 'a distribution made by space.NAME(), a finite number, a text, true, false, null, or a list or record of these';
    return refuse(path, `is ${shown(part)}; it must be ${rule}`);
  }
  if (!Array.isArray(part) && 'distribution' in part) return readDistribution(part, path, reading);
  const names = Object.keys(part);
  const odd = names.find((name) => name === '' || name.includes('.'));
  if (odd !== undefined) refuse(joined(path, odd), `has a name with a dot, or without a letter; the paths of parameters need others`);
  const entries = names.map((name) => [name, readPart((part as Data)[name], joined(path, name), reading)] as const);
  return { kind: 'group', entries, isList: Array.isArray(part) };
}

function readDistribution(data: Data, path: string, reading: Reading): SpaceNode {
  const { distribution: name, ...fields } = data;
  if (typeof name !== 'string' || !Object.hasOwn(fieldsOf, name)) {
    const known = Object.keys(fieldsOf);
    return refuse(path, `has the unknown distribution ${shown(name)}; the names are ${known.join(', ')}${didYouMean(name, known)}`);
  }
  const unknown = Object.keys(fields).find((field) => !fieldsOf[name].includes(field) && field !== 'valueType');
  if (unknown !== undefined) {
    refuse(
      path,
      `is ${name} with the unknown field '${unknown}'; it takes ${fieldsOf[name].join(', ')}${didYouMean(unknown, fieldsOf[name])}`,
    );
  }
  if (name === 'choice') return readChoice(fields.options, path, reading);
  const dimension = readNumber(name, fields, path);
  reading.dimensions.push(dimension);
  reading.texts[path] = textOf(name, fields);
  return { kind: 'number', dimension };
}

const textOf = (name: string, fields: Data): string =>
  `${name}(${fieldsOf[name].flatMap((field) => (fields[field] === undefined || fields[field] === false ? [] : [shown(fields[field])])).join(', ')})`;

function readChoice(options: unknown, path: string, reading: Reading): SpaceNode {
  if (!isBranch(options)) {
    return refuse(path, `is choice(${shown(options)}); it takes a list, or a record of branches such as { adam: {}, sgd: {} }`);
  }
  const names = Object.keys(options);
  if (names.length === 0) refuse(path, 'is a choice without options; give it at least one');
  const isNamed = !Array.isArray(options);
  const labels = isNamed ? names : options.map((option) => (typeof option === 'string' ? option : shown(option)));
  const dimension = { kind: 'choice', path, labels } as const;
  reading.dimensions.push(dimension);
  reading.texts[path] = `choice(${shown(labels)})`;
  const branches = names.map((name) => {
    const branch: unknown = (options as Data)[name];
    const at = joined(path, name);
    if (!isNamed) return readPart(branch, at, reading);
    if (!isBranch(branch) || Array.isArray(branch) || 'distribution' in branch) {
      return refuse(at, `is ${shown(branch)}; the branch of a choice must be a record of its own parameters, which may be empty: {}`);
    }
    if ('kind' in branch) refuse(`${at}.kind`, "has the name 'kind', which is the name of the branch in parameters; choose another name");
    return readPart(branch, at, reading);
  });
  return { kind: 'choice', dimension, branches, isNamed };
}

function readNumber(name: string, fields: Data, path: string): NumberDimension {
  const shape = textOf(name, fields);
  for (const field of name === 'normal' ? ['mean', 'stddev'] : ['low', 'high']) {
    if (!Number.isFinite(fields[field])) refuse(path, `is ${shape}; ${field} is ${shown(fields[field])}, and must be a finite number`);
  }
  if (name === 'normal') {
    const { mean, stddev } = fields as { mean: number; stddev: number };
    if (stddev <= 0) refuse(path, `is ${shape}; stddev must be above 0`);
    const bounds = { low: -Infinity, high: Infinity, scaleLow: -Infinity, scaleHigh: Infinity };
    return { kind: 'number', path, step: undefined, log: false, ...bounds, priorMean: mean, priorSigma: stddev };
  }
  const { low, high: top, step: given = 1 } = fields as { low: number; high: number; step?: number };
  const log = name === 'logUniform' || fields.log === true;
  if (low >= top) refuse(path, `is ${shape}; low must be below high`);
  if (log && low <= 0) refuse(path, `is ${shape}; low must be above 0, because the logarithm is uniform`);
  const isStepped = name === 'int' || name === 'quantized';
  const step = isStepped ? given : undefined;
  if (fields.log !== undefined && typeof fields.log !== 'boolean') refuse(path, `is ${shape}; log must be true or false`);
  if (step !== undefined && !(Number.isFinite(step) && step > 0)) refuse(path, `is ${shape}; step must be a number above 0`);
  if (name === 'int' && ![low, top, step].every(Number.isSafeInteger)) refuse(path, `is ${shape}; low, high and step must be integers`);
  if (step !== undefined && lastStep(low, top, step) < 1) refuse(path, `is ${shape}; step must be at most high - low`);
  const high = step === undefined ? top : steppedValue(low, step, lastStep(low, top, step));
  const half = (step ?? 0) / 2;
  const from = log ? Math.log(low - half > 0 ? low - half : low / 2) : low - half;
  const to = log ? Math.log(high + half) : high + half;
  const scale = { scaleLow: from, scaleHigh: to, priorMean: (from + to) / 2, priorSigma: to - from };
  return { kind: 'number', path, low, high, step, log, ...scale };
}

/** The parameters of a trial. `pick` gives the value of each dimension, in the order of the declaration; branches not chosen are left out. */
export function parametersOf(node: SpaceNode, pick: (dimension: Dimension) => number): unknown {
  switch (node.kind) {
    case 'constant':
      return node.value;
    case 'number':
      return pick(node.dimension);
    case 'choice': {
      const position = pick(node.dimension);
      const value = parametersOf(node.branches[position], pick);
      return node.isNamed ? { kind: node.dimension.labels[position], ...(value as object) } : value;
    }
    case 'group': {
      const entries = node.entries.map(([name, part]) => [name, parametersOf(part, pick)] as const);
      return node.isList ? entries.map(([, value]) => value) : Object.fromEntries(entries);
    }
  }
}

/** Draws the values of one trial. */
export function drawPoint({ root }: CheckedSpace, draw: (dimension: Dimension) => number): Point {
  const point: Record<string, number> = {};
  parametersOf(root, (dimension) => (point[dimension.path] = draw(dimension)));
  return point;
}

/** Whether a value is one of the dimension. */
export function isValueOf(dimension: Dimension, value: unknown): value is number {
  if (typeof value !== 'number' || !Number.isFinite(value)) return false;
  if (dimension.kind === 'choice') return Number.isInteger(value) && value >= 0 && value < dimension.labels.length;
  return value >= dimension.low && value <= dimension.high;
}
