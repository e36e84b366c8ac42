import { ArgumentError, ShapeError, asText, checkOptions } from '../../core/errors.ts';
import { type Shape, formatShape, sizeOf } from '../../core/shape.ts';
import { reshape as reshapeTensor } from '../../ops/index.ts';
import { type Layer, type LayerOptions, defineLayer, layerOptionNames } from '../layer.ts';
import { formatBatch } from '../spec.ts';

export interface ReshapeOptions extends LayerOptions {
  /** Without the batch axis; one size may be -1 and follows from the others. */
  targetShape: Shape;
}

const isSize = (n: unknown): boolean => Number.isInteger(n) && ((n as number) > 0 || n === -1);
const isTarget = (shape: unknown): boolean => Array.isArray(shape) && shape.every(isSize) && shape.filter((n) => n === -1).length <= 1;

/**
 * The same elements in another shape: [batch, …] to [batch, ...targetShape].
 *
 *     layers.reshape({ targetShape: [28, 28, 1], inputShape: [784] })
 */
export function reshape(options: ReshapeOptions): Layer {
  checkOptions('layers.reshape', options, ['targetShape', ...layerOptionNames]);
  const { targetShape } = options;
  if (!isTarget(targetShape)) {
    throw new ArgumentError(
      `layers.reshape: targetShape is ${asText(targetShape)}; it must be a list of positive integers, of which one may be -1`,
    );
  }
  const resolve = (shape: Shape, where: string): number[] => {
    const size = sizeOf(shape);
    const known = sizeOf(targetShape.filter((n) => n !== -1));
    const target = targetShape.map((n) => (n === -1 ? size / known : n));
    if (sizeOf(target) === size && target.every(Number.isInteger)) return target;
    throw new ShapeError(
      `${where}: cannot make ${formatShape(targetShape)} of inputs of shape ${formatBatch(shape)}; the number of elements must stay (${size} here)`,
    );
  };
  return defineLayer({
    kind: 'reshape',
    options,
    outputShape: resolve,
    apply: (_, x) => reshapeTensor(x, [x.shape[0], ...resolve(x.shape.slice(1), 'reshape')]),
  });
}
