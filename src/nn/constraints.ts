// Constraints: parameters are brought back to them after each update. Formulas and defaults are those of Keras.
import type { Configured } from '../core/config.ts';
import { ArgumentError } from '../core/errors.ts';
import { type Kind, either, integer, listOf, named, number } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, withConfig } from '../core/options.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, clip, div, maximum, mul, norm } from '../ops/index.ts';

/** Maps a parameter after its update to its constrained value, of the same shape. */
export type Constraint = (parameter: Tensor) => Tensor;

const axisKind = /* @__PURE__ */ either(integer(), listOf(integer(), 'axes'));

/** Added to norms, so that zeros stay zeros. */
const epsilon = 1e-7;

/** √Σ w² over the axes, which stay with size 1. */
const normOver = (parameter: Tensor, axis: number | readonly number[]): Tensor => norm(parameter, { axis, keepDims: true });

export const maxNormOptions = declareOptions('constraints.maxNorm', {
  /** Largest norm. @default 2 */
  maxValue: optional(number('at least 0'), 2),
  /** Axes along which a norm is taken: 0 for the inputs of each unit of a dense layer, [0, 1, 2] for each filter of conv2d. @default 0 */
  axis: optional(axisKind, 0),
});
export type MaxNormOptions = OptionsOf<typeof maxNormOptions>;

/** w min(|w|, maxValue) / |w|. Srivastava et al., "Dropout", 2014. */
function maxNorm(options: MaxNormOptions = {}): Configured<Constraint> {
  const settings = maxNormOptions.read(options);
  const { maxValue, axis } = settings;
  const constraint = (w: Tensor): Tensor => {
    const norms = normOver(w, axis);
    return mul(w, div(clip(norms, 0, maxValue), add(norms, epsilon)));
  };
  return withConfig(constraint, maxNormOptions, settings);
}

export const minMaxNormOptions = declareOptions(
  'constraints.minMaxNorm',
  {
    /** Smallest norm. @default 0 */
    minValue: optional(number('at least 0'), 0),
    /** Largest norm. @default 1 */
    maxValue: optional(number('at least 0'), 1),
    /** Share of the way to the nearest allowed norm that one update goes. 1 enforces the norms. @default 1 */
    rate: optional(number('0 to 1'), 1),
    /** Axes along which a norm is taken. @default 0 */
    axis: optional(axisKind, 0),
  },
  ({ minValue, maxValue }, where) => {
    if (minValue > maxValue) {
      throw new ArgumentError(`${where}: minValue is ${minValue} and maxValue ${maxValue}; minValue must not be the greater one`);
    }
  },
);
export type MinMaxNormOptions = OptionsOf<typeof minMaxNormOptions>;

/** w (rate clip(|w|, minValue, maxValue) + (1 - rate) |w|) / |w|. */
function minMaxNorm(options: MinMaxNormOptions = {}): Configured<Constraint> {
  const settings = minMaxNormOptions.read(options);
  const { minValue, maxValue, rate, axis } = settings;
  const constraint = (w: Tensor): Tensor => {
    const norms = normOver(w, axis);
    const wanted = add(mul(clip(norms, minValue, maxValue), rate), mul(norms, 1 - rate));
    return mul(w, div(wanted, add(norms, epsilon)));
  };
  return withConfig(constraint, minMaxNormOptions, settings);
}

export const nonNegOptions = declareOptions('constraints.nonNeg', {});
export type NonNegOptions = OptionsOf<typeof nonNegOptions>;

/** max(w, 0). */
function nonNeg(options: NonNegOptions = {}): Configured<Constraint> {
  const settings = nonNegOptions.read(options);
  return withConfig((w: Tensor) => maximum(w, 0), nonNegOptions, settings);
}

export const unitNormOptions = declareOptions('constraints.unitNorm', {
  /** Axes along which a norm is taken. @default 0 */
  axis: optional(axisKind, 0),
});
export type UnitNormOptions = OptionsOf<typeof unitNormOptions>;

/** w / |w|. */
function unitNorm(options: UnitNormOptions = {}): Configured<Constraint> {
  const settings = unitNormOptions.read(options);
  return withConfig((w: Tensor) => div(w, add(normOver(w, settings.axis), epsilon)), unitNormOptions, settings);
}

/** Constraints by name, with Keras's defaults: `constraints.maxNorm({ maxValue: 3 })`. */
export const constraints = { maxNorm, minMaxNorm, nonNeg, unitNorm };

export type ConstraintName = keyof typeof constraints;

/** A constraint, by its name or as a function. */
export const constraintKind: Kind<ConstraintName | Constraint, Constraint> = /* @__PURE__ */ named<ConstraintName, Constraint>({
  names: () => Object.keys(constraints) as ConstraintName[],
  find: (name) => constraints[name](),
});
