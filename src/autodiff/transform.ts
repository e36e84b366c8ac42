// grad and valueAndGrad. They turn a function over trees of tensors into the function of its gradients. Synchronous, because they only
// build a graph.
import { isFloat } from '../core/dtype.ts';
import { ArgumentError, ShapeError, checkOptions, requireFunction } from '../core/errors.ts';
import { formatShape } from '../core/shape.ts';
import { building } from '../graph/reads.ts';
import { Tensor } from '../graph/tensor.ts';
import type { AnyFunction } from './anyFunction.ts';
import { gradients } from './gradients.ts';
import { freshPrimals } from './primals.ts';

export interface GradOptions {
  /**
   * Numbers of the arguments to differentiate with respect to. A number gives that argument's tree, an array gives an array of trees.
   * @default 0
   */
  argnums?: number | readonly number[];
}

export interface ValueAndGradOptions extends GradOptions {
  /** The function returns [loss, aux]. Both are returned as the value, and only the loss is differentiated. @default false */
  hasAux?: boolean;
}

/** The gradient has the type of the differentiated arguments. */
export type Gradient<F extends AnyFunction, O extends GradOptions> = O extends { readonly argnums: readonly number[] }
  ? Parameters<F>[number][]
  : O extends { readonly argnums: infer N extends number }
    ? Parameters<F>[N]
    : Parameters<F>[0];

/**
 * Returns the function of `[value, gradient]`. The gradient is a tree like the differentiated argument.
 *
 *     const lossAndGradient = valueAndGrad((w) => sum(square(w)));
 *     const [loss, gradient] = lossAndGradient(tensor([1, 2, 3]));   // gradient [2, 4, 6]
 *
 * @throws TraceError if the function reads a value or is async.
 * @throws ShapeError if the function's result is not a float scalar.
 * @throws DtypeError if an argument to differentiate has integers.
 */
export function valueAndGrad<F extends AnyFunction, const O extends ValueAndGradOptions = object>(
  fn: F,
  options?: O,
): (...args: Parameters<F>) => [ReturnType<F>, Gradient<F, O>] {
  requireFunction('valueAndGrad', fn, 'valueAndGrad((x) => mean(square(x)))');
  checkOptions('valueAndGrad', options, ['argnums', 'hasAux']);
  const { argnums = 0, hasAux = false }: ValueAndGradOptions = options ?? {};
  const positions = typeof argnums === 'number' ? [argnums] : argnums;
  return (...args) => {
    const primals = freshPrimals('grad', args, positions);
    const result = building('grad', () => fn(...(primals.args as Parameters<F>))) as ReturnType<F>;
    const loss: unknown = hasAux ? (result as unknown[])[0] : result;
    if (!(loss instanceof Tensor)) throw new ArgumentError('grad: the function must return a tensor (or [tensor, aux] with hasAux)');
    if (loss.size !== 1 || !isFloat(loss.dtype)) {
      throw new ShapeError(
        `grad: the function must return a float scalar, got ${loss.dtype}${formatShape(loss.shape)}; reduce it with sum() or mean()`,
      );
    }
    const trees = primals.trees(gradients(loss, primals.wrt));
    return [result, (typeof argnums === 'number' ? trees[0] : trees) as Gradient<F, O>];
  };
}

/**
 * Returns the gradient function of a scalar function. Its result is a tree like the first argument, or like `argnums`. It can be applied
 * again: grad(grad(f)).
 *
 * At kinks it is PyTorch's subgradient: 0 for relu, abs, norm and std at 0, an equal share for equal largest elements of max. An infinite
 * slope gives an infinite gradient, for example sqrt at 0. At finite arguments a cotangent of exactly 0 gives 0, also times an infinite
 * slope; PyTorch and JAX give NaN then. A slope counts as infinite at a pole, outside a domain, and by overflow of an exponential or a
 * power above 2. It still counts after elementwise ops, reductions and ops that move elements. It does not count after matmul,
 * convolutions, attention, FFT, running products and linear algebra. Overflow of products, squares and sums does not count either: 0 times
 * infinity is NaN there.
 *
 *     const cube = (x) => x.mul(x).mul(x);
 *     await grad(grad(cube))(scalar(2)).item();   // 12
 */
export function grad<F extends AnyFunction, const O extends GradOptions = object>(
  fn: F,
  options?: O,
): (...args: Parameters<F>) => Gradient<F, O> {
  requireFunction('grad', fn, 'grad((x) => mean(square(x)))');
  checkOptions('grad', options, ['argnums']);
  const both = valueAndGrad(fn, options);
  return (...args) => both(...args)[1];
}
