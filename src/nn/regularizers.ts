// Penalties on the size of parameters and outputs. Training adds them to the loss. Formulas and defaults are those of Keras.
import type { Configured } from '../core/config.ts';
import { ShapeError } from '../core/errors.ts';
import { type Kind, named, number, oneOf } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, withConfig } from '../core/options.ts';
import { formatShape } from '../core/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { abs, add, div, eye, matmul, maximum, mul, norm, square, sub, sum, transpose } from '../ops/index.ts';

/** The penalty of a tensor, as a scalar. */
export type Regularizer = (x: Tensor) => Tensor;

export const l1Options = declareOptions('regularizers.l1', {
  /** Factor of the sum of absolute values. @default 0.01 */
  l1: optional(number('at least 0'), 0.01),
});
export type L1Options = OptionsOf<typeof l1Options>;

/** l1 Σ |x|. */
function l1(options: L1Options = {}): Configured<Regularizer> {
  const settings = l1Options.read(options);
  return withConfig((x: Tensor) => mul(sum(abs(x)), settings.l1), l1Options, settings);
}

export const l2Options = declareOptions('regularizers.l2', {
  /** Factor of the sum of squares. @default 0.01 */
  l2: optional(number('at least 0'), 0.01),
});
export type L2Options = OptionsOf<typeof l2Options>;

/** l2 Σ x². */
function l2(options: L2Options = {}): Configured<Regularizer> {
  const settings = l2Options.read(options);
  return withConfig((x: Tensor) => mul(sum(square(x)), settings.l2), l2Options, settings);
}

export const l1l2Options = declareOptions('regularizers.l1l2', {
  /** Factor of the sum of absolute values. @default 0 */
  l1: optional(number('at least 0'), 0),
  /** Factor of the sum of squares. @default 0 */
  l2: optional(number('at least 0'), 0),
});
export type L1L2Options = OptionsOf<typeof l1l2Options>;

/** l1 Σ |x| + l2 Σ x². */
function l1l2(options: L1L2Options = {}): Configured<Regularizer> {
  const settings = l1l2Options.read(options);
  const regularizer = (x: Tensor): Tensor => add(mul(sum(abs(x)), settings.l1), mul(sum(square(x)), settings.l2));
  return withConfig(regularizer, l1l2Options, settings);
}

export const orthogonalOptions = declareOptions('regularizers.orthogonal', {
  /** Factor of the mean product of two different rows or columns. @default 0.01 */
  factor: optional(number('at least 0'), 0.01),
  /** Vectors that are to be orthogonal to each other. @default 'rows' */
  mode: optional(oneOf('rows', 'columns'), 'rows'),
});
export type OrthogonalOptions = OptionsOf<typeof orthogonalOptions>;

/**
 * factor Σ |u_i · u_j| / (n (n - 1)) over all i ≠ j, with the n rows or columns of a matrix scaled to length 1.
 * @throws ShapeError for tensors that are no matrix.
 */
function orthogonal(options: OrthogonalOptions = {}): Configured<Regularizer> {
  const settings = orthogonalOptions.read(options);
  const { factor, mode } = settings;
  const regularizer = (x: Tensor): Tensor => {
    if (x.rank !== 2) throw new ShapeError(`regularizers.orthogonal: needs a matrix, got the shape ${formatShape(x.shape)}`);
    const vectors = mode === 'rows' ? x : transpose(x);
    const [count] = vectors.shape;
    const units = div(vectors, maximum(norm(vectors, { axis: 1, keepDims: true }), 1e-12));
    const products = mul(matmul(units, transpose(units)), sub(1, eye(count)));
    // One vector has no other to be orthogonal to.
    return mul(sum(abs(products)), count > 1 ? factor / (count * (count - 1)) : 0);
  };
  return withConfig(regularizer, orthogonalOptions, settings);
}

/** Penalties by name, with Keras's defaults: `regularizers.l2({ l2: 1e-4 })`. */
export const regularizers = { l1, l2, l1l2, orthogonal };

export type RegularizerName = keyof typeof regularizers;

/** A regularizer, by its name or as a function. */
export const regularizerKind: Kind<RegularizerName | Regularizer, Regularizer> = /* @__PURE__ */ named<RegularizerName, Regularizer>({
  names: () => Object.keys(regularizers) as RegularizerName[],
  find: (name) => regularizers[name](),
});
