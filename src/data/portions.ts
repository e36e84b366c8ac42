// Numbers of samples in the parts of data, and the assignment of samples to parts.
import type { RandomStream } from '../core/random.ts';
import type { Classes } from './labels.ts';

/**
 * Number of samples before the last fraction, floor(count (1 - fraction)). Products that miss a whole number by rounding are that number: of
 * 10 samples, 0.8 leaves 2, although 1 - 0.8 is 0.19999999999999996.
 */
export function splitBorder(count: number, fraction: number): number {
  const held = count * fraction;
  const nearest = Math.round(held);
  return count - (Math.abs(held - nearest) <= count * 2 ** -50 ? nearest : Math.ceil(held));
}

/**
 * Number of samples of each class that are held back, `held` in total, by largest remainder. A class of two or more samples is in both parts:
 * then the total may differ from `held`. A class of one sample is not held back.
 */
export function heldByClass(sizes: readonly number[], held: number): readonly number[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const ideal = sizes.map((size) => (size * held) / total);
  const least = sizes.map((size) => (size > 1 ? 1 : 0));
  const most = sizes.map((size) => size - 1);
  const taken = ideal.map((share, i) => Math.min(Math.max(Math.floor(share), least[i]), most[i]));
  for (let rest = held - taken.reduce((sum, n) => sum + n, 0); rest !== 0; rest -= Math.sign(rest)) {
    const step = Math.sign(rest);
    // The class that is furthest below its share takes one more, or the one furthest above gives one.
    const candidates = [...sizes.keys()].filter((i) => (step > 0 ? taken[i] < most[i] : taken[i] > least[i]));
    if (candidates.length === 0) break;
    const gap = (i: number): number => step * (ideal[i] - taken[i]);
    taken[candidates.reduce((best, i) => (gap(i) > gap(best) ? i : best))] += step;
  }
  return taken;
}

/** The list in a random order, or a copy of it if there is no stream. */
export function inOrder(list: readonly number[], random: RandomStream | undefined): readonly number[] {
  return random ? Array.from(random.permutation(list.length), (i) => list[i]) : [...list];
}

/** Splits samples. The held ones are the last of each class, after the shuffle if there is a stream. */
export function holdBack(
  classes: Classes,
  held: number,
  random: RandomStream | undefined,
): readonly [kept: readonly number[], held: readonly number[]] {
  const lists = [...classes.values()];
  const counts =
    lists.length === 1
      ? [held]
      : heldByClass(
          lists.map((list) => list.length),
          held,
        );
  const kept: number[] = [];
  const taken: number[] = [];
  lists.forEach((list, i) => {
    const ordered = inOrder(list, random);
    kept.push(...ordered.slice(0, list.length - counts[i]));
    taken.push(...ordered.slice(list.length - counts[i]));
  });
  const arranged = (part: readonly number[]): readonly number[] => (random ? inOrder(part, random) : [...part].sort((a, b) => a - b));
  return [arranged(kept), arranged(taken)];
}

/** Deals samples to folds. Fold sizes, and the numbers of each class in them, differ by at most one. */
export function dealFolds(classes: Classes, folds: number, random: RandomStream | undefined): readonly (readonly number[])[] {
  const parts: number[][] = Array.from({ length: folds }, () => []);
  const total = [...classes.values()].reduce((sum, list) => sum + list.length, 0);
  if (classes.size === 1) {
    // Without classes a fold is a range: the first ones have one sample more.
    const [list] = classes.values();
    const ordered = inOrder(list, random);
    let begin = 0;
    parts.forEach((part, i) => part.push(...ordered.slice(begin, (begin += Math.floor(total / folds) + (i < total % folds ? 1 : 0)))));
  } else {
    let next = 0;
    for (const list of classes.values()) for (const sample of inOrder(list, random)) parts[next++ % folds].push(sample);
  }
  for (const part of parts) part.sort((a, b) => a - b);
  return parts;
}

/**
 * Assigns whole groups to parts with these shares. Large groups come first. Each goes to the part for which the shares of all classes are
 * nearest to the requested ones, by the sum of squares: the method of scikit-learn's StratifiedGroupKFold, for any shares.
 */
export function assignGroups(
  groups: Classes,
  classes: Classes,
  shares: readonly number[],
  random: RandomStream | undefined,
): readonly (readonly number[])[] {
  const classOf = new Map([...classes.values()].flatMap((list, c) => list.map((sample) => [sample, c] as const)));
  const totals = [...classes.values()].map((list) => list.length);
  const lists = [...groups.values()];
  const order = [...inOrder([...lists.keys()], random)].sort((a, b) => lists[b].length - lists[a].length);
  const counts = shares.map(() => totals.map(() => 0));
  const parts: number[][] = shares.map(() => []);
  for (const group of order) {
    const added = totals.map(() => 0);
    for (const sample of lists[group]) added[classOf.get(sample)!]++;
    const costs = shares.map((_, chosen) => {
      let cost = 0;
      shares.forEach((share, part) =>
        totals.forEach((total, c) => (cost += ((counts[part][c] + (part === chosen ? added[c] : 0)) / total - share) ** 2)),
      );
      return cost;
    });
    const filled = (part: number): number => parts[part].length / shares[part];
    // Costs of equal shares differ by rounding only.
    const isBetter = (part: number, best: number): boolean =>
      Math.abs(costs[part] - costs[best]) < 1e-12 ? filled(part) < filled(best) : costs[part] < costs[best];
    const chosen = [...shares.keys()].reduce((best, part) => (isBetter(part, best) ? part : best));
    parts[chosen].push(...lists[group]);
    added.forEach((n, c) => (counts[chosen][c] += n));
  }
  for (const part of parts) part.sort((a, b) => a - b);
  return parts;
}
