// The room of layers: descriptions of networks in terms of ops. It knows ops and nothing of how they are run; weights live in models.
import { activation } from './layers/core/activation.ts';
import { batchNormalization } from './layers/normalization/batchNormalization.ts';
import { conv2d } from './layers/convolution/conv2d.ts';
import { dense } from './layers/core/dense.ts';
import { dropout } from './layers/regularization/dropout.ts';
import { embedding } from './layers/core/embedding.ts';
import { flatten } from './layers/reshaping/flatten.ts';
import { lambda } from './layers/core/lambda.ts';
import { masking } from './layers/core/masking.ts';
import { maxPooling2d } from './layers/pooling/maxPooling2d.ts';
import { add, average, concatenate, maximum, minimum, multiply, subtract } from './layers/merging/merge.ts';
import { reshape } from './layers/reshaping/reshape.ts';
import { timeDistributed } from './layers/wrappers/timeDistributed.ts';

/** Layer factories by name: `layers.dense({ units: 10 })`. */
export const layers = {
  activation,
  add,
  average,
  batchNormalization,
  concatenate,
  conv2d,
  dense,
  dropout,
  embedding,
  flatten,
  lambda,
  masking,
  maximum,
  maxPooling2d,
  minimum,
  multiply,
  reshape,
  subtract,
  timeDistributed,
};

export type { Activation, ActivationName } from './activations.ts';
export { type Constraint, type ConstraintName, constraints } from './constraints.ts';
export type { MaxNormOptions, MinMaxNormOptions, NonNegOptions, UnitNormOptions } from './constraints.ts';
export { type Regularizer, type RegularizerName, regularizers } from './regularizers.ts';
export type { L1L2Options, L1Options, L2Options, OrthogonalOptions as OrthogonalRegularizerOptions } from './regularizers.ts';
export { type Initializer, type InitializerName, initializers } from './initializers.ts';
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
export { type Chain, chain } from './chain.ts';
export { type LayerDefinition, type SublayerCall, type SublayerCalls, type Takes, defineLayer } from './defineLayer.ts';
export { type GraphOptions, type LayerGraph, findLayer, graph } from './graph.ts';
export { type InputOptions, input } from './symbolic.ts';
export type {
  ApplyOptions,
  CallOptions,
  Container,
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
export { layerOf } from './layer.ts';
export { NetworkPass } from './networkPass.ts';
export { type LayerTrees, type Network, type NetworkResult, type NetworkVariables, networkOf } from './network.ts';
export type { Shapes, ShapesOf } from './spec.ts';
export type { WindowPadding } from './windows.ts';
export { type Specs, TensorSpec, type Tensors, formatBatch, formatBatches, shapesOf } from './spec.ts';
export type { ActivationOptions } from './layers/core/activation.ts';
export type { BatchNormalizationOptions } from './layers/normalization/batchNormalization.ts';
export type { Conv2dOptions } from './layers/convolution/conv2d.ts';
export type { DenseOptions } from './layers/core/dense.ts';
export type { DropoutOptions } from './layers/regularization/dropout.ts';
export type { EmbeddingOptions } from './layers/core/embedding.ts';
export type { FlattenOptions } from './layers/reshaping/flatten.ts';
export type { LambdaFunction, LambdaOptions } from './layers/core/lambda.ts';
export type { MaskingOptions } from './layers/core/masking.ts';
export type { MaxPooling2dOptions } from './layers/pooling/maxPooling2d.ts';
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
export type { TimeDistributedOptions } from './layers/wrappers/timeDistributed.ts';
