// Arguments of a function that is differentiated: a new tensor for each of theirs, and results as trees like the arguments.
import { isFloat } from '../core/dtype.ts';
import { ArgumentError, DtypeError, ShapeError } from '../core/errors.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import { leavesOf, mapTree } from '../core/tree.ts';
import { Tensor } from '../graph/tensor.ts';
import { alias } from '../ops/index.ts';

export interface Primals {
  /** The arguments with a new tensor for each differentiated leaf. In f(x, x), and if f captures x, only the argument's use of x counts. */
  readonly args: unknown[];
  /** The new tensors, in the order of the leaves. */
  readonly wrt: readonly Tensor[];
  /** Returns a tree like each differentiated argument, from one value for each new tensor. Undefined for leaves that are not tensors. */
  readonly trees: (found: readonly unknown[]) => unknown[];
}

/** @throws DtypeError for an integer leaf, ArgumentError for an argument number without tensors. */
export function freshPrimals(op: string, args: readonly unknown[], positions: readonly number[]): Primals {
  const wrt: Tensor[] = [];
  const replaced = args.map((argument, position) => {
    if (!positions.includes(position)) return argument;
    return mapTree(argument, (leaf, path) => {
      if (!(leaf instanceof Tensor)) return leaf;
      if (!isFloat(leaf.dtype)) {
        throw new DtypeError(
          `${op}: argument ${position}${path} is ${leaf.dtype}${formatShape(leaf.shape)}; only floats have gradients: cast it or leave it out of argnums`,
        );
      }
      const fresh = alias(leaf);
      wrt.push(fresh);
      return fresh;
    });
  });
  for (const position of positions) {
    if (
      !Number.isInteger(position) ||
      position < 0 ||
      position >= args.length ||
      !leavesOf(args[position]).some(({ value }) => value instanceof Tensor)
    ) {
      throw new ArgumentError(`${op}: argnums ${position} names no tensor argument; the function was called with ${args.length} arguments`);
    }
  }
  return {
    args: replaced,
    wrt,
    trees: (found) => {
      // The values have the order of the arguments, not of argnums.
      const byPosition = new Map<number, unknown>();
      let next = 0;
      args.forEach((argument, position) => {
        if (!positions.includes(position)) return;
        byPosition.set(
          position,
          mapTree(argument, (leaf) => (leaf instanceof Tensor ? found[next++] : undefined)),
        );
      });
      return positions.map((position) => byPosition.get(position));
    },
  };
}

/** The float tensors of a result. */
export function floatLeaves(result: unknown): Tensor[] {
  return leavesOf(result).flatMap(({ value }) => (value instanceof Tensor && isFloat(value.dtype) ? [value] : []));
}

/**
 * Returns the tensors of `tree` at the paths of the float tensors of `like`, in their order.
 * @throws ArgumentError if one is missing, ShapeError or DtypeError if it is of another type.
 */
export function matchLeaves(op: string, what: string, tree: unknown, like: unknown): Tensor[] {
  const given = new Map(leavesOf(tree).map(({ path, value }) => [path, value]));
  return leavesOf(like).flatMap(({ path, value: wanted }) => {
    if (!(wanted instanceof Tensor) || !isFloat(wanted.dtype)) return [];
    const found = given.get(path);
    const type = `${wanted.dtype}${formatShape(wanted.shape)}`;
    if (!(found instanceof Tensor)) {
      throw new ArgumentError(`${op}: ${what}${path} is not a tensor; pass a tree with a tensor ${type} there`);
    }
    if (!sameShape(found.shape, wanted.shape)) {
      throw new ShapeError(`${op}: ${what}${path} is ${found.dtype}${formatShape(found.shape)}; it must have the shape of ${type}`);
    }
    if (found.dtype !== wanted.dtype) {
      throw new DtypeError(`${op}: ${what}${path} is ${found.dtype}; it must be ${wanted.dtype} like the tensor it belongs to; cast it`);
    }
    return [found];
  });
}

/** Returns a tree like `like` with one value for each of its float tensors, and undefined for other leaves. */
export function fillLeaves(like: unknown, values: readonly unknown[]): unknown {
  let next = 0;
  return mapTree(like, (leaf) => (leaf instanceof Tensor && isFloat(leaf.dtype) ? values[next++] : undefined));
}
