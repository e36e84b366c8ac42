// Windows of convolution and pooling layers. The ops place the windows; layers offer the paddings that have names.
import { type Kind, kindOf, oneOf, positiveInteger } from '../core/optionKinds.ts';
import type { Shape } from '../core/shape.ts';
import { type Sides, axesOf, paddingAlong, span, windowsAlong } from '../ops/conv/extent.ts';
import { checkRank } from './inputChecks.ts';

export type WindowPadding = 'valid' | 'same';

export const paddingKind: Kind<WindowPadding> = /* @__PURE__ */ oneOf('valid', 'same');

/** Paddings of sequences. */
export type SequencePadding = WindowPadding | 'causal';

export const sequencePaddingKind: Kind<SequencePadding> = /* @__PURE__ */ oneOf('valid', 'same', 'causal');

/** Whole numbers from 0 on: one for all axes, or one for each. */
/* @__NO_SIDE_EFFECTS__ */
export function sizesFromZero(axes: 1 | 2 | 3): Kind<number | readonly number[], readonly number[]> {
  const isSize = (value: unknown): value is number => value === 0 || positiveInteger.accepts(value);
  return kindOf<number | readonly number[], readonly number[]>({
    rule: axes === 1 ? 'a whole number of at least 0' : `a whole number of at least 0, or a list of ${axes}`,
    accepts: (value): value is number | readonly number[] =>
      isSize(value) || (Array.isArray(value) && value.length === axes && Array.from<unknown>(value).every(isSize)),
    convert: (value) => Object.freeze(typeof value === 'number' ? new Array<number>(axes).fill(value) : [...value]),
  });
}

export interface WindowSizes {
  readonly size: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padding: SequencePadding;
}

/** Inputs of layers with windows, by their number of axes between batch and channels. */
const inputsOf = [
  '[batch, channels]',
  '[batch, steps, channels]',
  '[batch, height, width, channels]',
  '[batch, depth, height, width, channels]',
];

/** @throws ShapeError unless a sample has this number of axes before its channels. */
export const checkAxes = (where: string, shape: Shape, axes: number): void => checkRank(where, shape, axes + 1, inputsOf[axes]);

/** Padding in numbers for the op. 'causal' pads only before the first step. */
export const opPadding = ({ padding, size, dilations }: WindowSizes): WindowPadding | readonly Sides[] =>
  padding === 'causal' ? [[span(size[0], dilations[0]) - 1, 0]] : padding;

/** Sizes that the windows leave of the axes of a sample [...axes, channels]. */
export function windowedShape(where: string, shape: Shape, windows: WindowSizes): number[] {
  const { size, strides, dilations } = windows;
  const axes = axesOf([1, ...shape]);
  const padding = paddingAlong(where, opPadding(windows), axes, size, strides, dilations);
  return windowsAlong(where, axes, size, { strides, padding, dilations });
}
