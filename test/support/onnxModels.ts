// Models that are exported to ONNX: those that scripts/onnx/verify.ts ran in another engine, and that the tests export again.
import { type Dtype, createModel, input, layers, sequential, setSeed } from '../../src/index.ts';
import type { Model, Tensor } from '../../src/index.ts';
import { hostTensor } from '../../src/graph/tensor.ts';

export interface OnnxModelCase {
  readonly name: string;
  readonly build: () => Model;
  /** Shapes of one sample of each input, in order. Whole numbers are below the bound. */
  readonly inputs: readonly { readonly shape: readonly number[]; readonly below?: number }[];
}

const images = { inputShape: [8, 8, 3] };

/** A decoder of tokens: causal attention, normalization before each part. */
function smallGpt(): Model {
  const tokens = input({ shape: [6], dtype: 'i32', name: 'tokens' });
  const embedded = layers.embedding({ inputDim: 20, outputDim: 8 }).apply(tokens);
  const placed = layers.add().apply([embedded, layers.positionEmbedding({ sequenceLength: 6 }).apply(embedded)] as never);
  let x = placed;
  for (let block = 0; block < 2; block++) {
    const normed = layers.layerNormalization().apply(x);
    const attended = layers.multiHeadAttention({ numHeads: 2, keyDim: 4, causal: true }).apply([normed, normed] as never);
    x = layers.add().apply([x, attended] as never);
    const hidden = layers.dense({ units: 16, activation: 'gelu' }).apply(layers.layerNormalization().apply(x));
    x = layers.add().apply([x, layers.dense({ units: 8 }).apply(hidden)] as never);
  }
  const logits = layers.dense({ units: 20 }).apply(layers.layerNormalization().apply(x));
  return createModel({ inputs: tokens, outputs: { logits } });
}

function twoInputs(): Model {
  const image = input({ shape: [6, 6, 1], name: 'image' });
  const age = input({ shape: [2], name: 'age' });
  const features = layers.flatten().apply(layers.conv2d({ filters: 3, kernelSize: 3, activation: 'relu' }).apply(image));
  const both = layers.concatenate().apply([features, age] as never);
  const digit = layers.dense({ units: 4, activation: 'softmax' }).apply(both);
  const parity = layers.dense({ units: 1, activation: 'sigmoid' }).apply(both);
  return createModel({ inputs: { image, age }, outputs: { digit, parity } });
}

function maskedLstm(): Model {
  return sequential([
    layers.embedding({ inputDim: 5, outputDim: 4, maskZero: true, inputShape: [5] }),
    layers.lstm({ units: 3 }),
    layers.dense({ units: 2 }),
  ]);
}

