// Unchecked data of a file: their place, and safe ways to read them.
import { FormatError, OmbreError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';

/** A place in a file, for messages: the function, the file, the layer. */
export class Place {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  at(part: string): Place {
    return new Place(`${this.text}: ${part}`);
  }

  fail(message: string): never {
    throw new FormatError(`${this.text}: ${message}`);
  }

  /** Runs `make`. Errors of the library that it throws become errors about this place. */
  guard<T>(make: () => T): T {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof OmbreError) || error instanceof FormatError) throw error;
      throw new FormatError(`${this.text}: ${error.message}`, { cause: error });
    }
  }
}

/** An object of JSON. Its names may be any text, `__proto__` included: read them by `field`. */
export type JsonRecord = Readonly<Record<string, unknown>>;

export const isRecord = (value: unknown): value is JsonRecord => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The value of a name that the record itself has. */
export const field = (record: JsonRecord, name: string): unknown => (Object.hasOwn(record, name) ? record[name] : undefined);

export function recordAt(place: Place, value: unknown, what: string): JsonRecord {
  return isRecord(value) ? value : place.fail(`${what} is ${shown(value)}; it must be an object`);
}

export function listAt(place: Place, value: unknown, what: string): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : place.fail(`${what} is ${shown(value)}; it must be a list`);
}

export function textAt(place: Place, value: unknown, what: string): string {
  return typeof value === 'string' && value !== '' ? value : place.fail(`${what} is ${shown(value)}; it must be a text`);
}

/** JSON of a file as data. */
export function parseJson(place: Place, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    return place.fail(`it is no JSON: ${(error as Error).message}`);
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true });

export function textOf(place: Place, bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return place.fail('it is no text in UTF-8');
  }
}

/** recurrent_kernel to recurrentKernel. */
export const camelCase = (name: string): string => name.replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** recurrentKernel to recurrent_kernel. */
export const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
