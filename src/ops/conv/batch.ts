// Convolutions under vmap. Images of all rows are one larger batch; filters that differ from row to row are groups of one convolution, whose
// channels lie side by side.
import type { BatchContext } from '../../graph/op.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { foldIntoBatch, moveAxis, spreadInputs } from '../batching.ts';
import { reshape } from '../shape.ts';

/** [B, .., C] -> [.., B * C]: the rows' channels side by side. */
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

/** Images and a filter: conv2d, and its gradient with respect to the images. */
export function batchConvolution<A extends { readonly groups: number }>(context: BatchContext<A>): readonly Tensor[] {
  const { inputs, mapped, attributes, apply } = context;
  const [x, filter] = inputs;
  if (mapped[1]) return asGroups(context);
  const images = { ...context, inputs: [x], mapped: [true], apply: ([folded]: readonly Tensor[]) => apply([folded, filter], attributes) };
  return foldIntoBatch(images);
}

/** The gradient with respect to the filter sums over the images of its own row only. */
export function batchFilterGradient<A extends { readonly groups: number }>(context: BatchContext<A>): readonly Tensor[] {
  return asGroups(context);
}
