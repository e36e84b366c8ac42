// Trees of parameters, gradients and slots: their leaves in one order, checked against each other.
import { isFloat } from '../core/dtype.ts';
import { ArgumentError, DtypeError, ShapeError } from '../core/errors.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import { leavesOf, variablePath } from '../core/tree.ts';
import { Tensor } from '../graph/tensor.ts';

export interface ParameterLeaf {
  /** As messages show it, such as `.dense_1.kernel`. */
  readonly at: string;
  /** As options match it, such as `dense_1/kernel`. */
  readonly path: string;
  readonly value: Tensor;
}

/** @throws ArgumentError for leaves that are no tensors, DtypeError for integers. */
export function parameterLeaves(name: string, parameters: unknown): ParameterLeaf[] {
  return leavesOf(parameters).map(({ path: at, value }) => {
    if (!(value instanceof Tensor))
      throw new ArgumentError(`${name}: parameters${at} is ${describe(value)}; parameters are a tree of tensors`);
    if (!isFloat(value.dtype))
      throw new DtypeError(`${name}: parameters${at} is ${value.dtype}${formatShape(value.shape)}; only floats can be trained`);
    return { at, path: variablePath(at), value };
  });
}

/**
 * Tensors of a tree, in the order of the parameters. `shapes` have the expected shapes: those of the parameters by default.
 * @throws ArgumentError if the tree has other paths than the parameters, ShapeError if a shape differs.
 */
export function matchLeaves(
  name: string,
  what: string,
  tree: unknown,
  parameters: readonly ParameterLeaf[],
  shapes: readonly Tensor[] = parameters.map(({ value }) => value),
): Tensor[] {
  const found = new Map(leavesOf(tree).map(({ path, value }) => [path, value]));
  const known = new Set(parameters.map(({ at }) => at));
  for (const path of found.keys()) {
    if (!known.has(path)) throw new ArgumentError(`${name}: ${what}${path} has no parameter; it must be a tree like the parameters`);
  }
  return parameters.map(({ at, value: parameter }, i) => {
    const value = found.get(at);
    if (!(value instanceof Tensor)) {
      throw new ArgumentError(`${name}: ${what}${at} is ${describe(value)}; it must be a tree of tensors like the parameters`);
    }
    const wanted = shapes[i].shape;
    if (sameShape(value.shape, wanted)) return value;
    throw new ShapeError(
      sameShape(wanted, parameter.shape)
        ? `${name}: ${what}${at} is ${formatShape(value.shape)}, its parameter ${formatShape(parameter.shape)}; they must have one shape`
        : `${name}: ${what}${at} is ${formatShape(value.shape)}; for a parameter of shape ${formatShape(parameter.shape)} it must be ${formatShape(wanted)}`,
    );
  });
}

const describe = (value: unknown): string => (value === undefined ? 'missing' : value === null ? 'null' : typeof value);
