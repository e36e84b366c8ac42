// Matches donated arguments with results that take over their memory. The types must be equal. Of several results, the one whose path has the longest
// common end is taken: the new `parameters.dense_1.kernel` replaces the old one, and not another kernel of the same shape.
import type { Donation } from '../compiler/index.ts';
import { formatShape } from '../core/shape.ts';
import { isScalarInput } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';

/** The argument number at the start of a path such as `[0].weights`. */
export const argumentOf = (path: string): number => Number(/^\[(\d+)\]/.exec(path)?.[1]);

/** Pairs each donated input with the result that takes over its memory. */
export function matchDonations(
  inputs: readonly Tensor[],
  inputPaths: readonly string[],
  outputs: readonly Tensor[],
  outputPaths: readonly string[],
  donate: ReadonlySet<number>,
): Donation[] {
  const donated = inputs.flatMap((input, i) => (donate.has(argumentOf(inputPaths[i])) && !isScalarInput(input) ? [i] : []));
  const types = new Set(donated.map((i) => typeOf(inputs[i])));
  const free = new Map([...types].map((type) => [type, new Suffixes(outputPaths)] as const));
  outputs.forEach((output, o) => free.get(typeOf(output))?.add(o));
  return donated.flatMap((input) => {
    const output = free.get(typeOf(inputs[input]))!.take(inputPaths[input]);
    return output === undefined ? [] : [{ input, output }];
  });
}

const typeOf = ({ dtype, shape }: Tensor): string => dtype + formatShape(shape);

/** Paths with a common end. */
interface Branch {
  /** Numbers of the paths, in ascending order. Those before `next` are taken. */
  readonly numbers: number[];
  next: number;
  free: number;
  /** Subtrees by the character before the common end; '' for a path without one. Created with the second path. */
  children: Map<string, Branch> | undefined;
}

/** A tree of paths by their characters, from the last one to the first. Finding the best match does not compare all paths. */
class Suffixes {
  private readonly paths: readonly string[];
  private readonly isTaken = new Set<number>();
  private readonly root = branch();

  constructor(paths: readonly string[]) {
    this.paths = paths;
  }

  add(number: number): void {
    let at = this.root;
    for (let depth = 0; ; depth++) {
      at.numbers.push(number);
      at.free++;
      if (at.numbers.length === 1) return;
      // The first path has no subtree yet.
      if (!at.children) at.children = new Map([[this.before(at.numbers[0], depth), branch(at.numbers[0])]]);
      const key = this.before(number, depth);
      if (key === '') return void at.children.set(key, branch(number));
      let child = at.children.get(key);
      if (!child) at.children.set(key, (child = branch()));
      at = child;
    }
  }

  /** Takes the free path that has the longest common end with the given one. Of several, the first. */
  take(path: string): number | undefined {
    let end = this.root;
    if (end.free === 0) return undefined;
    for (let depth = 0; depth < path.length; depth++) {
      const child = end.children?.get(path[path.length - 1 - depth]);
      if (!child?.free) break;
      end = child;
    }
    while (this.isTaken.has(end.numbers[end.next])) end.next++;
    const found = end.numbers[end.next];
    this.isTaken.add(found);
    for (let at: Branch | undefined = this.root, depth = 0; at; at = at.children?.get(this.before(found, depth++))) at.free--;
    return found;
  }

  private before(number: number, depth: number): string {
    const path = this.paths[number];
    return depth < path.length ? path[path.length - 1 - depth] : '';
  }
}

const branch = (...numbers: number[]): Branch => ({ numbers, next: 0, free: numbers.length, children: undefined });