export const onnxModels: readonly OnnxModelCase[] = [
  {
    name: 'mlp',
    build: () =>
      sequential([layers.dense({ units: 16, activation: 'relu', inputShape: [7] }), layers.dense({ units: 5, activation: 'softmax' })]),
    inputs: [{ shape: [7] }],
  },
  {
    name: 'cnn',
    build: () =>
      sequential([
        layers.conv2d({ filters: 4, kernelSize: 3, padding: 'same', ...images }),
        layers.batchNormalization(),
        layers.activation({ activation: 'relu' }),
        layers.maxPooling2d(),
        layers.separableConv2d({ filters: 6, kernelSize: 3, padding: 'same', activation: 'elu' }),
        layers.depthwiseConv2d({ kernelSize: 2, strides: 2 }),
        layers.averagePooling2d({ poolSize: 2, padding: 'same', strides: 1 }),
        layers.dropout({ rate: 0.5 }),
        layers.flatten(),
        layers.dense({ units: 3 }),
      ]),
    inputs: [{ shape: [8, 8, 3] }],
  },
  {
    name: 'decoder',
    build: () =>
      sequential([
        layers.conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2, padding: 'same', ...images }),
        layers.groupNormalization({ groups: 2 }),
        layers.upSampling2d({ size: 2, interpolation: 'bilinear' }),
        layers.resizing({ height: 9, width: 7 }),
        layers.zeroPadding2d({ padding: 1 }),
        layers.globalAveragePooling2d(),
      ]),
    inputs: [{ shape: [8, 8, 3] }],
  },
  {
    name: 'sequences',
    build: () =>
      sequential([
        layers.conv1d({ filters: 4, kernelSize: 3, activation: 'swish', inputShape: [9, 2] } as never),
        layers.layerNormalization(),
        layers.maxPooling1d(),
        layers.simpleRnn({ units: 3 }),
      ]),
    inputs: [{ shape: [9, 2] }],
  },
  {
    name: 'volumes',
    build: () =>
      sequential([layers.conv3d({ filters: 2, kernelSize: 2, inputShape: [4, 4, 4, 1] }), layers.maxPooling3d(), layers.flatten()]),
    inputs: [{ shape: [4, 4, 4, 1] }],
  },
  {
    name: 'lstm',
    build: () =>
      sequential([
        layers.lstm({ units: 5, returnSequences: true, inputShape: [6, 3] }),
        layers.lstm({ units: 4 }),
        layers.dense({ units: 2 }),
      ]),
    inputs: [{ shape: [6, 3] }],
  },
  {
    name: 'gru',
    build: () =>
      sequential([layers.gru({ units: 5, returnSequences: true, inputShape: [6, 3] }), layers.gru({ units: 4, goBackwards: true })]),
    inputs: [{ shape: [6, 3] }],
  },
  {
    name: 'bidirectional',
    build: () => sequential([layers.bidirectional({ layer: layers.lstm({ units: 3, returnSequences: true }), inputShape: [5, 2] })]),
    inputs: [{ shape: [5, 2] }],
  },
  { name: 'masked lstm', build: maskedLstm, inputs: [{ shape: [5], below: 5 }] },
  {
    name: 'transformer encoder',
    build: () =>
      sequential([layers.transformerEncoder({ intermediateDim: 16, numHeads: 2, inputShape: [5, 8] }), layers.globalAveragePooling1d()]),
    inputs: [{ shape: [5, 8] }],
  },
  { name: 'small gpt', build: smallGpt, inputs: [{ shape: [6], below: 20 }] },
  { name: 'two inputs and outputs', build: twoInputs, inputs: [{ shape: [6, 6, 1] }, { shape: [2] }] },
];

/** A model with weights that do not depend on anything else, and moving statistics other than 0 and 1. */
export async function buildCase({ build }: OnnxModelCase): Promise<Model> {
  setSeed(7);
  const model = build();
  const weights = model.variables().map(({ tensor }, k) => valuesFor(tensor.shape, tensor.dtype, k + 50));
  const isVariance = model.variables().map(({ path }) => path.endsWith('movingVariance'));
  await model.setWeights(weights.map((tensor, i) => (isVariance[i] ? shifted(tensor) : tensor)));
  return model;
}

/** Values in [-0.5, 0.5), or integers from 0 to `below`. */
export function valuesFor(shape: readonly number[], dtype: Dtype, k: number, below = 1): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  const values = Array.from({ length: size }, (_, i) => ((i + 1) * 0.6180339887498949 + k * 0.7548776662466927) % 1);
  return hostTensor(
    { shape: [...shape], dtype },
    dtype === 'i32' ? Int32Array.from(values, (x) => Math.floor(x * below)) : Float32Array.from(values, (x) => x - 0.5),
  );
}

const shifted = ({ shape, dtype, value }: Tensor): Tensor =>
  hostTensor(
    { shape, dtype },
    Float32Array.from((value as { data: Float32Array }).data, (x) => x + 1),
  );

/** Inputs of a batch, in order. */
export const inputsOf = ({ inputs }: OnnxModelCase, batch: number): Tensor[] =>
  inputs.map(({ shape, below }, k) => valuesFor([batch, ...shape], below ? 'i32' : 'f32', k, below));
