// Functions with a gradient rule of their own: checkpoint computes values again to save memory, and customGradient takes a rule from the
// user.
import { isFloat } from '../core/dtype.ts';
import { ArgumentError, requireFunction } from '../core/errors.ts';
import { leavesOf, mapTree } from '../core/tree.ts';
import { placeholder } from '../graph/leaves.ts';
import { building } from '../graph/reads.ts';
import { Tensor, nextSerial } from '../graph/tensor.ts';
import { zeros } from '../ops/index.ts';
import type { AnyFunction } from './anyFunction.ts';
import { readAfter, region } from './boundary.ts';
import { pullback } from './gradients.ts';
import { fillLeaves, floatLeaves, matchLeaves } from './primals.ts';
import { templateOf } from './template.ts';

/** Returns `result` with other tensors in place of its float tensors. */
function withFloats(result: unknown, tensors: readonly Tensor[]): unknown {
  let next = 0;
  return mapTree(result, (leaf) => (leaf instanceof Tensor && isFloat(leaf.dtype) ? tensors[next++] : leaf));
}

/**
 * Returns fn without keeping its intermediate values for the gradient. They are computed again from its inputs when the gradient needs them
 * (Chen et al. 2016, "Training deep nets with sublinear memory cost"). Formulas and random draws are the same. On the CPU the gradients are
 * bit-identical. On a GPU their last bits may differ, because the recomputation runs in other kernels, and a driver may round a * b + c
 * once or twice in each. Tensors that fn captures get their gradients as usual.
 *
 *     const block = checkpoint((x) => relu(matmul(relu(matmul(x, w1)), w2)));
 *     grad((x) => sum(block(block(x))))(x);
 */
export function checkpoint<F extends AnyFunction>(fn: F): (...args: Parameters<F>) => ReturnType<F> {
  requireFunction('checkpoint', fn, 'checkpoint((x) => square(x))');
  return (...args) => {
    const since = nextSerial();
    const result = building('checkpoint', () => fn(...args)) as ReturnType<F>;
    const values = floatLeaves(result);
    const template = templateOf(values, since);
    if (template.inputs.length === 0) return result;
    const outputs = region(template.inputs, values, (inputs, cotangents, needs) => {
      const given = cotangents.flatMap((g, i) => (g ? [{ g, i }] : []));
      const cotangent = given.map(({ g }) => g);
      const late = inputs.map((x) => readAfter(x, cotangent.slice(0, 1)));
      const again = template.instantiate(late);
      const wanted = late.filter((_, i) => needs[i]);
      const found = pullback(
        given.map(({ i }) => again[i]),
        cotangent,
        wanted,
      );
      // No cotangent is used before all are computed. Otherwise the previous region would compute its values again while these are still
      // needed. The first one waits for the others, and they wait for the first: this needs fewer edges than one for each pair.
      const [first, ...others] = found;
      const last = readAfter(first, others);
      const together = [last, ...others.map((g) => readAfter(g, [last]))];
      return late.map((x, i) => (needs[i] ? together[wanted.indexOf(x)] : undefined));
    });
    return withFloats(result, outputs) as ReturnType<F>;
  };
}

/** A value with its gradient, a function from cotangents (a tree like the value) to cotangents of the arguments. */
export interface CustomGradient<Value> {
  readonly value: Value;
  /** For one argument a tree like it, for several an array with a tree for each. Undefined means zeros. */
  readonly gradient: (cotangents: Value) => unknown;
}

/**
 * Returns a function that uses its own gradient. fn returns `{ value, gradient }` or `[value, gradient]`. `gradient` takes cotangents (a
 * tree like the value) and returns a tree like the argument, or an array of trees for several arguments. Written in ops, it can be
 * differentiated again. Only the arguments get gradients, not the tensors that fn captures. `gradient` is traced once, right after fn.
 *
 *     const clipped = customGradient((x) => ({ value: x, gradient: (g) => clip(g, -1, 1) }));
 *
 * @throws ArgumentError if fn returns something else or a gradient is missing, ShapeError if a gradient has another shape than its
 * argument.
 */
export function customGradient<Args extends unknown[], Value>(
  fn: (...args: Args) => CustomGradient<Value> | readonly [Value, CustomGradient<Value>['gradient']],
): (...args: Args) => Value {
  return (...args) => {
    const start = nextSerial();
    const made: unknown = building('customGradient', () => fn(...args));
    const { value, gradient } = (Array.isArray(made) ? { value: made[0] as Value, gradient: made[1] as unknown } : (made ?? {})) as Partial<
      CustomGradient<Value>
    >;
    if (typeof gradient !== 'function' || floatLeaves(value).length === 0) {
      throw new ArgumentError(
        'customGradient: the function must return { value, gradient }: float tensors and a function of their cotangents',
      );
    }
    const values = floatLeaves(value);
    const standIns = values.map(({ shape, dtype }) => placeholder(shape, dtype, { position: -1, label: 'cotangent of a customGradient' }));
    const since = nextSerial();
    const given = building('customGradient: gradient', () => gradient(fillLeaves(value, standIns) as Value));
    const found = matchGradients(args, args.length === 1 ? [given] : given);
    const primals = floatLeaves(args);
    const kept = found.flatMap((g) => g ?? []);
    const template = templateOf(kept, since);
    const standInOf = template.inputs.map((input) => standIns.findIndex(({ node }) => input.node === node && node !== undefined));
    // Tensors that the value depends on are inputs of the region too. Under vmap the region is then mapped if its value is.
    const captured = [...template.inputs.filter((_, i) => standInOf[i] < 0), ...templateOf(values, start).inputs];
    const outputs = region([...primals, ...captured], values, (inputs, cotangents) => {
      let next = primals.length;
      const results = template.instantiate(
        standInOf.map((at) => (at < 0 ? inputs[next++] : (cotangents[at] ?? zeros(standIns[at].shape, standIns[at].dtype)))),
      );
      let result = 0;
      return inputs.map((_, i) => (i < found.length && found[i] ? results[result++] : undefined));
    });
    return withFloats(value, outputs) as Value;
  };
}

/**
 * Returns the gradient of each float tensor of the arguments. Undefined if the user gave undefined for it or for a branch that contains it.
 */
function matchGradients(args: readonly unknown[], given: unknown): (Tensor | undefined)[] {
  if (!Array.isArray(given) || given.length !== args.length) {
    throw new ArgumentError(`customGradient: gradient must return an array of ${args.length} trees, one for each argument`);
  }
  const absent = leavesOf(given)
    .filter(({ value }) => value === undefined || value === null)
    .map(({ path }) => path);
  const isAbsent = (path: string): boolean =>
    absent.some((head) => path === head || path.startsWith(`${head}.`) || path.startsWith(`${head}[`));
  const wanted = mapTree(args, (leaf, path) => (isAbsent(path) ? undefined : leaf));
  const matched = matchLeaves('customGradient', 'gradient of argument ', given, wanted);
  let next = 0;
  return leavesOf(args).flatMap(({ path, value }) => {
    if (!(value instanceof Tensor) || !isFloat(value.dtype)) return [];
    return [isAbsent(path) ? undefined : matched[next++]];
  });
}
