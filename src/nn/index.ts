// Layers: descriptions of networks in terms of ops. They do not depend on the compiler or the runtimes. Models own the weights.

import * as activations from './activations.ts';
import * as layers from './layers/index.ts';

/** Layer factories by name: `layers.dense({ units: 10 })`. */
export { layers };

/** Activations by name: `layers.dense({ units: 10, activation: activations.relu })`. Layers take the names too: `'relu'`. */
export { activations };

export type { Activation } from './activation.ts';
export type { ActivationName } from './activationKind.ts';
export { type Constraint, type ConstraintName, constraints } from './constraints.ts';
export type { MaxNormOptions, MinMaxNormOptions, NonNegOptions, UnitNormOptions } from './constraints.ts';
export { type Regularizer, type RegularizerName, regularizers } from './regularizers.ts';
export type { L1L2Options, L1Options, L2Options, OrthogonalOptions as OrthogonalRegularizerOptions } from './regularizers.ts';
export { type Initializer, type InitializerName, initializers, withPlaceholders } from './initializers.ts';
export type {
  ConstantOptions as ConstantInitializerOptions,
  IdentityOptions,
  OnesOptions,
  OrthogonalOptions as OrthogonalInitializerOptions,
  RandomNormalOptions,
  RandomUniformOptions,
  ScaledInitializerOptions,
  TruncatedNormalOptions,
  VarianceScalingOptions,
  ZerosOptions,
} from './initializers.ts';
export type {
  EluOptions,
  LeakyReluOptions,
  PreluOptions,
  ReluOptions,
  SoftmaxOptions as SoftmaxLayerOptions,
} from './layers/activations/activations.ts';
export type { GradNormWeightsOptions } from './layers/balancing/gradNormWeights.ts';
export type { Likelihood, UncertaintyWeightingOptions } from './layers/balancing/uncertaintyWeighting.ts';
export type { IdentityOptions as IdentityLayerOptions } from './layers/core/identity.ts';
export type { Conv1dOptions } from './layers/convolution/conv1d.ts';
export type { Conv1dTransposeOptions } from './layers/convolution/conv1dTranspose.ts';
export type { Conv2dTransposeOptions } from './layers/convolution/conv2dTranspose.ts';
export type { Conv3dOptions } from './layers/convolution/conv3d.ts';
export type { Conv3dTransposeOptions } from './layers/convolution/conv3dTranspose.ts';
export type { DepthwiseConv1dOptions, DepthwiseConv2dOptions } from './layers/convolution/depthwise.ts';
export type { SeparableConv1dOptions, SeparableConv2dOptions } from './layers/convolution/separable.ts';
export type { DotOptions } from './layers/merging/dot.ts';
export type {
  GroupNormalizationOptions,
  InstanceNormalizationOptions,
  LayerNormalizationOptions,
  RmsNormalizationOptions,
  UnitNormalizationOptions,
} from './layers/normalization/ofSamples.ts';
export type { AdaptiveAveragePoolingOptions, AdaptiveMaxPoolingOptions } from './layers/pooling/adaptivePooling.ts';
export type { AveragePooling1dOptions, AveragePooling2dOptions, AveragePooling3dOptions } from './layers/pooling/averagePooling.ts';
export type {
  GlobalAveragePooling1dOptions,
  GlobalAveragePooling2dOptions,
  GlobalAveragePooling3dOptions,
  GlobalMaxPooling1dOptions,
  GlobalMaxPooling2dOptions,
  GlobalMaxPooling3dOptions,
} from './layers/pooling/globalPooling.ts';
export type { MaxPooling1dOptions, MaxPooling2dOptions, MaxPooling3dOptions } from './layers/pooling/maxPooling.ts';
export type {
  ActivityRegularizationOptions,
  AlphaDropoutOptions,
  GaussianDropoutOptions,
  GaussianNoiseOptions,
  SpatialDropout1dOptions,
  SpatialDropout2dOptions,
  SpatialDropout3dOptions,
} from './layers/regularization/noise.ts';
export type { PermuteOptions, RepeatVectorOptions } from './layers/reshaping/arrange.ts';
export type { CenterCropOptions, Cropping1dOptions, Cropping2dOptions, Cropping3dOptions } from './layers/size/cropping.ts';
export type { ZeroPadding1dOptions, ZeroPadding2dOptions, ZeroPadding3dOptions } from './layers/size/padding.ts';
export type {
  PixelShuffleOptions,
  ResizingOptions,
  UpSampling1dOptions,
  UpSampling2dOptions,
  UpSampling3dOptions,
} from './layers/size/scaling.ts';
export type { AdditiveAttentionOptions, AttentionLayerOptions } from './layers/attention/attention.ts';
export type { GroupQueryAttentionOptions, MultiHeadAttentionOptions } from './layers/attention/multiHead.ts';
export type { AlibiOptions, PositionEmbeddingOptions, RotaryEmbeddingOptions, SinusoidalOptions } from './layers/attention/positions.ts';
export type { TransformerDecoderOptions, TransformerEncoderOptions } from './layers/attention/transformer.ts';
export type { OutputSize } from './layers/pooling/adaptivePooling.ts';
export type { DotAxes } from './layers/merging/dot.ts';
export type { FeatureAxes } from './layers/normalization/ofSamples.ts';
export type { SequenceSettings } from './layers/recurrent/recurrentLayer.ts';
export type { SidesOption } from './layers/size/border.ts';
export type { EinsumDenseOptions, EinsumOutputShape } from './layers/core/einsumDense.ts';
export { type ReversibleEmbedding, type ReversibleEmbeddingOptions, reverseFromConfig } from './layers/core/reversibleEmbedding.ts';
export type { SpectralNormalizationOptions } from './layers/wrappers/spectralNormalization.ts';
export type { WeightNormalizationOptions } from './layers/wrappers/weightNormalization.ts';
export { type Chain, chain } from './chain.ts';
export { defineLayer } from './defineLayer.ts';
export type { LayerDefinition, SublayerCall, SublayerCallOptions, SublayerCalls, SublayerParameters, Takes } from './layerDefinition.ts';
export { type GraphOptions, type LayerGraph, findLayer, graph } from './graph.ts';
export type { Lora, LoraOptions } from './loraOptions.ts';
export { adapterNames, loraTargets } from './lora.ts';
export { isPackedPath } from './packedKernels.ts';
export { type InputOptions, input } from './symbolic.ts';
export type {
  ApplyOptions,
  CallOptions,
  Container,
  Flow,
  HasLayer,
  Layer,
  LayerOptions,
  LayerResult,
  LayerUse,
  Masks,
  NamedLayer,
  SymbolicCall,
  TensorRecord,
  VariableCell,
  Variables,
} from './layer.ts';
export { cellCount, layerOf } from './layer.ts';
export { canDecode } from './canDecode.ts';
export type { Kept } from './decoding.ts';
export { StepDecoding } from './stepReplay.ts';
export { NetworkPass } from './networkPass.ts';
export { networkConfig } from './networkConfig.ts';
export { chainFromConfig, graphFromConfig, formedFromConfig, sharedFromConfig } from './networkFromConfig.ts';
export { type LayerTrees, type Network, type NetworkResult, type NetworkVariables, networkOf } from './network.ts';
export type { Shapes, ShapesOf } from './spec.ts';
export type { SequencePadding, WindowPadding } from './windows.ts';
export { type Specs, TensorSpec, type Tensors, formatBatch, formatBatches, shapesOf } from './spec.ts';
export type { ActivationOptions } from './layers/core/activation.ts';
export type { BatchNormalizationOptions } from './layers/normalization/batchNormalization.ts';
export type { BidirectionalOptions } from './layers/wrappers/bidirectional.ts';
export type { Conv2dOptions } from './layers/convolution/conv2d.ts';
export type { DenseOptions } from './layers/core/dense.ts';
export type { DropoutOptions } from './layers/regularization/dropout.ts';
export type { EmbeddingOptions } from './layers/core/embedding.ts';
export type { FlattenOptions } from './layers/reshaping/flatten.ts';
export type {
  CellLayer,
  GruCellOptions,
  LstmCellOptions,
  SharedMask,
  SimpleRnnCellOptions,
  StackedRnnCellsOptions,
} from './layers/recurrent/cellLayers.ts';
export type { GruOptions } from './layers/recurrent/gru.ts';
export type { LambdaFunction, LambdaOptions } from './layers/core/lambda.ts';
export type { LstmOptions } from './layers/recurrent/lstm.ts';
export type { MaskingOptions } from './layers/core/masking.ts';
export type {
  AddOptions,
  AverageOptions,
  ConcatenateOptions,
  MaximumOptions,
  MinimumOptions,
  MultiplyOptions,
  SubtractOptions,
} from './layers/merging/merge.ts';
export type { ReshapeOptions } from './layers/reshaping/reshape.ts';
export type { RecurrentLayer } from './layers/recurrent/recurrentLayer.ts';
export type { RnnOptions } from './layers/recurrent/rnn.ts';
export type { SimpleRnnOptions } from './layers/recurrent/simpleRnn.ts';
export type { TimeDistributedOptions } from './layers/wrappers/timeDistributed.ts';
export type {
  RandomRotationOptions,
  RandomShearOptions,
  RandomTranslationOptions,
  RandomZoomOptions,
} from './layers/augmentation/affine.ts';
export type { ColorJitterOptions, GrayscaleOptions, RandomBrightnessOptions, RandomContrastOptions } from './layers/augmentation/color.ts';
export type { ChannelValues, GaussianBlurOptions, KernelSizeOption, RandomErasingOptions } from './layers/augmentation/erasing.ts';
export type { RandomCropOptions, RandomFlipOptions } from './layers/augmentation/flipCrop.ts';
export type { CutMixOptions, MixUpOptions, MixedSamples, MixingLayer } from './layers/augmentation/mixing.ts';
export type { FactorOption, FillMode } from './layers/augmentation/options.ts';
export type {
  AdaptBatches,
  AdaptNumbers,
  AdaptStrings,
  NestedNumberList,
  NumberArray,
  StringArray,
} from './layers/preprocessing/adaptData.ts';
export type { CategoryEncodingOptions, DiscretizationLayer, DiscretizationOptions } from './layers/preprocessing/categories.ts';
export type { IntegerLookupLayer, IntegerLookupOptions } from './layers/preprocessing/integerLookup.ts';
export type {
  NormalizationLayer,
  NormalizationOptions as NormalizationLayerOptions,
  NumbersOption,
  RescalingOptions,
} from './layers/preprocessing/scaling.ts';
export type { InverseStringLookup, LearnsStrings, StringLookup, StringLookupOptions } from './layers/preprocessing/stringLookup.ts';
export type { SplitText, Standardize, TextVectorizationOptions, TextVectorizer } from './layers/preprocessing/textVectorization.ts';
export type { VocabularyMethods } from './layers/preprocessing/vocabulary.ts';
