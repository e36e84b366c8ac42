// Pooling of windows over any number of axes.
import type { Tensor } from '../../../graph/tensor.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { Layer, LayerOptions } from '../../layer.ts';
import { type WindowPadding, checkAxes, windowedShape } from '../../windows.ts';

interface PoolingSettings extends LayerOptions {
  readonly poolSize: readonly number[];
  readonly strides: readonly number[] | undefined;
  readonly padding: WindowPadding;
}

type Pool = (
  x: Tensor,
  options: { readonly poolSize: readonly number[]; readonly strides: readonly number[]; readonly padding: WindowPadding },
) => Tensor;

export function poolingLayer(kind: string, settings: PoolingSettings, pool: Pool): Layer {
  const { poolSize, strides = poolSize, padding } = settings;
  const axes = poolSize.length;
  return defineLayer({
    kind,
    options: settings,
    outputShape: (shape, where) => {
      checkAxes(where, shape, axes);
      const dilations = poolSize.map(() => 1);
      return [...windowedShape(where, shape, { size: poolSize, strides, dilations, padding }), shape[axes]];
    },
    apply: (_, x) => pool(x, { poolSize, strides, padding }),
  });
}
