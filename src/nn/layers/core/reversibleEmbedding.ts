import { type Config, type Configured, plainData } from '../../../core/config.ts';
import { ArgumentError, ShapeError } from '../../../core/errors.ts';
import { boolean, number, positiveInteger } from '../../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../../../core/options.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { cast, div, matmul, mul, notEqual, tanh } from '../../../ops/index.ts';
import { constraintKind } from '../../constraints.ts';
import { defineLayer } from '../../defineLayer.ts';
import { initializerKind } from '../../initializers.ts';
import { formatBatch } from '../../spec.ts';
import { loraRows } from './loraRows.ts';
import type { Layer, TensorRecord } from '../../layer.ts';
import { layerOptions, withLayerConfig } from '../../layerOptions.ts';
import { loraFactoryOptions } from '../../loraOptions.ts';
import { quantizationFactoryOptions } from '../../quantizationOptions.ts';
import { regularizerKind } from '../../regularizers.ts';

export const reversibleEmbeddingOptions = declareOptions('layers.reversibleEmbedding', {
  /** Number of rows of the table, and number of logits. Indices are from 0 to inputDim - 1. */
  inputDim: required(positiveInteger, 1000),
  /** Size of the vector of an index. */
  outputDim: required(positiveInteger, 64),
  /** Uses the table for the logits, too. Without it, `reverse` has a table of its own. @default true */
  tieWeights: optional(boolean, true),
  /** First values of the tables. @default 'randomUniform' */
  embeddingsInitializer: optional(initializerKind, 'randomUniform'),
  /** Penalty of each table, added to the loss. */
  embeddingsRegularizer: optional(regularizerKind),
  /** Rule that each table is brought back to after each update. */
  embeddingsConstraint: optional(constraintKind),
  /** Index 0 is padding: a mask leaves its steps out of the layers, the loss and the metrics that follow. @default false */
  maskZero: optional(boolean, false),
  /** Largest size of a logit: logits become cap tanh(logits / cap). Without it they stay as they are. */
  logitSoftCap: optional(number('above 0')),
  ...loraFactoryOptions,
  ...quantizationFactoryOptions,
  ...layerOptions,
});
export type ReversibleEmbeddingOptions = OptionsOf<typeof reversibleEmbeddingOptions>;

export interface ReversibleEmbedding extends Layer {
  /** Logits of vectors: y = x embeddings^T. Input [batch, …, outputDim], output [batch, …, inputDim]. It shares the table with the embedding. */
  readonly reverse: Layer;
}

/**
 * A trained vector for each index, y = embeddings[x], and the way back: `layer.reverse` computes logits from vectors, with the same table.
 *
 * Input i32 [batch, …], output [batch, …, outputDim], embeddings [inputDim, outputDim]. As KerasHub's ReversibleEmbedding, whose call has
 * `reverse=True` for the second layer. Without tieWeights, `reverse` uses reverseEmbeddings [outputDim, inputDim].
 * Throws a ShapeError for vectors of another size. Press and Wolf, Using the Output Embedding to Improve Language Models, 2017.
 *
 *     const tokens = layers.reversibleEmbedding({ inputDim: 1000, outputDim: 64 });
 *     const model = sequential([tokens, layers.transformerEncoder({ intermediateDim: 256, numHeads: 4, causal: true }), tokens.reverse]);
 */
export function reversibleEmbedding(options: ReversibleEmbeddingOptions): Configured<ReversibleEmbedding> {
  const settings = reversibleEmbeddingOptions.read(options);
  const { inputDim, outputDim, tieWeights, embeddingsInitializer, maskZero, logitSoftCap: cap } = settings;
  const forTables = <T>(value: T): { embeddings: T; reverseEmbeddings: T } => ({ embeddings: value, reverseEmbeddings: value });
  const embedding = defineLayer({
    kind: 'reversibleEmbedding',
    options: settings,
    inputDtype: 'i32',
    lora: tieWeights ? { embeddings: 1 } : { embeddings: 1, reverseEmbeddings: 1 },
    appliesLora: true,
    quantize: tieWeights ? { embeddings: [1] } : { embeddings: [1], reverseEmbeddings: [0] },
    unpacks: true,
    regularizers: forTables(settings.embeddingsRegularizer),
    constraints: forTables(settings.embeddingsConstraint),
    outputShape: (shape) => [...shape, outputDim],
    build: (_, random) => ({
      parameters: {
        embeddings: embeddingsInitializer([inputDim, outputDim], random),
        ...(!tieWeights && { reverseEmbeddings: embeddingsInitializer([outputDim, inputDim], random) }),
      },
    }),
    apply: ({ parameters }, x) => ({
      outputs: loraRows(parameters, cast(x, 'i32'), outputDim),
      ...(maskZero && { mask: notEqual(x, 0) }),
    }),
  });
  const reverse = defineLayer<Tensor, Tensor, TensorRecord, TensorRecord, { readonly embedding: Layer }>({
    kind: 'reverseEmbedding',
    options: {},
    masking: 'pass',
    layers: { embedding },
    outputShape: (shape, where) => {
      if (shape[shape.length - 1] !== outputDim) {
        throw new ShapeError(
          `${where}: takes inputs [batch, …, ${outputDim}], got ${formatBatch(shape)}; outputDim is the size of the last axis`,
        );
      }
      return [...shape.slice(0, -1), inputDim];
    },
    apply: ({ layers }, x) => {
      // The table does not depend on the inputs of the embedding.
      const { embeddings, reverseEmbeddings } = layers.embedding.parameters([]);
      const table = cast(tieWeights ? embeddings : reverseEmbeddings, x.dtype);
      const logits = matmul(x, table, { transposeB: tieWeights });
      return cap === undefined ? logits : mul(tanh(div(logits, cap)), cap);
    },
  });
  const configured = withLayerConfig(Object.assign(embedding, { reverse }), reversibleEmbeddingOptions, settings);
  const config = (): Config => ({ kind: 'reverseEmbedding', options: { embedding: plainData(configured, 'reverseEmbedding') } });
  Object.defineProperty(reverse, 'config', { get: config, configurable: true });
  return configured;
}

/** The layer `reverse` from its config. */
export function reverseFromConfig({ embedding }: Config['options'], make: (config: Config) => unknown): Layer {
  const { reverse } = make(embedding as unknown as Config) as Partial<ReversibleEmbedding>;
  if (reverse) return reverse;
  throw new ArgumentError('fromConfig: reverseEmbedding: embedding must be the config of layers.reversibleEmbedding');
}
