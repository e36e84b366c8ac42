// Lookup by name: `loss: 'huber'`. An error about a wrong name lists the names and suggests the nearest one.
import { ArgumentError } from './errors.ts';
import { nearestName } from './nearest.ts';

/** The first name that occurs twice; undefined if all differ. */
export const repeatedName = (names: readonly string[]): string | undefined => names.find((name, i) => names.indexOf(name) < i);

/**
 * The entry of a table of named things.
 * @throws ArgumentError listing the table's names, the nearest one first.
 */
export function lookUp<T>(what: string, name: string, table: Readonly<Record<string, T>>): T {
  if (Object.hasOwn(table, name)) return table[name];
  const known = Object.keys(table);
  const nearest = nearestName(name, known);
  throw new ArgumentError(
    `unknown ${what} '${name}'${nearest ? `; did you mean '${nearest}'? The` : '; the'} names are ${known.join(', ')}`,
  );
}
