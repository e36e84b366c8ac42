// Dynamic loss scaling for training in f16: small gradients underflow in f16, so the loss is multiplied before the backward pass and the gradients
// are divided after it. A step whose gradients overflow changes nothing but the scale. Micikevicius et al., Mixed Precision Training, 2018.
import { leavesOf, mapTree } from '../core/tree.ts';
import { Tensor, hostTensor } from '../graph/tensor.ts';
import { add, all, cast, div, equal, isFinite, logicalAnd, maximum, minimum, mul, where } from '../ops/index.ts';

/** State of the loss scale: all scalars. */
export interface LossScale {
  /** Factor of the loss, f32. A power of 2, so that scaling is exact. */
  readonly scale: Tensor;
  /** Number of steps without overflow since the scale changed, i32. */
  readonly finiteSteps: Tensor;
  /** Number of steps that were skipped because of an overflow, i32. */
  readonly overflows: Tensor;
}

/** Keras's defaults. */
const firstScale = 2 ** 15;
const growthInterval = 2000;
const largestScale = 2 ** 30;

const counter = (): Tensor => hostTensor({ shape: [], dtype: 'i32' }, Int32Array.of(0));

export const firstLossScale = (): LossScale => ({
  scale: hostTensor({ shape: [], dtype: 'f32' }, Float32Array.of(firstScale)),
  finiteSteps: counter(),
  overflows: counter(),
});

/** Halves the scale after an overflow, and doubles it after 2,000 steps without one. */
export function nextLossScale({ scale, finiteSteps, overflows }: LossScale, finite: Tensor): LossScale {
  const steps = add(finiteSteps, 1);
  const grows = equal(steps, growthInterval);
  return {
    scale: where(finite, where(grows, minimum(mul(scale, 2), largestScale), scale), maximum(div(scale, 2), 1)),
    finiteSteps: where(finite, where(grows, 0, steps), 0),
    overflows: where(finite, overflows, add(overflows, 1)),
  };
}

const tensorsOf = (tree: unknown): Tensor[] => leavesOf(tree).flatMap(({ value }) => (value instanceof Tensor ? [value] : []));

/** Whether all elements of all tensors are finite: a bool scalar. */
export const allFinite = (tree: unknown): Tensor | undefined =>
  tensorsOf(tree)
    .map((tensor) => all(isFinite(tensor)))
    .reduce<Tensor | undefined>((both, one) => (both ? logicalAnd(both, one) : one), undefined);

/** Gradients of the loss from gradients of the scaled loss, in f32. */
export const unscale = <T>(gradients: T, scale: Tensor): T =>
  mapTree(gradients, (leaf) => (leaf instanceof Tensor ? div(cast(leaf, 'f32'), scale) : leaf)) as T;

/** `after` if finite, else `before`, for trees of one form. */
export function chooseTree<T>(finite: Tensor, after: T, before: T): T {
  const old = tensorsOf(before);
  let i = 0;
  return mapTree(after, (leaf) => {
    if (!(leaf instanceof Tensor)) return leaf;
    const previous = old[i++];
    return previous === leaf ? leaf : where(finite, leaf, previous);
  }) as T;
}
