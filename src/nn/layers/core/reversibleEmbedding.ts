import type { Configured } from '../../../core/config.ts';
import { ShapeError } from '../../../core/errors.ts';
import { positiveInteger } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../../../core/options.ts';
import { cast, embedding as lookUp, matmul, transpose } from '../../../ops/index.ts';
import { constraintKind } from '../../constraints.ts';
import { defineLayer } from '../../defineLayer.ts';
import { initializerKind } from '../../initializers.ts';
import type { Layer } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { regularizerKind } from '../../regularizers.ts';
import { formatBatch } from '../../spec.ts';

export const reversibleEmbeddingOptions = declareOptions('layers.reversibleEmbedding', {
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
  ...layerOptions,
});
export type ReversibleEmbeddingOptions = OptionsOf<typeof reversibleEmbeddingOptions>;

/**
 * One table for the vectors of tokens and for their logits. Ids [batch, time] give embeddings[ids], [batch, time, outputDim]. Features [batch, time,
 * outputDim] give the logits x embeddings^T, [batch, time, inputDim]. Apply the layer twice to tie the weights of a language model.
 *
 * Throws a ShapeError for other inputs. Press and Wolf, Using the Output Embedding to Improve Language Models, 2016.
 *
 *     const tokens = layers.reversibleEmbedding({ inputDim: 1000, outputDim: 64 });
 *     const logits = tokens.apply(block.apply(tokens.apply(ids)));
 */
export function reversibleEmbedding(options: ReversibleEmbeddingOptions): Configured<Layer> {
  const settings = reversibleEmbeddingOptions.read(options);
  const { inputDim, outputDim, embeddingsInitializer } = settings;
  const layer = defineLayer({
    kind: 'reversibleEmbedding',
    options: settings,
    inputDtype: 'i32',
    masking: 'pass',
    regularizers: { embeddings: settings.embeddingsRegularizer },
    constraints: { embeddings: settings.embeddingsConstraint },
    outputShape: (shape, where) => {
      if (shape.length === 1) return [shape[0], outputDim];
      if (shape.length === 2 && shape[1] === outputDim) return [shape[0], inputDim];
      throw new ShapeError(`${where}: takes ids [batch, time] or features [batch, time, ${outputDim}], got ${formatBatch(shape)}`);
    },
    build: (_, random) => ({ parameters: { embeddings: embeddingsInitializer([inputDim, outputDim], random) } }),
    apply: ({ parameters: { embeddings } }, x) => (x.rank === 2 ? lookUp(embeddings, cast(x, 'i32')) : matmul(x, transpose(embeddings))),
  });
  return withLayerConfig(layer, reversibleEmbeddingOptions, settings);
}
