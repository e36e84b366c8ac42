// vmap: makes a function of all rows from a function of one row.
import { ArgumentError, ShapeError, checkOptions, requireFunction } from '../core/errors.ts';
import { formatShape } from '../core/shape.ts';
import { leavesOf, mapTree } from '../core/tree.ts';
import { placeholder } from '../graph/leaves.ts';
import { building } from '../graph/reads.ts';
import { Tensor } from '../graph/tensor.ts';
import { transpose } from '../ops/index.ts';
import type { AnyFunction } from './anyFunction.ts';
import { type Mapping, batchTensors, rowsOf } from './batch.ts';

/** An axis number, null for a tensor that is equal for every row, or a tree of those like the arguments or the result. */
export type Axes = number | null | readonly Axes[] | { readonly [name: string]: Axes };

export interface VmapOptions {
  /** Axis of the rows in each argument: one entry for all, or an array with one for each argument. @default 0 */
  readonly inAxes?: Axes;
  /** Axis of the rows in the results. @default 0 */
  readonly outAxes?: Axes;
}

const isOptions = (axes: unknown): axes is VmapOptions => typeof axes === 'object' && axes !== null && !Array.isArray(axes);

/**
 * Returns the function that applies fn to all rows at once. fn is traced once, with arguments without the mapped axis. Each op is then
 * replaced by its batched form. `axes` gives the axis of the rows: a number for every argument, an array with an entry for each (null:
 * equal for every row; a tree for a tree), or { inAxes, outAxes }. Leaves that are not tensors are passed unchanged.
 *
 * Random numbers drawn inside are equal for every row. To get different ones, draw them outside and pass them in.
 *
 *     const products = vmap((a, b) => dot(a, b));                        // [32,8], [32,8] -> [32]
 *     const perExample = vmap(grad(loss), [null, 0, 0])(weights, x, y);  // a gradient for each example
 *
 * @throws ShapeError for an axis that a tensor does not have, or for sizes that differ.
 * @throws ArgumentError if nothing is mapped, or if outAxes is null for a result that differs from row to row.
 * @throws TraceError if fn reads a value or is async.
 */
export function vmap<F extends AnyFunction>(fn: F, axes: Axes | VmapOptions = 0): (...args: Parameters<F>) => ReturnType<F> {
  requireFunction('vmap', fn, 'vmap((x) => square(x))');
  if (isOptions(axes)) checkOptions('vmap', axes, ['inAxes', 'outAxes']);
  const { inAxes = 0, outAxes = 0 } = isOptions(axes) ? axes : { inAxes: axes };
  return (...args) => {
    if (Array.isArray(inAxes) && inAxes.length !== args.length) {
      throw new ArgumentError(
        `vmap: axes for ${inAxes.length} arguments, but the function was called with ${args.length}; give one entry for each`,
      );
    }
    const axisOf = axesOver('argument ', inAxes, args);
    const mappings: Mapping[] = [];
    let first: { text: string; size: number } | undefined;
    const rows = mapTree(args, (leaf, path) => {
      const axis = axisOf.get(path);
      if (!(leaf instanceof Tensor) || axis === null || axis === undefined) return leaf;
      const at = axisIn(`argument ${nameOf(path)}`, axis, leaf.shape.length, leaf);
      const text = `argument ${nameOf(path)} has ${leaf.shape[at]} (axis ${at} of ${formatShape(leaf.shape)})`;
      first ??= { text, size: leaf.shape[at] };
      if (first.size !== leaf.shape[at])
        throw new ShapeError(`vmap: sizes differ along the mapped axis: ${first.text}, ${text}; they must be equal`);
      const row = placeholder(
        leaf.shape.filter((_, i) => i !== at),
        leaf.dtype,
        { position: -1, label: `argument ${nameOf(path)} of a function under vmap` },
      );
      mappings.push([row, moveAxis(leaf, at, 0)]);
      return row;
    });
    if (!first) throw new ArgumentError('vmap: no argument is mapped; give at least one tensor an axis');
    const { size } = first;
    const result = building('vmap', () => fn(...(rows as unknown[])));
    const leaves = leavesOf(result).filter(({ value }) => value instanceof Tensor) as { path: string; value: Tensor }[];
    const batched = batchTensors(
      leaves.map(({ value }) => value),
      mappings,
      size,
    );
    const outAxisOf = axesOver('result', outAxes, result);
    let next = 0;
    return mapTree(result, (leaf, path) => {
      if (!(leaf instanceof Tensor)) return leaf;
      const found = batched[next++];
      const axis = outAxisOf.get(path);
      if (axis === null || axis === undefined) {
        if (found.mapped)
          throw new ArgumentError(`vmap: result${path} differs from row to row; outAxes null is for results that do not: give it an axis`);
        return found.tensor;
      }
      const at = axisIn(`result${path}`, axis, leaf.rank + 1, leaf);
      return moveAxis(rowsOf(found, size), 0, at);
    }) as ReturnType<F>;
  };
}

/** Path in an error text: `0.w` for `[0].w`. */
const nameOf = (path: string): string => path.replace(/^\[(\d+)\]/, '$1');

function axisIn(what: string, axis: number, rank: number, tensor: Tensor): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    const range = rank === 0 ? 'a scalar has no axis: use null' : `use ${-rank} to ${rank - 1}, or null`;
    throw new ShapeError(`vmap: axis ${axis} is outside ${what}, ${tensor.dtype}${formatShape(tensor.shape)}; ${range}`);
  }
  return axis < 0 ? axis + rank : axis;
}

function moveAxis(x: Tensor, from: number, to: number): Tensor {
  const order = x.shape.map((_, i) => i).filter((i) => i !== from);
  order.splice(to, 0, from);
  return transpose(x, order);
}

/** Returns the axis for the path of each leaf, from a tree of axes over the whole tree or its first branches. */
function axesOver(what: string, axes: Axes, tree: unknown): Map<string, number | null> {
  const found = new Map<string, number | null>();
  const visit = (spec: unknown, branch: unknown, path: string): void => {
    if (spec === null || typeof spec === 'number') {
      for (const leaf of leavesOf(branch)) found.set(path + leaf.path, spec);
      return;
    }
    if (spec === undefined) return;
    const children: [string, unknown, unknown][] = [];
    if (Array.isArray(spec) && Array.isArray(branch) && spec.length === branch.length) {
      spec.forEach((child, i) => children.push([`${path}[${i}]`, child, branch[i]]));
    } else if (isOptions(spec) && isOptions(branch) && !(branch instanceof Tensor)) {
      const parts = branch as Record<string, unknown>;
      for (const [name, child] of Object.entries(spec)) {
        if (!(name in parts)) throw new ArgumentError(`vmap: axes name ${path}.${name}, which ${what}${nameOf(path)} does not have`);
        children.push([`${path}.${name}`, child, parts[name]]);
      }
    } else {
      throw new ArgumentError(`vmap: axes ${JSON.stringify(spec)} do not fit ${what}${nameOf(path)}; use a number, null or a tree like it`);
    }
    for (const [childPath, child, part] of children) visit(child, part, childPath);
  };
  visit(axes, tree, '');
  return found;
}
