// Things chosen by name: `loss: 'huber'`. A wrong name gets the list and the nearest right one.
import { ArgumentError } from './errors.ts';

/** Number of single-letter edits between two words. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    previous = row;
  }
  return previous[b.length];
}

/** Case, underscores and hyphens do not count: mean_squared_error is meanSquaredError's neighbour. */
const plain = (name: string): string => name.toLowerCase().replace(/[_\-\s]/g, '');

/** The known name that was probably meant, or undefined where none is near. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const wanted = plain(name);
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(wanted, plain(candidate));
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

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
