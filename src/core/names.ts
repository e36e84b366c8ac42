// Lookup by name: `loss: 'huber'`. An error about a wrong name lists the names and suggests the nearest one.
import { ArgumentError } from './errors.ts';
import { nearestName } from './nearest.ts';

/** The first name that occurs twice; undefined if all differ. */
export const repeatedName = (names: readonly string[]): string | undefined => names.find((name, i) => names.indexOf(name) < i);

/** Tables of things that options take by name. */
export type NameTable = 'losses' | 'metrics' | 'optimizers' | 'activations';

type Tables = Readonly<Record<NameTable, Readonly<Record<string, unknown>>>>;

let tables: Tables = { losses: {}, metrics: {}, optimizers: {}, activations: {} };

/**
 * Makes names known to the options that take them. The entry `ombre` calls it with everything. The entry `ombre/lean` does not: a bundler
 * then drops what a program does not import.
 */
export function provideNames(given: Tables): void {
  tables = given;
}

/** Entries of a table, none in a program that has no names. */
export const namedEntries = (table: NameTable): [name: string, value: unknown][] => Object.entries(tables[table]);

/**
 * The entry of a table of named things.
 * @throws ArgumentError listing the table's names, the nearest one first.
 */
export function lookUp<T>(what: string, name: string, table: NameTable): T {
  if (Object.hasOwn(tables[table], name)) return tables[table][name] as T;
  const known = Object.keys(tables[table]);
  if (known.length === 0) {
    throw new ArgumentError(
      `${what} '${name}' is a name, and 'ombre/lean' has no names; ` +
        `write ${table}.${/^\w+$/.test(name) ? name : 'NAME'}(), or import 'ombre' in place of 'ombre/lean'`,
    );
  }
  const nearest = nearestName(name, known);
  throw new ArgumentError(
    `unknown ${what} '${name}'${nearest ? `; did you mean '${nearest}'? The` : '; the'} names are ${known.join(', ')}`,
  );
}
