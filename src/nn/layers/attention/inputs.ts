// Inputs of attention layers: one tensor, [query, value], or [query, value, key].
import { ShapeError } from '../../../core/errors.ts';
import type { Shape } from '../../../core/shape.ts';
import { Tensor } from '../../../graph/tensor.ts';
import type { Masks } from '../../layer.ts';
import { type Shapes, type Tensors, formatBatches, isShape } from '../../spec.ts';

export interface AttentionInputs<T> {
  readonly query: T;
  readonly value: T;
  readonly key: T;
}

/** Shapes of the inputs. @throws ShapeError unless they are sequences of one length of keys and values. */
export function attentionShapes(where: string, shapes: Shapes): AttentionInputs<Shape> {
  const list = isShape(shapes) ? [shapes] : Array.isArray(shapes) ? (shapes as readonly Shapes[]) : [];
  const isFit = list.length >= 1 && list.length <= 3 && list.every((shape) => isShape(shape) && shape.length === 2);
  if (!isFit) {
    throw new ShapeError(
      `${where}: takes one tensor [batch, time, features], [query, value] or [query, value, key], got ${formatBatches(shapes)}`,
    );
  }
  const [query, value = query, key = value] = list as readonly Shape[];
  if (key[0] === value[0]) return { query, value, key };
  throw new ShapeError(
    `${where}: the value has ${value[0]} steps and the key ${key[0]} (${formatBatches(shapes)}); they need equally many`,
  );
}

/** The inputs by their use. */
export function attentionInputs(inputs: Tensors): AttentionInputs<Tensor> {
  const [query, value = query, key = value] = inputs instanceof Tensor ? [inputs] : (inputs as readonly Tensor[]);
  return { query, value, key };
}

/** Masks of the inputs: of the query, and of value and key. */
export function attentionMasks(inputs: Tensors, mask: Masks): { readonly query: Masks; readonly keys: readonly Masks[] } {
  if (inputs instanceof Tensor) return { query: mask, keys: [mask] };
  const [query, ...keys] = Array.isArray(mask) ? (mask as readonly Masks[]) : [];
  return { query, keys: (inputs as readonly Tensor[]).length === 1 ? [query] : keys };
}
