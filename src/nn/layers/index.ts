// Every layer factory. A namespace and no table: a bundler keeps only the factories that are used.
export { elu, leakyRelu, prelu, relu, softmax } from './activations/activations.ts';
export { gradNormWeights } from './balancing/gradNormWeights.ts';
export { uncertaintyWeighting } from './balancing/uncertaintyWeighting.ts';
export { conv1d } from './convolution/conv1d.ts';
export { conv1dTranspose } from './convolution/conv1dTranspose.ts';
export { conv2d } from './convolution/conv2d.ts';
export { conv2dTranspose } from './convolution/conv2dTranspose.ts';
export { conv3d } from './convolution/conv3d.ts';
export { conv3dTranspose } from './convolution/conv3dTranspose.ts';
export { depthwiseConv1d, depthwiseConv2d } from './convolution/depthwise.ts';
export { separableConv1d, separableConv2d } from './convolution/separable.ts';
export { activation } from './core/activation.ts';
export { dense } from './core/dense.ts';
export { embedding } from './core/embedding.ts';
export { reversibleEmbedding } from './core/reversibleEmbedding.ts';
export { identity } from './core/identity.ts';
export { lambda } from './core/lambda.ts';
export { masking } from './core/masking.ts';
export { dot } from './merging/dot.ts';
export { add, average, concatenate, maximum, minimum, multiply, subtract } from './merging/merge.ts';
export { batchNormalization } from './normalization/batchNormalization.ts';
export {
  groupNormalization,
  instanceNormalization,
  layerNormalization,
  rmsNormalization,
  unitNormalization,
} from './normalization/ofSamples.ts';
export { adaptiveAveragePooling, adaptiveMaxPooling } from './pooling/adaptivePooling.ts';
export { averagePooling1d, averagePooling2d, averagePooling3d } from './pooling/averagePooling.ts';
export {
  globalAveragePooling1d,
  globalAveragePooling2d,
  globalAveragePooling3d,
  globalMaxPooling1d,
  globalMaxPooling2d,
  globalMaxPooling3d,
} from './pooling/globalPooling.ts';
export { maxPooling1d, maxPooling2d, maxPooling3d } from './pooling/maxPooling.ts';
export { dropout } from './regularization/dropout.ts';
export {
  activityRegularization,
  alphaDropout,
  gaussianDropout,
  gaussianNoise,
  spatialDropout1d,
  spatialDropout2d,
  spatialDropout3d,
} from './regularization/noise.ts';
export { permute, repeatVector } from './reshaping/arrange.ts';
export { flatten } from './reshaping/flatten.ts';
export { reshape } from './reshaping/reshape.ts';
export { centerCrop, cropping1d, cropping2d, cropping3d } from './size/cropping.ts';
export { zeroPadding1d, zeroPadding2d, zeroPadding3d } from './size/padding.ts';
export { pixelShuffle, resizing, upSampling1d, upSampling2d, upSampling3d } from './size/scaling.ts';
export { timeDistributed } from './wrappers/timeDistributed.ts';
export { spectralNormalization } from './wrappers/spectralNormalization.ts';
export { weightNormalization } from './wrappers/weightNormalization.ts';
export { bidirectional } from './wrappers/bidirectional.ts';
export { gruCell, lstmCell, simpleRnnCell, stackedRnnCells } from './recurrent/cellLayers.ts';
export { gru } from './recurrent/gru.ts';
export { lstm } from './recurrent/lstm.ts';
export { rnn } from './recurrent/rnn.ts';
export { simpleRnn } from './recurrent/simpleRnn.ts';
export { additiveAttention, attention } from './attention/attention.ts';
export { groupQueryAttention, multiHeadAttention } from './attention/multiHead.ts';
export { alibi, positionEmbedding, rotaryEmbedding, sinusoidal } from './attention/positions.ts';
export { transformerDecoder, transformerEncoder } from './attention/transformer.ts';
export { einsumDense } from './core/einsumDense.ts';
export { randomRotation, randomShear, randomTranslation, randomZoom } from './augmentation/affine.ts';
export { colorJitter, grayscale, randomBrightness, randomContrast } from './augmentation/color.ts';
export { gaussianBlur, randomErasing } from './augmentation/erasing.ts';
export { randomCrop, randomFlip } from './augmentation/flipCrop.ts';
export { cutMix, mixUp } from './augmentation/mixing.ts';
export { categoryEncoding, discretization } from './preprocessing/categories.ts';
export { integerLookup } from './preprocessing/integerLookup.ts';
export { normalization, rescaling } from './preprocessing/scaling.ts';
export { stringLookup } from './preprocessing/stringLookup.ts';
export { textVectorization } from './preprocessing/textVectorization.ts';
