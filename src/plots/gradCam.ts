// Grad-CAM: regions of an image that raise the score of a class, from the maps of one layer.
import { ArgumentError, ShapeError } from '../core/errors.ts';
import { boolean, text } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../core/options.ts';
import { formatShape } from '../core/shape.ts';
import { Tensor } from '../graph/tensor.ts';
import { expandDims, mean, mul, relu, resize, squeeze, sum } from '../ops/index.ts';
import type { ModelInput } from '../train/inputs.ts';
import type { Model } from '../train/index.ts';
import {
  type ArrayResult,
  type Explained,
  classScores,
  classesOf,
  explain,
  explained,
  readResults,
  scoreGradients,
  scoreOfClass,
  scoreOptions,
} from './classScores.ts';

export const gradCamOptions = declareOptions('plots.gradCam', {
  /** Name or path of a layer with maps [n, ..., channels], such as the last convolution. */
  layer: required(text, 'conv2d_2'),
  ...scoreOptions,
  /** Resizes the map to the size of the input image, by linear interpolation. @default true */
  resize: optional(boolean, true),
});
export type GradCamOptions = OptionsOf<typeof gradCamOptions>;

/** Map of each sample, without channels: [n, height, width] for images. Its values are at least 0. */
export interface GradCamMap extends ArrayResult, Explained {}

/** The maps of a layer. @throws ArgumentError if it ran several times or inside another layer, ShapeError for outputs without axes of space. */
function mapsOf(layer: string, found: readonly unknown[]): Tensor {
  const where = 'gradCam';
  const [maps] = found;
  if (found.length !== 1) {
    throw new ArgumentError(
      found.length > 1
        ? `${where}: the layer '${layer}' is used ${found.length} times, so it has several maps; give a layer that is used once`
        : `${where}: the layer '${layer}' runs inside another layer, which hides its outputs; give that layer instead`,
    );
  }
  if (!(maps instanceof Tensor) || maps.rank < 3) {
    throw new ShapeError(
      `${where}: the layer '${layer}' gives ${maps instanceof Tensor ? formatShape(maps.shape) : 'several outputs'}; give a layer with maps [samples, ..., channels], such as a convolution`,
    );
  }
  return maps;
}

/**
 * Grad-CAM: relu(Σₖ αₖ Aₖ), with the maps Aₖ of a layer and αₖ the mean over the positions of ∂score/∂Aₖ. The layer may be in a sequential or
 * functional model, and in a model inside it (`encoder/conv2d_2`).
 *
 * x in the form of the model's inputs -> [n, height, width] of the input image, or of the layer's maps without `resize`.
 * @throws ArgumentError for an unknown layer, class or output, ShapeError for a layer without maps.
 *
 *     const map = await gradCam(model, images, { layer: 'conv2d_2' });
 *     const svg = plots.saliency({ images, maps: map, overlay: true });
 *
 * (R. Selvaraju et al., Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization, ICCV 2017.)
 */
export function gradCam(model: Model, x: ModelInput, options: GradCamOptions): Promise<GradCamMap> {
  const where = 'gradCam';
  const { layer, resize: isResized, ...settings } = gradCamOptions.read(options);
  model.getLayer(layer);
  return explain(where, model, x, async (explaining) => {
    const found: unknown[] = [];
    const scores = classScores(where, explaining, explaining.x, settings, (path, outputs) => {
      if (path === layer) found.push(outputs);
    });
    const maps = mapsOf(layer, found);
    const classes = classesOf(where, scores, settings);
    const [gradient] = scoreGradients(scores, classes, [maps]);
    const axis = maps.shape.slice(1, -1).map((_, i) => i + 1);
    const weighted = sum(mul(maps, mean(gradient, { axis, keepDims: true })), { axis: -1 });
    const [image] = explaining.x instanceof Tensor ? [explaining.x] : [];
    const size = image && image.rank === maps.rank ? image.shape.slice(1, -1) : undefined;
    const map = isResized && size ? squeeze(resize(expandDims(relu(weighted), -1), { size, method: 'linear' }), -1) : relu(weighted);
    const [values, ids, classScore] = await readResults(explaining.engine, [map, classes, scoreOfClass(scores, classes)]);
    return { ...values, ...explained(ids, classScore) };
  });
}
