// Random rectangles of pixels, for erasing and for CutMix.
import type { Tensor } from '../../../graph/tensor.ts';
import { iota } from '../../../ops/create/create.ts';
import { add, greaterEqual, less, logicalAnd, mul, reshape, sub } from '../../../ops/index.ts';
import type { Draws } from './draws.ts';

/** Pixels from a random start, [batch, 1, 1, 1], over a share of an axis: those whose number is in [start, start + share size). */
function drawInterval(draws: Draws, share: Tensor, size: number, places: Tensor): Tensor {
  const length = mul(share, size);
  const start = mul(draws.uniform(share.shape), sub(size, length));
  return logicalAnd(greaterEqual(places, start), less(places, add(start, length)));
}

/** Flags [batch, height, width, 1] of the pixels of one rectangle in each image. The shares of its sides are [batch, 1, 1, 1]. */
export function drawBoxes(draws: Draws, [height, width]: readonly number[], wide: Tensor, tall: Tensor): Tensor {
  const columns = drawInterval(draws, wide, width, reshape(iota(width), [1, 1, width, 1]));
  const rows = drawInterval(draws, tall, height, reshape(iota(height), [1, height, 1, 1]));
  return logicalAnd(rows, columns);
}
