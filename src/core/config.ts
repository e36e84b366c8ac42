// Configs: plain data that describe the result of a factory. JSON stores them without loss, and registry.ts makes the object again.
import { ArgumentError } from './errors.ts';
import { isBranch } from './tree.ts';

/** Data that JSON stores without loss. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** A factory and the options to call it with. Numbers that JSON lacks are written as `{ $number: 'Infinity' }`. */
export interface Config {
  /** Name of the factory, such as `layers.dense`, or a kind that was registered. */
  readonly kind: string;
  readonly options: { readonly [name: string]: Json };
}

/** An object with the config from which it can be made again. */
export type Configured<T> = T & { readonly config: Config };

const isRecord = (value: unknown): value is Record<string, unknown> => isBranch(value) && !Array.isArray(value);

/** Whether data have exactly these keys. */
const hasKeys = (value: Record<string, unknown>, ...keys: readonly string[]): boolean =>
  Object.keys(value).length === keys.length && keys.every((key) => Object.hasOwn(value, key));

export const isConfig = (value: unknown): value is Config =>
  isRecord(value) && hasKeys(value, 'kind', 'options') && typeof value.kind === 'string' && isRecord(value.options);

/** Text of a number that JSON lacks, or undefined if JSON has it. */
const specialNumber = (value: number): string | undefined =>
  Object.is(value, -0) ? '-0' : Number.isFinite(value) ? undefined : String(value);

/** The number of `{ $number: text }`, or undefined if the data are something else. */
function readSpecial(data: Record<string, unknown>): number | undefined {
  if (!hasKeys(data, '$number') || typeof data.$number !== 'string') return undefined;
  const value = Number(data.$number);
  return data.$number === specialNumber(value) ? value : undefined;
}

/** Gives the config of an object with a config: `config` computes its own. */
export type Substitute = (value: object, config: () => Config) => Config;

let substitute: Substitute = (_, config) => config();

/** Runs fn while `given` gives the configs of the objects in plain data. */
export function withSubstitutes<T>(given: Substitute, fn: () => T): T {
  const before = substitute;
  substitute = given;
  try {
    return fn();
  } finally {
    substitute = before;
  }
}

/**
 * A value as plain data. Objects with a config are written as their config.
 * @throws ArgumentError for functions and objects without a config. `at` names the option.
 */
export function plainData(value: unknown, at: string): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') {
    const special = specialNumber(value);
    return special === undefined ? value : { $number: special };
  }
  if (Array.isArray(value)) return value.map((element, i) => plainData(element ?? null, `${at}[${i}]`));
  if ((typeof value === 'object' || typeof value === 'function') && 'config' in value) {
    const config = substitute(value, () => (value as Configured<object>).config);
    if (isConfig(config)) return config as unknown as Json;
  }
  if (isRecord(value)) {
    // Read back, these records would become something else.
    if (!isConfig(value) && readSpecial(value) === undefined) {
      const entries = Object.entries(value).filter(([, element]) => element !== undefined);
      return Object.fromEntries(entries.map(([name, element]) => [name, plainData(element, `${at}.${name}`)]));
    }
  }
  const what =
    typeof value === 'function' ? 'a function of your own' : typeof value === 'object' ? 'an object of your own' : `a ${typeof value}`;
  throw new ArgumentError(
    `${at} is ${what}, which a config cannot hold; make it by a factory that register(kind, factory) returned, which gives it a config`,
  );
}

/** Plain data with their numbers, and with everything that a config describes made by `make`. */
export function revive(data: unknown, make: (config: Config) => unknown): unknown {
  if (isConfig(data)) return make(data);
  if (Array.isArray(data)) return data.map((element) => revive(element, make));
  if (!isRecord(data)) return data;
  return readSpecial(data) ?? Object.fromEntries(Object.entries(data).map(([name, element]) => [name, revive(element, make)]));
}
