// Moves channels to pixels and pixels to channels, as views of one copy. It supports both common orders of the channels.
import { ArgumentError, ShapeError } from '../../core/errors.ts';
import { formatShape } from '../../core/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { checkTensor, inWords } from '../operands/arguments.ts';
import { checkImages } from '../conv/geometry.ts';
import { reshape, transpose } from './shape.ts';

function checkFactor(op: string, x: Tensor, factor: number): void {
  checkTensor(op, 'x', x);
  if (!Number.isInteger(factor) || factor < 1) throw new ArgumentError(`${op}: factor is ${inWords(factor)}; give a positive whole number`);
  checkImages(op, x.shape);
}

/** [B, H, W, C f²] -> [B, H f, W f, C]; the channels are ordered [C, f, f] or [f, f, C]. */
function spread(op: string, x: Tensor, factor: number, channelsFirst: boolean): Tensor {
  checkFactor(op, x, factor);
  const [batch, height, width, all] = x.shape;
  const channels = all / factor ** 2;
  if (!Number.isInteger(channels)) {
    throw new ShapeError(
      `${op}: the ${all} channels of x ${formatShape(x.shape)} do not divide by ${factor} x ${factor}; use another factor`,
    );
  }
  const split = channelsFirst ? [channels, factor, factor] : [factor, factor, channels];
  const order = channelsFirst ? [0, 1, 4, 2, 5, 3] : [0, 1, 3, 2, 4, 5];
  return reshape(transpose(reshape(x, [batch, height, width, ...split]), order), [batch, height * factor, width * factor, channels]);
}

/** [B, H f, W f, C] -> [B, H, W, C f²] */
function gathered(op: string, x: Tensor, factor: number, channelsFirst: boolean): Tensor {
  checkFactor(op, x, factor);
  const [batch, height, width, channels] = x.shape;
  if (height % factor !== 0 || width % factor !== 0) {
    throw new ShapeError(
      `${op}: ${height}x${width} pixels of x ${formatShape(x.shape)} do not divide by ${factor}; pad x or use another factor`,
    );
  }
  const split = reshape(x, [batch, height / factor, factor, width / factor, factor, channels]);
  const order = channelsFirst ? [0, 1, 3, 5, 2, 4] : [0, 1, 3, 2, 4, 5];
  return reshape(transpose(split, order), [batch, height / factor, width / factor, channels * factor ** 2]);
}

/**
 * Makes images f times as high and wide from channels: y[b, i f + p, j f + q, c] = x[b, i, j, c f² + p f + q], the order of PyTorch's
 * PixelShuffle (ONNX DepthToSpace in mode CRD). Shi et al., Real-Time Single Image and Video Super-Resolution, CVPR 2016.
 *
 * x [B, H, W, C f²] -> [B, H f, W f, C].
 * @throws ShapeError for other ranks or channels that do not divide, ArgumentError for a bad factor.
 *
 *     const larger = pixelShuffle(features, 2);   // [8,16,16,12] -> [8,32,32,3]
 */
export const pixelShuffle = (x: Tensor, factor: number): Tensor => spread('pixelShuffle', x, factor, true);

/**
 * Inverse of pixelShuffle: y[b, i, j, c f² + p f + q] = x[b, i f + p, j f + q, c].
 *
 * x [B, H f, W f, C] -> [B, H, W, C f²].
 * @throws ShapeError for other ranks or sizes that do not divide, ArgumentError for a bad factor.
 *
 *     const deeper = pixelUnshuffle(images, 2);   // [8,32,32,3] -> [8,16,16,12]
 */
export const pixelUnshuffle = (x: Tensor, factor: number): Tensor => gathered('pixelUnshuffle', x, factor, true);

/**
 * pixelShuffle with the order of TensorFlow's depth_to_space (ONNX DepthToSpace in mode DCR): y[b, i f + p, j f + q, c] = x[b, i, j, (p f + q) C + c].
 *
 * x [B, H, W, f² C] -> [B, H f, W f, C].
 * @throws ShapeError for other ranks or channels that do not divide, ArgumentError for a bad factor.
 *
 *     const larger = depthToSpace(features, 2);   // [8,16,16,12] -> [8,32,32,3]
 */
export const depthToSpace = (x: Tensor, factor: number): Tensor => spread('depthToSpace', x, factor, false);

/**
 * Inverse of depthToSpace, TensorFlow's and ONNX's space_to_depth: y[b, i, j, (p f + q) C + c] = x[b, i f + p, j f + q, c].
 *
 * x [B, H f, W f, C] -> [B, H, W, f² C].
 * @throws ShapeError for other ranks or sizes that do not divide, ArgumentError for a bad factor.
 *
 *     const deeper = spaceToDepth(images, 2);   // [8,32,32,3] -> [8,16,16,12]
 */
export const spaceToDepth = (x: Tensor, factor: number): Tensor => gathered('spaceToDepth', x, factor, false);
