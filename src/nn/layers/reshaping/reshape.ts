import type { Configured } from '../../../core/config.ts';
import { ShapeError } from '../../../core/errors.ts';
import { shapeWithOneOpen } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, required } from '../../../core/options.ts';
import { type Shape, formatShape, sizeOf } from '../../../core/shape.ts';
import { reshape as reshapeTensor } from '../../../ops/index.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { formatBatch } from '../../spec.ts';

export const reshapeOptions = declareOptions('layers.reshape', {
  /** Shape of one output, without the batch axis. One size may be -1 and follows from the others. */
  targetShape: required(shapeWithOneOpen, [-1]),
  ...layerOptions,
});
export type ReshapeOptions = OptionsOf<typeof reshapeOptions>;

/**
 * The same elements in another shape: [batch, …] to [batch, ...targetShape].
 *
 *     layers.reshape({ targetShape: [28, 28, 1], inputShape: [784] })
 */
export function reshape(options: ReshapeOptions): Configured<Layer> {
  const settings = reshapeOptions.read(options);
  const { targetShape } = settings;
  const resolve = (shape: Shape, where: string): number[] => {
    const size = sizeOf(shape);
    const known = sizeOf(targetShape.filter((n) => n !== -1));
    const target = targetShape.map((n) => (n === -1 ? size / known : n));
    if (sizeOf(target) === size && target.every(Number.isInteger)) return target;
    throw new ShapeError(
      `${where}: cannot make ${formatShape(targetShape)} of inputs of shape ${formatBatch(shape)}; the number of elements must stay (${size} here)`,
    );
  };
  const layer = defineLayer({
    kind: 'reshape',
    options: settings,
    outputShape: resolve,
    apply: (_, x) => reshapeTensor(x, [x.shape[0], ...resolve(x.shape.slice(1), 'reshape')]),
  });
  return withLayerConfig(layer, reshapeOptions, settings);
}
