// Positions of windows along one, two or three axes: strides, padding and dilation over [batch, ...axes, channels], and their checks.
import { ArgumentError, ShapeError } from '../../core/errors.ts';
import { type Shape, formatShape } from '../../core/shape.ts';

export type Sides = readonly [before: number, after: number];

/** Step of the windows, zero padding around the data, and distance between the taps, with one entry per axis. */
export interface Windows {
  readonly strides: readonly number[];
  readonly padding: readonly Sides[];
  readonly dilations: readonly number[];
}

export type PaddingOption = 'valid' | 'same' | readonly Sides[];

interface Space {
  /** Name of the data with this many axes, with its article. */
  readonly one: string;
  readonly many: string;
  readonly axes: readonly string[];
  readonly count: string;
  readonly sides: string;
  /** Unit of padding. */
  readonly unit: string;
}

const spaces: Readonly<Record<number, Space>> = {
  1: { one: 'a sequence', many: 'sequences', axes: ['width'], count: 'one', sides: '[[left, right]]', unit: 'steps' },
  2: {
    one: 'an image',
    many: 'images',
    axes: ['height', 'width'],
    count: 'two',
    sides: '[[top, bottom], [left, right]]',
    unit: 'pixels',
  },
  3: {
    one: 'a volume',
    many: 'volumes',
    axes: ['depth', 'height', 'width'],
    count: 'three',
    sides: '[[front, back], [top, bottom], [left, right]]',
    unit: 'voxels',
  },
};

/** Names of the axes between batch and channels. */
export const axisNames = (axes: number): readonly string[] => spaces[axes].axes;

/** The axes between batch and channels. */
export const axesOf = (shape: Shape): Shape => shape.slice(1, -1);

/** One positive whole number for all axes, or one for each. */
export function sizesAlong(op: string, name: string, value: number | readonly number[], axes: number): readonly number[] {
  const sizes = typeof value === 'number' ? new Array<number>(axes).fill(value) : value;
  if (!areSizes(sizes, axes)) {
    const { count, axes: names } = spaces[axes];
    const each = axes > 1 ? `, or ${count}: [${names.join(', ')}]` : '';
    throw new ArgumentError(`${op}: ${name} is ${JSON.stringify(value)}; give a positive whole number${each}`);
  }
  return sizes;
}

const areSizes = (sizes: unknown, axes: number): sizes is readonly number[] =>
  Array.isArray(sizes) && sizes.length === axes && sizes.every((n) => Number.isInteger(n) && (n as number) >= 1);

/** Size of a window, including the gaps of dilation. */
export const span = (size: number, dilation: number): number => (size - 1) * dilation + 1;

/** Splits the total padding between both sides. The odd element goes to the end, as in TensorFlow. */
export const halves = (total: number): Sides => [Math.floor(total / 2), Math.ceil(total / 2)];

/**
 * Padding in numbers. `same` keeps ceil(size / stride) windows.
 * @throws ArgumentError for anything but 'valid', 'same' or [before, after] for each axis.
 */
export function paddingAlong(
  op: string,
  padding: PaddingOption,
  size: Shape,
  window: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
): readonly Sides[] {
  if (padding === 'valid') return size.map(() => [0, 0]);
  if (padding === 'same') {
    return size.map((n, axis) => {
      const windows = Math.ceil(n / strides[axis]);
      return halves(Math.max(0, (windows - 1) * strides[axis] + span(window[axis], dilations[axis]) - n));
    });
  }
  if (!arePaddings(padding, size.length)) {
    const { sides, unit } = spaces[size.length];
    throw new ArgumentError(`${op}: padding is ${JSON.stringify(padding)}; give 'valid', 'same' or ${sides} in ${unit}`);
  }
  return padding;
}

function arePaddings(padding: unknown, axes: number): padding is readonly Sides[] {
  const areSides = (sides: unknown): boolean =>
    Array.isArray(sides) && sides.length === 2 && sides.every((n) => Number.isInteger(n) && (n as number) >= 0);
  return Array.isArray(padding) && padding.length === axes && padding.every(areSides);
}

/** Number of windows along each axis. */
export function windowsAlong(op: string, size: Shape, window: readonly number[], { strides, padding, dilations }: Windows): number[] {
  return size.map((n, axis) => {
    const room = n + padding[axis][0] + padding[axis][1] - span(window[axis], dilations[axis]);
    if (room < 0) {
      const dilated = dilations.some((d) => d > 1) ? ` (dilated by ${dilations.join('x')})` : '';
      throw new ShapeError(
        `${op}: a window of ${window.join('x')}${dilated} does not fit into ${spaces[size.length].one} of ${size.join('x')}; ` +
          `use padding 'same' or a smaller window`,
      );
    }
    return Math.floor(room / strides[axis]) + 1;
  });
}

/**
 * Adds padding at the end so that the last window, which begins inside the data or the padding before it, is complete. This is PyTorch's
 * ceil_mode.
 */
export function padForLastWindow(size: Shape, window: readonly number[], { strides, padding, dilations }: Windows): readonly Sides[] {
  return size.map((n, axis): Sides => {
    const [before, after] = padding[axis];
    const room = n + before + after - span(window[axis], dilations[axis]);
    if (room < 0) return padding[axis];
    const last = Math.ceil(room / strides[axis]);
    const begins = last * strides[axis] < n + before;
    return begins ? [before, after + last * strides[axis] - room] : padding[axis];
  });
}

/** Throws unless x is [batch, ...axes, channels]. */
export function checkRank(op: string, shape: Shape, axes: number): void {
  if (shape.length === axes + 2) return;
  const { many, axes: names } = spaces[axes];
  throw new ShapeError(`${op}: x is ${formatShape(shape)}; ${many} are [batch, ${names.join(', ')}, channels], use reshape or expandDims`);
}

/** Throws if a window could be entirely in padding: it would have no element to pool. */
export function checkOverlap(op: string, padding: readonly Sides[], window: readonly number[]): void {
  padding.forEach((sides, axis) => {
    if (Math.max(...sides) < window[axis]) return;
    throw new ArgumentError(`${op}: padding ${JSON.stringify(padding)} is as large as the window ${window.join('x')}; keep it smaller`);
  });
}

/** Throws unless the filter is [...window, channels / groups, output channels] and fits x and the groups. */
export function checkFilter(op: string, x: Shape, filter: Shape, groups: number): void {
  const axes = x.length - 2;
  const layout = `filters are [${spaces[axes].axes.join(', ')}, channels / groups, output channels]`;
  if (filter.length !== axes + 2) throw new ShapeError(`${op}: filter is ${formatShape(filter)}; ${layout}`);
  const [channels, [takes, out]] = [x[axes + 1], filter.slice(-2)];
  if (takes * groups !== channels) {
    const grouped = groups > 1 ? ` in each of ${groups} groups` : '';
    throw new ShapeError(
      `${op}: channels differ: x ${formatShape(x)} has ${channels}, filter ${formatShape(filter)} takes ${takes}${grouped}; ${layout}`,
    );
  }
  if (filter.slice(0, axes).some((n) => n === 0)) throw new ShapeError(`${op}: filter ${formatShape(filter)} has no taps; ${layout}`);
  if (out % groups !== 0) {
    throw new ShapeError(`${op}: ${out} output channels do not divide into ${groups} groups; change the filter or groups`);
  }
}

export function checkGroups(op: string, groups: number): void {
  if (!Number.isInteger(groups) || groups < 1) throw new ArgumentError(`${op}: groups is ${String(groups)}; give a positive whole number`);
}
