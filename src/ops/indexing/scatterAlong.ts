// Scattering along an axis, with separate indices for each line: the inverse of takeAlongAxis.
import { promote } from '../../core/dtype.ts';
import { ArgumentError, DtypeError, ShapeError, checkOptions } from '../../core/errors.ts';
import { type Shape, broadcastShapes, formatShape, normalizeAxis, sameShape } from '../../core/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { sumAlong } from './alongAxis.ts';
import { checkTensor, inWords } from '../operands/arguments.ts';
import { add } from '../elementwise/arithmetic.ts';
import { cast } from '../elementwise/cast.ts';
import { checkIndices, checkRange } from '../operands/indices.ts';
import { type ScatterMode, scatterReduce } from './scatterReduce.ts';
import { broadcastTo } from '../shape/shape.ts';

const modes: readonly ScatterMode[] = ['replace', 'add', 'multiply', 'min', 'max'];

/** Checks the mode and returns the common dtype of x and updates. Throws the user-facing errors. */
export function checkScatter(op: string, x: Tensor, updates: Tensor, mode: ScatterMode) {
  if (!modes.includes(mode)) throw new ArgumentError(`${op}: mode is ${inWords(mode)}; it must be one of ${modes.join(', ')}`);
  const dtype = promote(op, x.dtype, updates.dtype);
  if (dtype === 'bool' && mode !== 'replace') throw new DtypeError(`${op}: mode ${mode} takes numbers, got bool; use cast(x, 'i32')`);
  return dtype;
}

export interface ScatterAlongOptions {
  /** Axis of the indices. @default -1 */
  readonly axis?: number;
  /**
   * Effect of an update on its element: it replaces it (the last of several stays), is added, multiplies it, or the smaller or the larger
   * of both stays.
   * @default 'replace'
   */
  readonly mode?: ScatterMode;
}

/**
 * Writes updates into elements of x along an axis, with separate indices for each line: with axis 1 and mode 'replace', y = x, then y[i,
 * indices[i, k]] = updates[i, k] for k = 0, 1, …. Other axes of indices and updates broadcast to those of x. The order is fixed, so the
 * result is reproducible on every device. Indices outside the axis are treated as in gather.
 *
 * x [.., N, ..], indices i32 or u32 [.., K, ..], updates [.., K, ..] -> [.., N, ..].
 * The gradient of 'min' and 'max' is shared by equal values. The gradient of 'replace' goes to the update that stays. 'multiply' divides
 * the product of an element's updates by each of them: its gradient is correct if f32 holds that product, or if an element has one update.
 * @throws ShapeError if ranks differ or shapes do not broadcast; DtypeError for non-integer indices or bool in modes other than 'replace';
 * DataError for a known index outside the axis, ArgumentError for an unknown mode. (ScatterElements of ONNX, scatter_reduce of PyTorch.)
 *
 *     const y = scatterAlongAxis(zeros([2, 3]), tensor([[2], [0]], [2, 1], 'i32'), ones([2, 1]));   // [[0, 0, 1], [1, 0, 0]]
 *     const z = scatterAlongAxis(x, indices, updates, { axis: 0, mode: 'max' });
 */
export function scatterAlongAxis(x: Tensor, indices: Tensor, updates: Tensor, options: ScatterAlongOptions = {}): Tensor {
  const op = 'scatterAlongAxis';
  checkTensor(op, 'x', x);
  checkTensor(op, 'indices', indices);
  checkTensor(op, 'updates', updates);
  checkOptions(op, options, ['axis', 'mode']);
  const { mode = 'replace' } = options;
  if (x.rank !== indices.rank || x.rank !== updates.rank) {
    const shapes = `x is ${formatShape(x.shape)}, indices are ${formatShape(indices.shape)}, updates ${formatShape(updates.shape)}`;
    throw new ShapeError(`${op}: ${shapes}; ranks must be equal, reshape them`);
  }
  const axis = normalizeAxis(op, options.axis ?? -1, x.rank);
  const dtype = checkScatter(op, x, updates, mode);
  checkIndices(op, indices);
  const around = (shape: Shape): number[] => shape.map((n, i) => (i === axis ? 1 : n));
  const common = broadcastShapes(op, around(x.shape), around(indices.shape), around(updates.shape));
  const count = indices.shape[axis];
  if (!sameShape(common, around(x.shape)) || ![1, count].includes(updates.shape[axis])) {
    throw new ShapeError(
      `${op}: indices ${formatShape(indices.shape)} and updates ${formatShape(updates.shape)} do not broadcast to x ${formatShape(x.shape)} beside axis ${axis}; slice x or reshape them`,
    );
  }
  if (x.shape[axis] === 0 && indices.size > 0) {
    throw new ShapeError(`${op}: axis ${axis} of ${formatShape(x.shape)} is empty, there is no element to put into`);
  }
  checkRange(op, indices, x.shape[axis], `axis ${axis} of ${formatShape(x.shape)}`);
  const shape = common.map((n, i) => (i === axis ? count : n));
  const [places, given, base] = [broadcastTo(indices, shape), broadcastTo(cast(updates, dtype), shape), cast(x, dtype)];
  if (mode === 'add') return add(base, sumAlong(given, places, axis, x.shape[axis]));
  return scatterReduce(base, places, given, { axis, mode, ownIndices: true });
}
