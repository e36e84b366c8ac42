// The known name that is nearest to a misspelt one.

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

/** A name without case, underscores and hyphens, which are ignored: mean_squared_error is meanSquaredError. */
const plain = (name: string): string => name.toLowerCase().replace(/[_\-\s]/g, '');

/** The known name that was probably meant, or undefined if none is near. */
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

/** `; did you mean 'relu'?`, or an empty text if no known name is near. */
export function didYouMean(value: unknown, known: readonly string[]): string {
  const near = typeof value === 'string' ? nearestName(value, known) : undefined;
  return near === undefined ? '' : `; did you mean '${near}'?`;
}
