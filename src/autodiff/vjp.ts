// vjp and jvp: products of a function's Jacobian with a vector from the left and from the right. Synchronous, because they only build a
// graph.
import { ArgumentError, requireFunction } from '../core/errors.ts';
import { placeholder } from '../graph/leaves.ts';
import { building } from '../graph/reads.ts';
import { type Tensor, nextSerial } from '../graph/tensor.ts';
import { alias, zeros } from '../ops/index.ts';
import type { AnyFunction } from './anyFunction.ts';
import { pullback } from './gradients.ts';
import { fillLeaves, floatLeaves, freshPrimals, matchLeaves } from './primals.ts';
import { templateOf } from './template.ts';

const positionsOf = (args: readonly unknown[]): number[] => args.map((_, i) => i);

function checkResult(op: string, result: unknown): Tensor[] {
  const outputs = floatLeaves(result);
  if (outputs.length === 0) throw new ArgumentError(`${op}: the function must return a float tensor or a tree with one`);
  return outputs;
}

/** Makes a linear function of cotangents, traced once. It stays valid if forward values are evaluated before it is called. */
export function linearPullback(outputs: readonly Tensor[], wrt: readonly Tensor[]): (cotangents: readonly Tensor[]) => Tensor[] {
  const standIns = outputs.map(({ shape, dtype }) => placeholder(shape, dtype, { position: -1, label: 'cotangent' }));
  const since = nextSerial();
  const { inputs, instantiate } = templateOf(pullback(outputs, standIns, wrt), since);
  return (cotangents) =>
    instantiate(
      inputs.map((input) => {
        const at = standIns.findIndex((standIn) => standIn.node === input.node && input.node !== undefined);
        return at < 0 ? input : cotangents[at];
      }),
    );
}

/**
 * Returns the value of fn and its pullback. The pullback takes cotangents (a tree like the value) and returns an array of cotangents, one
 * tree for each argument: x̄ = ȳᵀ ∂y/∂x. Leaves that are not tensors get undefined.
 *
 *     const [y, pullback] = vjp((x) => sin(x), x);
 *     const [gradient] = pullback(ones(y.shape));   // cos(x)
 *
 * @throws DtypeError for an integer argument (capture it instead), ShapeError if a cotangent has another shape than the value.
 */
export function vjp<F extends AnyFunction>(
  fn: F,
  ...primals: Parameters<F>
): [ReturnType<F>, (cotangents: ReturnType<F>) => Parameters<F>] {
  requireFunction('vjp', fn, 'vjp((x) => square(x), [x])');
  const { args, wrt, trees } = freshPrimals('vjp', primals, positionsOf(primals));
  const result = building('vjp', () => fn(...args)) as ReturnType<F>;
  const pull = linearPullback(checkResult('vjp', result), wrt);
  return [result, (cotangents) => trees(pull(matchLeaves('vjp', 'cotangent', cotangents, result))) as Parameters<F>];
}

/**
 * Returns the value of fn and its derivative in the direction of the tangents: ẏ = ∂y/∂x ẋ. It is a pullback of the pullback, which is
 * linear. Ops therefore need no forward rule, and values that only the first pullback needs are never computed.
 *
 *     const [y, slope] = jvp((x) => square(x), [x], [dx]);   // slope = 2 x dx
 *
 * @param tangents an array like primals: for each argument a tree of tensors of the same shapes.
 * @throws ArgumentError, ShapeError, DtypeError if a tangent is missing or of another type; DtypeError for an integer argument.
 */
export function jvp<F extends AnyFunction>(fn: F, primals: Parameters<F>, tangents: Parameters<F>): [ReturnType<F>, ReturnType<F>] {
  requireFunction('jvp', fn, 'jvp((x) => square(x), [x], [dx])');
  if (!Array.isArray(primals) || !Array.isArray(tangents) || primals.length !== tangents.length) {
    throw new ArgumentError('jvp: takes an array of arguments and an array of as many tangents: jvp(fn, [x], [dx])');
  }
  const { args, wrt } = freshPrimals('jvp', primals, positionsOf(primals));
  const directions = matchLeaves('jvp', 'tangent', tangents, primals);
  const result = building('jvp', () => fn(...args)) as ReturnType<F>;
  const outputs = checkResult('jvp', result);
  // g(u) = uᵀ J is linear in u, so it is differentiated at u = 0. Its pullback maps ẋ to J ẋ.
  const u = outputs.map(({ shape, dtype }) => alias(zeros(shape, dtype)));
  const slopes = pullback(pullback(outputs, u, wrt), directions, u);
  return [result, fillLeaves(result, slopes) as ReturnType<F>];
}
