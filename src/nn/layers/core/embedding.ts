import type { Configured } from '../../../core/config.ts';
import { boolean, positiveInteger } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../../../core/options.ts';
import { cast, notEqual } from '../../../ops/index.ts';
import { constraintKind } from '../../constraints.ts';
import { defineLayer } from '../../defineLayer.ts';
import { initializerKind } from '../../initializers.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { loraFactoryOptions } from '../../loraOptions.ts';
import { quantizationFactoryOptions } from '../../quantizationOptions.ts';
import { regularizerKind } from '../../regularizers.ts';
import { loraRows } from './loraRows.ts';

export const embeddingOptions = declareOptions('layers.embedding', {
  /** Number of rows of the table. Indices are from 0 to inputDim - 1. */
  inputDim: required(positiveInteger, 1000),
  /** Size of the vector of an index. */
  outputDim: required(positiveInteger, 64),
  /** First values of the table. @default 'randomUniform' */
  embeddingsInitializer: optional(initializerKind, 'randomUniform'),
  /** Penalty of the table, added to the loss. */
  embeddingsRegularizer: optional(regularizerKind),
  /** Rule that the table is brought back to after each update. */
  embeddingsConstraint: optional(constraintKind),
  /** Index 0 is padding: a mask leaves its steps out of the layers, the loss and the metrics that follow. @default false */
  maskZero: optional(boolean, false),
  ...loraFactoryOptions,
  ...quantizationFactoryOptions,
  ...layerOptions,
});
export type EmbeddingOptions = OptionsOf<typeof embeddingOptions>;

/**
 * A trained vector for each index: y = embeddings[x].
 *
 * Input i32 [batch, …], output [batch, …, outputDim], embeddings [inputDim, outputDim].
 *
 *     layers.embedding({ inputDim: 1000, outputDim: 64, maskZero: true })
 */
export function embedding(options: EmbeddingOptions): Configured<Layer> {
  const settings = embeddingOptions.read(options);
  const { inputDim, outputDim, embeddingsInitializer, maskZero } = settings;
  const layer = defineLayer({
    kind: 'embedding',
    options: settings,
    inputDtype: 'i32',
    lora: { embeddings: 1 },
    appliesLora: true,
    quantize: { embeddings: [1] },
    unpacks: true,
    regularizers: { embeddings: settings.embeddingsRegularizer },
    constraints: { embeddings: settings.embeddingsConstraint },
    outputShape: (shape) => [...shape, outputDim],
    build: (_, random) => ({ parameters: { embeddings: embeddingsInitializer([inputDim, outputDim], random) } }),
    apply: ({ parameters }, x) => ({
      outputs: loraRows(parameters, cast(x, 'i32'), outputDim),
      ...(maskZero && { mask: notEqual(x, 0) }),
    }),
  });
  return withLayerConfig(layer, embeddingOptions, settings);
}
