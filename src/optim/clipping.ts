// Gradient clipping: by value, by each tensor's norm, or by the norm of all gradients together.
import { ArgumentError } from '../core/errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, clip, div, maximum, mul, sqrt, square, sum } from '../ops/index.ts';
import { checkNumber } from './check.ts';

export interface ClippingOptions {
  /** Scales each gradient tensor whose Euclidean norm is greater down to this norm. */
  clipNorm?: number;
  /** Clips each element to -clipValue..clipValue. */
  clipValue?: number;
  /** Scales all gradients together when their common norm is greater. Pascanu et al., On the difficulty of training RNNs, 2013. */
  globalClipNorm?: number;
}

export const clippingOptions = ['clipNorm', 'clipValue', 'globalClipNorm'] as const;

/** Checks that one way of clipping at most is asked for. */
export function checkClipping(where: string, options: ClippingOptions): void {
  const given = clippingOptions.filter((name) => options[name] !== undefined);
  for (const name of given) checkNumber(where, name, options[name], 'above 0');
  if (given.length > 1) throw new ArgumentError(`${where}: ${given.join(' and ')} exclude each other; give one of them`);
}

const sumOfSquares = (g: Tensor): Tensor => sum(square(g));

/** limit / max(norm, limit): 1 up to the limit. */
const scaleTo = (limit: number, squares: Tensor): Tensor => div(limit, maximum(sqrt(squares), limit));

/** The gradients, clipped as the options say. */
export function clipGradients(gradients: readonly Tensor[], { clipNorm, clipValue, globalClipNorm }: ClippingOptions): readonly Tensor[] {
  if (clipValue !== undefined) return gradients.map((g) => clip(g, -clipValue, clipValue));
  if (clipNorm !== undefined) return gradients.map((g) => mul(g, scaleTo(clipNorm, sumOfSquares(g))));
  if (globalClipNorm !== undefined && gradients.length > 0) {
    const scale = scaleTo(
      globalClipNorm,
      gradients.map(sumOfSquares).reduce((a, b) => add(a, b)),
    );
    return gradients.map((g) => mul(g, scale));
  }
  return gradients;
}
