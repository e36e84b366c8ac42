// Checks of the sizes that layers are given.
import { ArgumentError, ShapeError, asText } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { type Shapes, formatBatch, formatBatches, isShape } from './spec.ts';

/** Throws unless `shape` is a list of positive integers. */
export function checkSizes(where: string, argument: string, shape: unknown): void {
  if (Array.isArray(shape) && shape.every((n) => Number.isInteger(n) && (n as number) > 0)) return;
  throw new ShapeError(`${where}: ${argument} is ${asText(shape)}; it must be a list of positive integers, without the batch axis`);
}

/** Throws unless `value` is a positive integer. */
export function checkPositive(where: string, argument: string, value: unknown): void {
  if (Number.isInteger(value) && (value as number) > 0) return;
  throw new ArgumentError(`${where}: ${argument} is ${String(value)}; it must be a positive integer`);
}

/** Throws unless the input (without its batch axis) has this rank. `axes` describes the input that the layer expects. */
export function checkRank(where: string, shape: Shape, rank: number, axes: string): void {
  if (shape.length !== rank) refuseRank(where, shape, axes);
}

/** Throws unless the input (without its batch axis) has at least this rank. */
export function checkRankAtLeast(where: string, shape: Shape, rank: number, axes: string): void {
  if (shape.length < rank) refuseRank(where, shape, axes);
}

/** Throws if the input is a list or record of tensors. */
export function checkOneTensor(where: string, shapes: Shapes): void {
  if (isShape(shapes)) return;
  throw new ShapeError(
    `${where}: takes one tensor, got ${formatBatches(shapes)}; give it one of them, or join them by layers.concatenate(); ` +
      "a layer of your own that takes several declares takes: 'tree'",
  );
}

function refuseRank(where: string, shape: Shape, axes: string): never {
  throw new ShapeError(
    `${where}: takes inputs ${axes}, got inputs of shape ${formatBatch(shape)}; reshape the data or put a reshape layer in front`,
  );
}
