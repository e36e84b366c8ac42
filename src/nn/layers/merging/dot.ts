import type { Configured } from '../../../core/config.ts';
import { ShapeError } from '../../../core/errors.ts';
import { boolean, kindOf } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../../../core/options.ts';
import { type Shape, normalizeAxis } from '../../../core/shape.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { div, einsum, expandDims, maximum, sqrt, square, sum } from '../../../ops/index.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { formatBatch, isShape } from '../../spec.ts';

/** An axis of both inputs, or one of each. */
export type DotAxes = number | readonly [number, number];

export const dotOptions = declareOptions('layers.dot', {
  /** Axis of both inputs along which products are summed, or one of each: [axisOfFirst, axisOfSecond]. Counted with the batch axis. */
  axes: required(
    kindOf<DotAxes>({
      rule: 'an integer, or two',
      accepts: (value): value is DotAxes =>
        Number.isSafeInteger(value) ||
        (Array.isArray(value) && value.length === 2 && Array.from<unknown>(value).every(Number.isSafeInteger)),
    }),
    -1,
  ),
  /** Divides both inputs by their norms along the axes: the result is the cosine of their angle. @default false */
  normalize: optional(boolean, false),
  ...layerOptions,
});
export type DotOptions = OptionsOf<typeof dotOptions>;

const letters = 'abcdefghijklmnopqrstuvwxyz';

/**
 * Products of two tensors, summed along an axis of each, for each sample: [batch, n, k] and [batch, m, k] give [batch, n, m]; two vectors give
 * [batch, 1]. Throws a ShapeError unless there are two tensors whose axes have one size.
 *
 *     layers.dot({ axes: -1, normalize: true }).apply([user, item])
 */
export function dot(options: DotOptions): Configured<Layer> {
  const settings = dotOptions.read(options);
  const { axes, normalize } = settings;
  const resolve = (shapes: unknown, where: string): { shapes: readonly [Shape, Shape]; along: readonly [number, number] } => {
    const isPair = Array.isArray(shapes) && shapes.length === 2 && shapes.every((shape) => isShape(shape as Shape));
    if (!isPair) throw new ShapeError(`${where}: takes two tensors, such as ${where}.apply([a, b])`);
    const [first, second] = shapes as [Shape, Shape];
    const [one, other] = typeof axes === 'number' ? [axes, axes] : axes;
    const along = [normalizeAxis(where, one, first.length + 1), normalizeAxis(where, other, second.length + 1)] as const;
    if (along.includes(0)) throw new ShapeError(`${where}: axes ${String(axes)} include the batch axis; choose axes of the samples`);
    if (first[along[0] - 1] === second[along[1] - 1]) return { shapes: [first, second], along };
    throw new ShapeError(
      `${where}: axes ${along.join(' and ')} of inputs ${formatBatch(first)} and ${formatBatch(second)} have different sizes; choose others`,
    );
  };
  const rest = ([first, second]: readonly [Shape, Shape], [one, other]: readonly [number, number]): Shape => [
    ...first.filter((_, i) => i !== one - 1),
    ...second.filter((_, i) => i !== other - 1),
  ];
  const layer = defineLayer<readonly Tensor[], Tensor>({
    takes: 'tree',
    kind: 'dot',
    options: settings,
    outputShape: (shapes, where) => {
      const found = resolve(shapes, where);
      const shape = rest(found.shapes, found.along);
      return shape.length ? shape : [1];
    },
    apply: (_, inputs) => {
      const { along } = resolve(inputs.map(({ shape }) => shape.slice(1)), 'dot'); // prettier-ignore
      const unit = (x: Tensor, axis: number): Tensor => div(x, sqrt(maximum(sum(square(x), { axis, keepDims: true }), 1e-12)));
      const [a, b] = normalize ? inputs.map((x, i) => unit(x, along[i])) : inputs;
      const first = letters.slice(0, a.rank);
      const second = [...letters.slice(a.rank, a.rank + b.rank)].map((letter, i) =>
        i === 0 ? first[0] : i === along[1] ? first[along[0]] : letter,
      );
      const out = [first[0], ...[...first].filter((_, i) => i > 0 && i !== along[0]), ...second.filter((_, i) => i > 0 && i !== along[1])];
      const y = einsum(`${first},${second.join('')}->${out.join('')}`, a, b);
      return y.rank === 1 ? expandDims(y, 1) : y;
    },
  });
  return withLayerConfig(layer, dotOptions, settings);
}
