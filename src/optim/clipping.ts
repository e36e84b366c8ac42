// Gradient clipping: by value, by each tensor's norm, or by the norm of all gradients together.
import { ArgumentError } from '../core/errors.ts';
import { number } from '../core/optionKinds.ts';
import { type Declaration, type OptionsOf, type SettingsOf, optional } from '../core/options.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, cast, clip, div, maximum, minimum, mul, norm, sqrt, square } from '../ops/index.ts';

export const clippingOptions = {
  /** Largest Euclidean norm of one gradient tensor. A tensor whose norm is greater is scaled down to it. */
  clipNorm: /* @__PURE__ */ optional(number('above 0')),
  /** Largest absolute value of one gradient element. Greater elements are clipped to it. */
  clipValue: /* @__PURE__ */ optional(number('above 0')),
  /** Largest common norm of all gradients. If it is greater, all are scaled down together. Pascanu et al., On the difficulty of training RNNs, 2013. */
  globalClipNorm: /* @__PURE__ */ optional(number('above 0')),
  /**
   * Largest norm of a unit's gradient, as a share of the norm of the unit's weights; weights count as at least 0.001. A unit is one entry of the
   * last axis of a kernel, or a whole vector. Brock et al., High-Performance Large-Scale Image Recognition Without Normalization, 2021.
   */
  adaptiveGradientClipping: /* @__PURE__ */ optional(number('above 0')),
};
type Clipping = Declaration<typeof clippingOptions>;
export type ClippingOptions = OptionsOf<Clipping>;

/** Throws if more than one clipping option is set. */
export function checkClipping(settings: SettingsOf<Clipping>, where: string): void {
  const given = (Object.keys(clippingOptions) as (keyof ClippingOptions)[]).filter((name) => settings[name] !== undefined);
  if (given.length > 1) throw new ArgumentError(`${where}: ${given.join(' and ')} exclude each other; give one of them`);
}

/** The largest f32. */
const largest = 3.4028234663852886e38;

/** limit / max(norm, limit): 1 up to the limit. */
const scaleTo = (limit: number, magnitude: Tensor): Tensor => div(limit, maximum(magnitude, limit));

/** scaleTo() of the norm of norms, which are brought below 1 before they are squared. */
function scaleAllTo(limit: number, norms: readonly Tensor[]): Tensor {
  const unit = minimum(norms.reduce(maximum, limit), largest);
  const squares = norms.map((n) => square(div(n, unit))).reduce((a, b) => add(a, b));
  const reached = div(limit, unit);
  return div(reached, maximum(sqrt(squares), reached));
}

/** The gradients, clipped as the options say. Norms count in full up to the largest f32, though their squares do not exist. */
export function clipGradients(
  gradients: readonly Tensor[],
  parameters: readonly Tensor[],
  { clipNorm, clipValue, globalClipNorm, adaptiveGradientClipping }: ClippingOptions,
): readonly Tensor[] {
  if (adaptiveGradientClipping !== undefined)
    return gradients.map((g, i) => clipUnits(g, cast(parameters[i], 'f32'), adaptiveGradientClipping));
  if (clipValue !== undefined) return gradients.map((g) => clip(g, -clipValue, clipValue));
  if (clipNorm !== undefined) return gradients.map((g) => mul(g, scaleTo(clipNorm, norm(g))));
  if (globalClipNorm !== undefined && gradients.length > 0) {
    const norms = gradients.map((g) => norm(g));
    const scale = scaleAllTo(globalClipNorm, norms);
    return gradients.map((g) => mul(g, scale));
  }
  return gradients;
}

/** Norms of a tensor's units, to be broadcast against it. */
const unitNorms = (x: Tensor): Tensor =>
  x.rank < 2 ? norm(x) : norm(x, { axis: Array.from({ length: x.rank - 1 }, (_, axis) => axis), keepDims: true });

/** The gradient with each unit's norm brought to at most a share of the norm of the unit's weights. */
function clipUnits(gradient: Tensor, parameter: Tensor, share: number): Tensor {
  const limit = mul(maximum(unitNorms(parameter), 1e-3), share);
  return mul(gradient, div(limit, maximum(unitNorms(gradient), limit)));
}
