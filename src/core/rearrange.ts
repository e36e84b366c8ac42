// Rearranges arrays on the host by a text such as 'o i h w -> h w i o', in both directions.
// Rogozhnikov, Einops: Clear and Reliable Tensor Manipulations with Einstein-like Notation, 2022.
import { ArgumentError } from './errors.ts';
import { type Shape, formatShape, sizeOf, stridesOf } from './shape.ts';

/** Array of numbers, such as a typed array. */
export interface NumberArray {
  readonly length: number;
  [index: number]: number;
}

interface Axis {
  readonly name: string;
  readonly size: number;
}

/** A rearrangement for arrays of known shapes. */
export interface Rearrangement {
  /** Shape on the left side. */
  readonly from: Shape;
  /** Offset on the left side of each entry of each axis on the right side. */
  readonly offsets: readonly Int32Array[];
  /** Offsets of the entries that are added together. */
  readonly added: readonly number[];
}

export interface RearrangeSettings {
  /** Shape on the right side. */
  readonly to: Shape;
  /** Size of the first axis on the left side, if the right side does not have that axis. Its entries are added. */
  readonly first?: number;
  /** For an axis, the entry on the left side of each entry on the right side. */
  readonly order?: Readonly<Record<string, readonly number[]>>;
  /** Sizes of axes that do not follow from the shape. */
  readonly sizes?: Readonly<Record<string, number>>;
}

/** Axes of one side: names in groups, one group for each axis of the array. */
function groupsOf(side: string, fail: (rule: string) => never): string[][] {
  const parts = side.trim().match(/\([^()]*\)|[^\s()]+/g) ?? [];
  if (parts.join('').replace(/\s/g, '') !== side.replace(/\s/g, '')) fail('brackets must come in pairs, not one inside another');
  return parts.map((part) => {
    const names = part.replace(/[()]/g, ' ').trim().split(/\s+/);
    const wrong = names.find((name) => !/^([a-z]\w*|1|\.\.\.)$/i.test(name));
    if (wrong !== undefined) fail(`'${wrong}' is no name of an axis`);
    return names;
  });
}

/**
 * Plans a rearrangement. A name is an axis, `(a b)` is one axis made of two, `1` is an axis of size 1, and `...` are all other axes. An axis
 * that only the left side has is summed. Sizes follow from the shape on the right side. Undefined if that shape does not fit the text.
 *
 *     planRearrangement('o i ... -> ... i o', { to: [3, 3, 8, 16] })!.from; // [16, 8, 3, 3]
 *
 * @throws ArgumentError for a text that is no rearrangement.
 */
export function planRearrangement(
  text: string,
  { to, first, order = {}, sizes: given = {} }: RearrangeSettings,
): Rearrangement | undefined {
  const fail = (rule: string): never => {
    throw new ArgumentError(`axes '${text}': ${rule}; write it like 'o i h w -> h w i o'`);
  };
  const sides = text.split('->');
  if (sides.length !== 2) fail('there must be one arrow');
  const [left, right] = sides.map((side) => groupsOf(side, fail));
  for (const [name, entries] of Object.entries(order)) {
    const isPermutation = [...entries].sort((a, b) => a - b).every((entry, i) => entry === i);
    if (!isPermutation) fail(`order of '${name}' is [${entries.join(',')}]; it must have each entry once`);
  }
  const others = to.length - right.filter(([name]) => name !== '...').length;
  if (others < 0 || (others > 0 && !right.some(([name]) => name === '...'))) return undefined;
  const rest = Array.from({ length: others }, (_, i) => [`...${i}`]);
  const [from, onto] = [left, right].map((groups) => groups.flatMap((names) => (names[0] === '...' ? rest : [names])));
  const sizes = new Map<string, number>([
    ...Object.entries(given),
    ...Object.entries(order).map(([name, { length }]) => [name, length] as const),
  ]);
  if (first !== undefined) sizes.set(from[0][0], first);
  const isFit = onto.every((names, axis) => fits(names, to[axis], sizes, fail));
  if (!isFit) return undefined;
  const known = (names: readonly string[]): Axis[] =>
    names.filter((name) => name !== '1').map((name) => ({ name, size: sizes.get(name) ?? fail(`the size of '${name}' is not known`) }));
  const [ofLeft, ofRight] = [from.flatMap(known), onto.flatMap(known)];
  for (const axes of [ofLeft, ofRight]) {
    if (new Set(axes.map(({ name }) => name)).size !== axes.length) fail('a side has a name twice');
  }
  const strides = stridesOf(ofLeft.map(({ size }) => size));
  const strideOf = new Map(ofLeft.map(({ name }, i) => [name, strides[i]]));
  const offsets = ofRight.map(({ name, size }) => {
    const stride = strideOf.get(name) ?? fail(`'${name}' is not on the left side`);
    const entries = Object.hasOwn(order, name) ? order[name] : undefined;
    return Int32Array.from({ length: size }, (_, i) => stride * (entries ? entries[i] : i));
  });
  const names = new Set(ofRight.map(({ name }) => name));
  const summed = ofLeft.filter(({ name }) => !names.has(name));
  const added = summed.reduce<number[]>(
    (list, { name, size }) => list.flatMap((at) => Array.from({ length: size }, (_, i) => at + i * strideOf.get(name)!)),
    [0],
  );
  return { from: from.map((group) => sizeOf(known(group).map(({ size }) => size))), offsets, added };
}

/** Finds the size of the names in one axis. One of them may be open. */
function fits(names: readonly string[], size: number, sizes: Map<string, number>, fail: (rule: string) => never): boolean {
  const open = names.filter((name) => name !== '1' && !sizes.has(name));
  if (open.length > 1) fail(`the sizes of '${open.join("' and '")}' are not known`);
  const product = names.reduce((total, name) => total * (sizes.get(name) ?? 1), 1);
  if (open.length === 0) return product === size;
  if (product === 0 || size % product !== 0) return false;
  sizes.set(open[0], size / product);
  return true;
}

/** Calls `each` with the left offset and the length of each run along the last axis on the right side. */
function visit(offsets: readonly Int32Array[], each: (base: number) => void, axis = 0, base = 0): void {
  if (axis >= offsets.length - 1) return each(base);
  for (const offset of offsets[axis]) visit(offsets, each, axis + 1, base + offset);
}

const single = Int32Array.of(0);

function checkLength(array: NumberArray, shape: Shape): void {
  if (array.length !== sizeOf(shape)) throw new ArgumentError(`rearrange: ${array.length} elements do not fit ${formatShape(shape)}`);
}

/** Elements of the right side, written into `target`. */
export function rearrange<T extends NumberArray>(source: NumberArray, target: T, { from, offsets, added }: Rearrangement): T {
  checkLength(source, from);
  const last = offsets[offsets.length - 1] ?? single;
  added.forEach((start, i) => {
    let at = 0;
    visit(
      offsets,
      (base) => {
        if (i === 0) for (const offset of last) target[at++] = source[base + offset];
        else for (const offset of last) target[at++] += source[base + start + offset];
      },
    );
  }); // prettier-ignore
  return target;
}

/** Elements of the left side, written into `target`, which is all zeros. Of elements that are added, the first gets the whole value. */
export function rearrangeBack<T extends NumberArray>(source: NumberArray, target: T, { from, offsets }: Rearrangement): T {
  checkLength(target, from);
  const last = offsets[offsets.length - 1] ?? single;
  let at = 0;
  visit(offsets, (base) => {
    for (const offset of last) target[base + offset] = source[at++];
  });
  return target;
}
