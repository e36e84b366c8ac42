// Trees of samples: one array, or lists and records of arrays, in the form of a model's inputs or outputs. The model's form decides whether a
// list is a list of arrays or one nested array.
import { DataError } from '../core/errors.ts';
import { nearestName } from '../core/nearest.ts';
import { type Tree, isBranch, leavesOf } from '../core/tree.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type ArrayInput, type SampleDtype, Samples, describe, isPlainArray, samplesOf } from './samples.ts';

/** One array, or lists and records of arrays. */
export type ArrayTree = ArrayInput | readonly ArrayTree[] | { readonly [name: string]: ArrayTree };

/** One array of samples, or lists and records of them. An element without data is undefined. */
export type SampleTree = Tree<Samples | undefined>;

/** One tensor of a batch, or lists and records of them. */
export type BatchTree = Tree<Tensor>;

/** One array that a model takes. A class, so that trees treat it as a leaf. */
export class Field {
  /** Dtype of the batches; undefined takes the dtype of the data. */
  readonly dtype: SampleDtype | undefined;
  /** False if the array may be left out. */
  readonly isRequired: boolean;

  constructor(dtype?: SampleDtype, isRequired = true) {
    this.dtype = dtype;
    this.isRequired = isRequired;
  }
}

/** Form of the data that a model takes. */
export type Fields = Tree<Field>;

type Branch = Record<string, unknown> | unknown[];

/** `y` and `.digit` make `y.digit`. */
const joinArgument = (argument: string, fields: Branch, key: string): string =>
  Array.isArray(fields) ? `${argument}[${key}]` : `${argument}.${key}`;

/** Names of the leaves for messages: `digit and parity`. */
function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`;
}

/**
 * Samples of an argument in the form of `fields`. Without fields, records and lists that hold arrays are trees, and every other list is one
 * nested array; `dtype` is then that of the batches.
 * @throws DataError for data of another form, and the errors of samplesOf. Messages name the path, such as `y.digit`.
 */
export async function readTree(
  where: string,
  argument: string,
  value: unknown,
  fields: Fields | undefined,
  dtype?: SampleDtype,
): Promise<SampleTree> {
  if (fields === undefined) return readAsGiven(where, argument, value, dtype);
  if (fields instanceof Field) return readField(where, argument, value, fields);
  const known = fields as Branch;
  checkForm(where, argument, value, known);
  const given = value as Readonly<Record<string, unknown>>;
  const entries: [string, SampleTree][] = [];
  for (const [key, field] of Object.entries(known) as [string, Fields][]) {
    const child = given[key] ?? undefined;
    if (child === undefined && !Array.isArray(known) && leavesOf(field).every((leaf) => !(leaf.value as Field).isRequired)) continue;
    entries.push([key, await readTree(where, joinArgument(argument, known, key), child, field)]);
  }
  return Array.isArray(known) ? entries.map(([, tree]) => tree) : Object.fromEntries(entries);
}

async function readField(where: string, argument: string, value: unknown, { dtype, isRequired }: Field): Promise<Samples | undefined> {
  if ((value ?? undefined) === undefined && !isRequired) return undefined;
  if (isArrayTree(value)) {
    throw new DataError(`${where}: ${argument} is ${formOf(value as Branch)}, but the model has one array there; give only the array`);
  }
  return samplesOf(where, argument, value, dtype);
}

async function readAsGiven(where: string, argument: string, value: unknown, dtype: SampleDtype | undefined): Promise<SampleTree> {
  if (!isArrayTree(value)) return samplesOf(where, argument, value, dtype);
  const branch = value as Branch;
  const entries: [string, SampleTree][] = [];
  for (const [key, child] of Object.entries(branch)) {
    entries.push([key, await readAsGiven(where, joinArgument(argument, branch, key), child, dtype)]);
  }
  return Array.isArray(branch) ? entries.map(([, tree]) => tree) : Object.fromEntries(entries);
}

const isRecord = (value: unknown): boolean => isBranch(value) && !Array.isArray(value) && !isPlainArray(value);

/** Whether a value is a list or record of arrays, as far as the value itself shows. Of nested arrays only the first elements are read. */
export function isArrayTree(value: unknown): boolean {
  if (!Array.isArray(value)) return isRecord(value);
  const isArray = (element: unknown): boolean => typeof element === 'object' && (isPlainArray(element) || isRecord(element));
  return value.some(isArray) || (Array.isArray(value[0]) && isArrayTree(value[0]));
}

/** The arrays of a value that a user gave, with their paths: `y.digit`. Undefined elements are left out. */
export function arraysGiven(argument: string, value: unknown): { readonly argument: string; readonly value: unknown }[] {
  if (!isArrayTree(value)) return value === undefined ? [] : [{ argument, value }];
  const branch = value as Branch;
  return Object.entries(branch).flatMap(([key, child]) => arraysGiven(joinArgument(argument, branch, key), child));
}

/** Throws unless a value has the keys of a list or record of fields. */
function checkForm(where: string, argument: string, value: unknown, fields: Branch): void {
  const keys = Object.keys(fields);
  const needs = Array.isArray(fields)
    ? `a list of ${keys.length} arrays, in the order of the model`
    : `a record with ${listed(keys)}, such as { ${keys.map((key) => `${key}: …`).join(', ')} }`;
  const isForm = isBranch(value) && !isPlainArray(value) && Array.isArray(value) === Array.isArray(fields);
  if (!isForm) throw new DataError(`${where}: ${argument} is ${isBranch(value) ? formOf(value) : describeArray(value)}; give ${needs}`);
  if (Array.isArray(fields)) {
    const { length } = value as unknown[];
    if (length === keys.length) return;
    throw new DataError(`${where}: ${argument} is a list of ${length}; give ${needs}`);
  }
  const given = value as Readonly<Record<string, unknown>>;
  const isMissing = (key: string): boolean =>
    (given[key] ?? undefined) === undefined && leavesOf(fields[key]).some((leaf) => (leaf.value as Field).isRequired);
  const missing = keys.find(isMissing);
  const extra = Object.keys(given).find((key) => !Object.hasOwn(fields, key));
  if (missing !== undefined) {
    const misspelt = extra !== undefined && nearestName(extra, [missing]) ? `; is '${extra}' meant?` : '';
    throw new DataError(
      `${where}: ${argument}.${missing} is missing; ${argument} needs ${listed(keys.filter((key) => isMissing(key) || key in given))}${misspelt}`,
    );
  }
  if (extra === undefined) return;
  throw new DataError(`${where}: ${argument}.${extra} is not known to the model; ${argument} takes ${listed(keys)}: leave the others out`);
}

function formOf(value: Branch): string {
  if (Array.isArray(value)) return isArrayTree(value) ? `a list of ${value.length} arrays` : 'one nested array';
  const keys = Object.keys(value);
  return isPlainArray(value) ? 'one array' : `a record with ${keys.length ? listed(keys) : 'no keys'}`;
}

const describeArray = (value: unknown): string => (isPlainArray(value) ? 'one array' : describe(value));

/** The arrays of a tree with their paths: `y.digit`. Elements without data are left out. */
export const arraysOf = (argument: string, tree: SampleTree | undefined): { readonly argument: string; readonly samples: Samples }[] =>
  leavesOf(tree).flatMap(({ path, value }) => (value instanceof Samples ? [{ argument: argument + path, samples: value }] : []));
