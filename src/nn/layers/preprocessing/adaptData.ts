// Data that preprocessing learns from: arrays on the host, tensors, or sequences of batches.
import type { HostArray } from '../../../core/dtype.ts';
import { DataError, ShapeError, TraceError } from '../../../core/errors.ts';
import { type Shape, formatShape, sizeOf } from '../../../core/shape.ts';
import { shown } from '../../../core/shown.ts';
import { Tensor } from '../../../graph/tensor.ts';
import { currentTrace } from '../../../graph/trace.ts';

/** Numbers in lists of equal lengths. */
export type NestedNumberList = readonly (number | NestedNumberList)[];

/** Texts in lists of equal lengths, or one text. */
export type StringArray = string | readonly StringArray[];

/** One array of numbers. A typed array without a shape holds one number for each sample. */
export type NumberArray = Tensor | HostArray | { readonly data: HostArray; readonly shape: Shape } | NestedNumberList;

/** A sequence of batches, or of records with a batch as x. */
export type AdaptBatches<Batch> = Iterable<Batch | { readonly x: Batch }> | AsyncIterable<Batch | { readonly x: Batch }>;

/** Data for adapt() of numeric layers: one array, or batches of them, such as a dataset of { x }. */
export type AdaptNumbers = NumberArray | AdaptBatches<NumberArray>;

/** Data for adapt() of lookups of texts: lists of texts, or batches of them. */
export type AdaptStrings = StringArray | AdaptBatches<StringArray>;

/** Elements in row-major order. */
export interface Flat<Element> {
  readonly shape: Shape;
  readonly values: ArrayLike<Element>;
}

const isTyped = (value: unknown): value is HostArray => ArrayBuffer.isView(value) && !(value instanceof DataView);

const isShaped = (value: unknown): value is { readonly data: HostArray; readonly shape: Shape } =>
  typeof value === 'object' && value !== null && 'data' in value && isTyped(value.data) && 'shape' in value && Array.isArray(value.shape);

/**
 * Elements of nested lists.
 * @throws ShapeError for ragged lists, DataError for other elements.
 */
export function flatten<Element>(
  where: string,
  given: unknown,
  isElement: (value: unknown) => value is Element,
  elements: string,
): Flat<Element> {
  const shape: number[] = [];
  for (let level = given; Array.isArray(level); level = (level as unknown[])[0]) shape.push(level.length);
  const values: Element[] = [];
  const visit = (value: unknown, axis: number): void => {
    if (axis === shape.length) {
      if (!isElement(value)) throw new DataError(`${where}: takes ${elements}, got ${shown(value)}`);
      values.push(value);
      return;
    }
    if (!Array.isArray(value) || value.length !== shape[axis]) {
      throw new ShapeError(
        `${where}: lists are ${formatShape(shape)} by their first elements, but one is ${shown(value)}; give lists of equal lengths`,
      );
    }
    for (const part of value as unknown[]) visit(part, axis + 1);
  };
  visit(given, 0);
  return { shape, values };
}

const isNumber = (value: unknown): value is number => typeof value === 'number';
const isString = (value: unknown): value is string => typeof value === 'string';

export const flattenNumbers = (where: string, given: unknown): Flat<number> => flatten(where, given, isNumber, 'numbers');

export const flattenStrings = (where: string, given: unknown): Flat<string> => flatten(where, given, isString, 'texts');

/** One array of numbers; undefined for a value that is no array. */
async function readNumbers(where: string, given: unknown): Promise<Flat<number> | undefined> {
  if (given instanceof Tensor) return { shape: given.shape, values: await given.data() };
  if (isTyped(given)) return { shape: [given.length], values: given };
  if (isShaped(given)) {
    if (sizeOf(given.shape) === given.data.length) return { shape: given.shape, values: given.data };
    throw new ShapeError(`${where}: ${given.data.length} numbers do not fill ${formatShape(given.shape)}; give as many`);
  }
  const isArray = (value: unknown): boolean => typeof value === 'number' || (Array.isArray(value) && value.every(isArray));
  return Array.isArray(given) && isArray(given[0]) ? flattenNumbers(where, given) : undefined;
}

function readStrings(where: string, given: unknown): Flat<string> | undefined {
  if (typeof given !== 'string' && !(Array.isArray(given) && (given.length === 0 || isTextOrList(given[0])))) return undefined;
  return flattenStrings(where, given);
}

const isTextOrList = (value: unknown): boolean => typeof value === 'string' || Array.isArray(value);

/** Batches of a value that a user gave. A record gives its x. */
async function* batchesOf<Element>(
  where: string,
  given: unknown,
  read: (where: string, value: unknown) => Flat<Element> | undefined | Promise<Flat<Element> | undefined>,
  takes: string,
): AsyncGenerator<Flat<Element>> {
  const whole = await read(where, given);
  if (whole) {
    yield whole;
    return;
  }
  const isIterable = typeof given === 'object' && given !== null && (Symbol.asyncIterator in given || Symbol.iterator in given);
  if (!isIterable) throw new DataError(`${where}: takes ${takes}, or batches of them, got ${shown(given)}`);
  for await (const element of given as AsyncIterable<unknown>) {
    const isRecord = typeof element === 'object' && element !== null && !(element instanceof Tensor) && 'x' in element;
    const batch = await read(where, isRecord ? element.x : element);
    if (!batch) throw new DataError(`${where}: a batch is ${shown(element)}; it must be ${takes}, or { x }`);
    yield batch;
  }
}

export const numberBatches = (where: string, given: unknown): AsyncGenerator<Flat<number>> =>
  batchesOf(where, given, readNumbers, 'an array of numbers');

export const stringBatches = (where: string, given: unknown): AsyncGenerator<Flat<string>> =>
  batchesOf(where, given, readStrings, 'lists of texts');

export const noData = (where: string): DataError => new DataError(`${where}: the data are empty; give at least one sample`);

/** Guards what a layer learned: a compiled program keeps the numbers that it was traced with. */
export interface LearnedOnce {
  /** Called when the learned numbers are used. */
  used(): void;
  /** @throws TraceError if a compiled program has used the numbers. */
  checkFree(where: string): void;
}

export function learnedOnce(): LearnedOnce {
  let tracedBy: string | undefined;
  return {
    used() {
      tracedBy ??= currentTrace()?.name;
    },
    checkFree(where) {
      if (tracedBy === undefined) return;
      throw new TraceError(
        `${where}: ${tracedBy} was compiled with the present numbers and keeps them; adapt before, or make a new layer and model`,
      );
    },
  };
}
