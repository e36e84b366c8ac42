// Dynamic loss scaling for training in f16: small gradients underflow in f16, so the loss is multiplied before the backward pass and the gradients
// are divided after it. A step whose gradients overflow changes nothing but the scale. Micikevicius et al., Mixed Precision Training, 2018.
import { leavesOf, mapTree } from '../core/tree.ts';
import { Tensor, tensorsIn } from '../graph/tensor.ts';
import { add, all, cast, div, equal, isFinite, logicalAnd, maximum, minimum, mul, scalar, where } from '../ops/index.ts';

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

export const firstLossScale = (): LossScale => ({
  scale: scalar(firstScale),
  finiteSteps: scalar(0, 'i32'),
  overflows: scalar(0, 'i32'),
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

/** Whether all elements of all tensors are finite: a bool scalar. */
export const allFinite = (tree: unknown): Tensor | undefined =>
  tensorsIn(tree)
    .map((tensor) => all(isFinite(tensor)))
    .reduce<Tensor | undefined>((both, one) => (both ? logicalAnd(both, one) : one), undefined);

/** Gradients of the loss from gradients of the scaled loss, in f32. */
export const unscale = <T>(gradients: T, scale: Tensor): T =>
  mapTree(gradients, (leaf) => (leaf instanceof Tensor ? div(cast(leaf, 'f32'), scale) : leaf)) as T;

/** `after` if finite, else `before`, leaf by leaf at the same path. Their keys may be in another order. */
export function chooseTree<T>(finite: Tensor, after: T, before: T): T {
  const old = new Map(leavesOf(before).map(({ path, value }) => [path, value]));
  return mapTree(after, (leaf, path) => {
    const previous = old.get(path);
    return leaf instanceof Tensor && previous instanceof Tensor && previous !== leaf ? where(finite, leaf, previous) : leaf;
  }) as T;
}
