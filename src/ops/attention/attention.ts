// Scaled dot-product attention: checks, and the choice between a composition and the kernels that store no T x S tensor.
import { isFloat, promote } from '../../core/dtype.ts';
import { ArgumentError, DtypeError, ShapeError, checkOptions } from '../../core/errors.ts';
import { formatShape, sameShape } from '../../core/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { checkFlag, checkTensor } from '../operands/arguments.ts';
import { flashAttention } from './flash.ts';
import { deepest } from './plan.ts';
import { type AttentionAttributes, composedAttention, excluded } from './scores.ts';
import { cast } from '../elementwise/cast.ts';
import { pad } from '../shape/pad.ts';
import { where } from '../elementwise/select.ts';
import { broadcastTo } from '../shape/shape.ts';
import { sliceAxis } from '../shape/slice.ts';

export interface AttentionOptions {
  /**
   * Broadcasts to [B, H, T, S]. A bool mask is true if a query sees a key; a float mask is added to the scores (-Infinity hides a key).
   * @default none
   */
  readonly mask?: Tensor;
  /** Whether query t sees only the keys 0 … t. @default false */
  readonly isCausal?: boolean;
  /** Factor of q kᵀ. @default 1 / sqrt(depth) */
  readonly scale?: number;
}

/**
 * Maximum number of (query, key) pairs per head (1 MB of scores) that are stored on every device. Above it, a GPU may store the scores of all
 * heads (storesScores in plan.ts). Otherwise scores are recomputed.
 */
const maxScores = 512 * 512;

/**
 * Attention, softmax(scale q kᵀ + mask) v for each head. A query that sees no key gets zeros. Long sequences use kernels whose memory grows
 * with T + S, forward and backward. A GPU stores up to 256 MB of scores unless attention is causal, and keeps half of its largest binding for
 * the gradients of all layers. Gradients of gradients, and of a float mask, need T x S.
 *
 * q [B, H, T, D], k [B, H, S, D], v [B, H, S, E] -> [B, H, T, E].
 * @throws ShapeError for other ranks or sizes that do not fit, DtypeError for integers. Vaswani et al. 2017, arXiv:1706.03762; Dao et al.
 * 2022, arXiv:2205.14135.
 *
 *     scaledDotProductAttention(q, k, v, { isCausal: true })
 */
export function scaledDotProductAttention(query: Tensor, key: Tensor, value: Tensor, options: AttentionOptions = {}): Tensor {
  checkOptions('scaledDotProductAttention', options, ['mask', 'isCausal', 'scale']);
  checkShapes(query, key, value);
  const dtype = [key, value].reduce((so, t) => promote('scaledDotProductAttention', so, t.dtype), query.dtype);
  if (!isFloat(dtype)) {
    throw new DtypeError(
      `scaledDotProductAttention: takes floats, got ${query.dtype}, ${key.dtype} and ${value.dtype}; use cast(x, 'f32')`,
    );
  }
  const depth = query.shape[3];
  const { isCausal = false, scale = 1 / Math.sqrt(Math.max(1, depth)) } = options;
  if (typeof scale !== 'number' || !Number.isFinite(scale)) {
    throw new ArgumentError(
      `scaledDotProductAttention: scale is ${String(scale)}; use a finite number, or leave it out for 1 / sqrt(depth)`,
    );
  }
  // Half precision is used only for storage. Scores are f32.
  const [q, k, v] = [query, key, value].map((t) => cast(t, 'f32'));
  checkFlag('scaledDotProductAttention', 'isCausal', isCausal);
  const mask = options.mask === undefined ? undefined : maskFor(options.mask, query, key);
  const attributes: AttentionAttributes = { causal: isCausal, scale, masked: mask !== undefined };

  const longest = Math.max(depth, value.shape[3]);
  if (query.shape[2] * key.shape[2] <= maxScores || longest > deepest) {
    return cast(composedAttention(q, k, v, mask, attributes), dtype);
  }
  // Zeros after the depth change no product. Added columns of v are cut off at the end.
  const width = 4 * Math.ceil(longest / 4);
  const widen = (t: Tensor): Tensor =>
    t.shape[3] === width ? t : pad(t, [[0, 0], [0, 0], [0, 0], [0, width - t.shape[3]]]); // prettier-ignore
  const scores = [...query.shape.slice(0, 3), key.shape[2]];
  const result = flashAttention(widen(q), widen(k), widen(v), mask && broadcastTo(mask, scores), { ...attributes, mayStore: true });
  return cast(value.shape[3] === width ? result : sliceAxis(result, 3, 0, value.shape[3]), dtype);
}

function checkShapes(query: Tensor, key: Tensor, value: Tensor): void {
  const named = { q: query, k: key, v: value };
  for (const [name, t] of Object.entries(named)) {
    checkTensor('scaledDotProductAttention', name, t);
  }
  const [q, k, v] = [query.shape, key.shape, value.shape];
  const shapes = `q ${formatShape(q)}, k ${formatShape(k)}, v ${formatShape(v)}`;
  const fail = (rule: string): never => {
    throw new ShapeError(`scaledDotProductAttention: ${shapes}; ${rule}`);
  };
  if ([q, k, v].some((shape) => shape.length !== 4)) fail('all three are [batch, heads, time, depth]; use expandDims or reshape');
  if (![k, v].every((shape) => sameShape(shape.slice(0, 2), q.slice(0, 2)))) fail('batch and heads must be equal; use broadcastTo');
  if (q[3] !== k[3]) fail('q and k need the same depth');
  if (k[2] !== v[2]) fail('k and v need the same time');
  if (k[2] === 0) fail('there must be a key to attend to');
}

/** Converts a mask to values that are added to the scores. False becomes a score so low that its weight is 0. */
function maskFor(mask: Tensor, query: Tensor, key: Tensor): Tensor {
  checkTensor('scaledDotProductAttention', 'mask', mask);
  const scores = [...query.shape.slice(0, 3), key.shape[2]];
  const added = scores.length - mask.rank;
  if (added < 0 || !mask.shape.every((n, i) => n === 1 || n === scores[added + i])) {
    throw new ShapeError(
      `scaledDotProductAttention: mask ${formatShape(mask.shape)} does not broadcast to [batch, heads, queries, keys] = ${formatShape(scores)}`,
    );
  }
  if (mask.dtype === 'bool') return where(mask, 0, excluded);
  if (isFloat(mask.dtype)) return cast(mask, 'f32');
  throw new DtypeError(
    `scaledDotProductAttention: mask is ${mask.dtype}; use bool (true: attend), as by greater(mask, 0), or floats to add to the scores`,
  );
}
