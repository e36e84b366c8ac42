// Convolutions under vmap, along any number of axes. With a shared filter, the images of all examples become one larger batch. Filters that
// differ between examples become groups of one convolution, with their channels side by side.
import type { BatchContext } from '../../graph/op.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { foldIntoBatch, moveAxis, spreadInputs } from '../batching/batching.ts';
import { reshape } from '../shape/shape.ts';

/** [B, .., C] -> [.., B * C]: puts the channels of all examples side by side. */
function besides(x: Tensor): Tensor {
  const y = moveAxis(x, 0, x.rank - 2);
  return reshape(y, [...y.shape.slice(0, -2), y.shape[y.rank - 2] * y.shape[y.rank - 1]]);
}

/** [.., B * C] -> [B, .., C] */
function apart(y: Tensor, size: number): Tensor {
  const split = reshape(y, [...y.shape.slice(0, -1), size, y.shape[y.rank - 1] / size]);
  return moveAxis(split, split.rank - 2, 0);
}

function asGroups<A extends { readonly groups: number }>(context: BatchContext<A>): readonly Tensor[] {
  const { size, attributes, apply } = context;
  const results = apply(spreadInputs(context).map(besides), { ...attributes, groups: attributes.groups * size });
  return results.map((y) => apart(y, size));
}

/** With one filter for all examples, their images become one larger batch. */
function asOneBatch<A>({ inputs: [x, filter], size, attributes, apply }: BatchContext<A>): readonly Tensor[] {
  const images = { inputs: [x], mapped: [true], size, attributes };
  return foldIntoBatch({ ...images, apply: ([folded]: readonly Tensor[]) => apply([folded, filter], attributes) });
}

/** Images (or volumes) and a filter: a convolution, and its gradient with respect to the images. */
export function batchConvolution<A extends { readonly groups: number }>(context: BatchContext<A>): readonly Tensor[] {
  return context.mapped[1] ? asGroups(context) : asOneBatch(context);
}

/** The gradient with respect to the filter sums only over the images of its own example. */
export function batchFilterGradient<A extends { readonly groups: number }>(context: BatchContext<A>): readonly Tensor[] {
  return asGroups(context);
}

/** [B, height, width, C, M] -> [height, width, B * C, M]: depthwise filters belong to channels, which are side by side. */
function filtersBesides(filter: Tensor): Tensor {
  const [size, height, width, channels, multiplier] = filter.shape;
  return reshape(moveAxis(filter, 0, 2), [height, width, size * channels, multiplier]);
}

/** A depthwise convolution, and its gradient with respect to the images. */
export function batchDepthwise<A>(context: BatchContext<A>): readonly Tensor[] {
  const { mapped, size, attributes, apply } = context;
  if (!mapped[1]) return asOneBatch(context);
  const [x, filter] = spreadInputs(context);
  return apply([besides(x), filtersBesides(filter)], attributes).map((y) => apart(y, size));
}

/** The gradient of a depthwise convolution with respect to the filter. */
export function batchDepthwiseFilterGradient<A>(context: BatchContext<A>): readonly Tensor[] {
  const { size, attributes, apply } = context;
  return apply(spreadInputs(context).map(besides), attributes).map((y) => {
    const [height, width, channels, multiplier] = y.shape;
    return moveAxis(reshape(y, [height, width, size, channels / size, multiplier]), 2, 0);
  });
}
