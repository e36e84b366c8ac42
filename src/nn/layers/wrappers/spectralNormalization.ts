import type { Configured } from '../../../core/config.ts';
import { positiveInteger } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../../../core/options.ts';
import type { RandomStream } from '../../../core/random.ts';
import { type Tensor, hostTensor } from '../../../graph/tensor.ts';
import { div, matmul, maximum, mul, norm, reshape, stopGradient, sum } from '../../../ops/index.ts';
import { defineLayer } from '../../defineLayer.ts';
import type { Layer, TensorRecord } from '../../layer.ts';
import { layerKind, layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { type Tensors, shapesOf, specsOfBatch } from '../../spec.ts';
import { dense } from '../core/dense.ts';
import { kernelMatrix, wrappedKernel } from './wrappedKernel.ts';

export const spectralNormalizationOptions = declareOptions('layers.spectralNormalization', {
  /** Layer with a kernel or embeddings. */
  layer: required(layerKind, /* @__PURE__ */ dense({ units: 64 })),
  /** Number of power iterations in each pass of training. @default 1 */
  powerIterations: optional(positiveInteger, 1),
  ...layerOptions,
});
export type SpectralNormalizationOptions = OptionsOf<typeof spectralNormalizationOptions>;

interface Vectors {
  /** [outputs] */
  readonly u: Tensor;
  /** [rows] */
  readonly v: Tensor;
}

/** x / max(|x|, 1e-12) */
const unit = (x: Tensor): Tensor => div(x, maximum(norm(x), 1e-12));

/** Approaches the singular vectors of the largest singular value of a matrix [rows, outputs]. */
function iterate(matrix: Tensor, { u, v }: Vectors, times: number): Vectors {
  const [rows, outputs] = matrix.shape;
  let found: Vectors = { u, v };
  for (let i = 0; i < times; i++) {
    const next = unit(reshape(matmul(matrix, reshape(found.u, [outputs, 1])), [rows]));
    found = { u: unit(reshape(matmul(reshape(next, [1, rows]), matrix), [outputs])), v: next };
  }
  return found;
}

const randomUnit = (size: number, random: RandomStream): Tensor =>
  unit(
    hostTensor(
      { shape: [size], dtype: 'f32' },
      Float32Array.from({ length: size }, () => random.normal()),
    ),
  );

/** Power iterations for the first vectors, as in PyTorch. */
const firstIterations = 15;

/**
 * A layer whose kernel is divided by its largest singular value: kernel / sigma, sigma = v^T kernel u. Each pass of training improves u and v,
 * which are state, by power iterations; no gradient flows through them. Inference uses them as they are.
 *
 * Inputs and outputs are those of the layer. The kernel is a matrix [rows, outputs]. Values and gradients are those of PyTorch's spectral_norm;
 * Keras stores the divided kernel instead. Throws an ArgumentError for a layer without kernel or embeddings.
 * Miyato et al., Spectral Normalization for Generative Adversarial Networks, 2018.
 *
 *     layers.spectralNormalization({ layer: layers.conv2d({ filters: 64, kernelSize: 4, strides: 2 }) })
 */
export function spectralNormalization(options: SpectralNormalizationOptions): Configured<Layer> {
  const settings = spectralNormalizationOptions.read(options);
  const { layer: inner, powerIterations } = settings;
  const where = settings.name ?? 'spectralNormalization';
  const layer = defineLayer<Tensors, Tensors, TensorRecord, { vectorU: Tensor; vectorV: Tensor }, { readonly layer: Layer }>({
    kind: 'spectralNormalization',
    options: settings,
    takes: 'tree',
    inputDtype: inner.inputDtype,
    layers: { layer: inner },
    build: (shape, random, { layer: read }) => {
      const matrix = kernelMatrix(inner, wrappedKernel(where, inner, read(shape)).kernel);
      const [rows, outputs] = matrix.shape;
      const first = { u: randomUnit(outputs, random), v: randomUnit(rows, random) };
      const { u, v } = iterate(matrix, first, firstIterations);
      return { state: { vectorU: u, vectorV: v } };
    },
    apply({ state, layers }, inputs, { training, mask }) {
      const { name, kernel } = wrappedKernel(where, inner, layers.layer.parameters(shapesOf(specsOfBatch(inputs))));
      const matrix = kernelMatrix(inner, kernel);
      const before = { u: state.vectorU, v: state.vectorV };
      const { u, v } = training ? iterate(stopGradient(matrix), before, powerIterations) : before;
      const [rows, outputs] = matrix.shape;
      const sigma = sum(mul(matrix, mul(reshape(v, [rows, 1]), reshape(u, [1, outputs]))));
      const flow = layers.layer.flow(inputs, { mask, parameters: { [name]: div(kernel, sigma) } });
      return { ...flow, ...(training && { state: { vectorU: u, vectorV: v } }) };
    },
  });
  return withLayerConfig(layer, spectralNormalizationOptions, settings);
}
