// Numbers of a model's weights, by its layers: for writers.
import { OmbreError } from '../../core/errors.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Layer, TensorRecord } from '../../nn/index.ts';
import type { Model } from '../../train/index.ts';
import type { KerasLayer } from './converter.ts';
import { type WeightEntry, entriesOf, pathOf } from './weights.ts';

/** A weight with its numbers, which are those of the model at that time. */
export interface HeldWeight {
  readonly entry: WeightEntry;
  readonly data: Float32Array;
}

/** Weights of a model in Keras's order, as copies on the host. */
export async function heldWeights(model: Model, tree: KerasLayer): Promise<HeldWeight[]> {
  const variables = model.variables();
  const copies = await model.getWeights();
  const byLayer = new Map<Layer, Record<string, Tensor>>();
  variables.forEach(({ layer, path }, i) => {
    const own = byLayer.get(layer) ?? {};
    own[path.slice(path.lastIndexOf('/') + 1)] = copies[i];
    byLayer.set(layer, own);
  });
  const of = (layer: Layer): TensorRecord => byLayer.get(layer) ?? {};
  const held: HeldWeight[] = [];
  for (const entry of entriesOf(tree, of)) {
    const data = await of(entry.layer)[entry.variable].data();
    if (!(data instanceof Float32Array)) throw new OmbreError(`${pathOf(entry)} is no f32 tensor`);
    held.push({ entry, data });
  }
  return held;
}
