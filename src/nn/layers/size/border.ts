// Sides of sequences, images and volumes, as options.
import { type Kind, kindOf, positiveInteger } from '../../../core/optionKinds.ts';
import type { Sides } from '../../../ops/conv/extent.ts';

const isAmount = (value: unknown): value is number => value === 0 || positiveInteger.accepts(value);
const isPair = (value: unknown): value is Sides => Array.isArray(value) && value.length === 2 && Array.from<unknown>(value).every(isAmount);

/** An amount for all sides, an amount for each axis, or [before, after] for each axis. */
export type SidesOption = number | readonly (number | Sides)[];

const rules = {
  1: 'a whole number of at least 0, or two: [before, after]',
  2: 'a whole number of at least 0, two of them, or [[top, bottom], [left, right]]',
  3: 'a whole number of at least 0, three of them, or [[front, back], [top, bottom], [left, right]]',
} as const;

/** Reads as [before, after] for each axis. */
/* @__NO_SIDE_EFFECTS__ */
export function sidesKind(axes: 1 | 2 | 3): Kind<SidesOption, readonly Sides[]> {
  return kindOf<SidesOption, readonly Sides[]>({
    rule: rules[axes],
    accepts: (value): value is SidesOption =>
      isAmount(value) ||
      (axes === 1 && isPair(value)) ||
      (Array.isArray(value) && value.length === axes && Array.from<unknown>(value).every((one) => isAmount(one) || isPair(one))),
    convert(value) {
      const list = typeof value === 'number' ? new Array<number>(axes).fill(value) : axes === 1 && isPair(value) ? [value] : value;
      return Object.freeze(list.map((one): Sides => (typeof one === 'number' ? [one, one] : [one[0], one[1]])));
    },
  });
}
