// Jacobians and Hessians. All rows come from one batched pullback.
import { isFloat } from '../core/dtype.ts';
import { ArgumentError, DtypeError, checkOptions, requireFunction } from '../core/errors.ts';
import { formatShape } from '../core/shape.ts';
import { mapTree } from '../core/tree.ts';
import { placeholder } from '../graph/leaves.ts';
import { building } from '../graph/reads.ts';
import { Tensor } from '../graph/tensor.ts';
import { cast, eye, ones, reshape } from '../ops/index.ts';
import type { AnyFunction } from './anyFunction.ts';
import { batchTensors, rowsOf } from './batch.ts';
import { pullback } from './gradients.ts';
import { floatLeaves, freshPrimals } from './primals.ts';
import { type GradOptions, type Gradient, grad } from './transform.ts';

/** A tree like the value that has a tree like the argument in place of each tensor. */
export type Jacobian<Value, Argument> = Value extends Tensor ? Argument : { [K in keyof Value]: Jacobian<Value[K], Argument> };

/**
 * Returns the function of all partial derivatives: for a tensor in the value and a tensor in the argument, J[i.., j..] = ∂y[i..] / ∂x[j..].
 * One pullback computes all rows at once (see vmap). It takes memory of the size of y times the size of x.
 *
 * fn: x [..J] -> y [..I] gives [..I, ..J]. For trees: a tree like the value, of trees like the argument.
 * @throws DtypeError for values or arguments that are not floats, ArgumentError for argnums without tensors.
 *
 *     jacobian((x) => square(x))(tensor([1, 2]))   // [[2, 0], [0, 4]]
 */
export function jacobian<F extends AnyFunction, const O extends GradOptions = object>(
  fn: F,
  options?: O,
): (...args: Parameters<F>) => Jacobian<ReturnType<F>, Gradient<F, O>> {
  requireFunction('jacobian', fn, 'jacobian((x) => square(x))');
  checkOptions('jacobian', options, ['argnums']);
  return (...args) => derivatives('jacobian', fn, args, options ?? {}) as Jacobian<ReturnType<F>, Gradient<F, O>>;
}

function derivatives(op: string, fn: AnyFunction, args: readonly unknown[], { argnums = 0 }: GradOptions): unknown {
  const primals = freshPrimals(op, args, typeof argnums === 'number' ? [argnums] : argnums);
  const value = building(op, () => fn(...primals.args));
  if (floatLeaves(value).length === 0) throw new ArgumentError(`${op}: the function must return a float tensor or a tree with one`);
  return mapTree(value, (y, path) => {
    if (!(y instanceof Tensor)) return undefined;
    if (!isFloat(y.dtype)) {
      throw new DtypeError(`${op}: result${path} is ${y.dtype}${formatShape(y.shape)}; only floats have derivatives: leave it out`);
    }
    const trees = primals.trees(partials(y, primals.wrt));
    return typeof argnums === 'number' ? trees[0] : trees;
  });
}

/** Returns ∂y/∂x with shape [..y, ..x] for each x. */
function partials(y: Tensor, wrt: readonly Tensor[]): Tensor[] {
  const shaped = (rows: Tensor, x: Tensor): Tensor => reshape(rows, [...y.shape, ...x.shape]);
  if (y.size === 1) return pullback([y], [ones(y.shape, y.dtype)], wrt).map((g, i) => shaped(g, wrt[i]));
  const cotangent = placeholder(y.shape, y.dtype, { position: -1, label: 'row of a Jacobian' });
  const slopes = pullback([y], [cotangent], wrt);
  const basis = cast(reshape(eye(y.size), [y.size, ...y.shape]), y.dtype);
  const rows = batchTensors(slopes, [[cotangent, basis]], y.size);
  return wrt.map((x, i) => shaped(rowsOf(rows[i], y.size), x));
}

/**
 * Returns the function of all second derivatives of a scalar function: H[i.., j..] = ∂²y / ∂x[i..] ∂x[j..], the Jacobian of the gradient.
 *
 * fn: x [..J] -> [] gives [..J, ..J]. A tree of arguments gives a tree of trees.
 * @throws ShapeError if the function's result is not a scalar.
 *
 *     hessian((x) => sum(mul(mul(x, x), x)))(tensor([1, 2]))   // [[6, 0], [0, 12]]
 */
export function hessian<F extends AnyFunction, const O extends GradOptions = object>(
  fn: F,
  options?: O,
): (...args: Parameters<F>) => Jacobian<Gradient<F, O>, Gradient<F, O>> {
  requireFunction('hessian', fn, 'hessian((x) => sum(square(x)))');
  checkOptions('hessian', options, ['argnums']);
  const slope = grad(fn, options);
  return (...args) => derivatives('hessian', slope, args, options ?? {}) as Jacobian<Gradient<F, O>, Gradient<F, O>>;
}
