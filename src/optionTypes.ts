// Public types of options: what factories take, and what their options hold. One name per type over all families.
export type { Activation, ActivationName, ActivationOptions, AddOptions, AverageOptions, BatchNormalizationOptions } from './nn/index.ts';
export type { ConcatenateOptions, ConstraintName, Conv2dOptions, DenseOptions } from './nn/index.ts';
export type { DropoutOptions as DropoutLayerOptions, EmbeddingOptions, FlattenOptions, Initializer } from './nn/index.ts';
export type { InitializerName, LambdaFunction, LambdaOptions, MaskingOptions, MaxPooling2dOptions, MaximumOptions } from './nn/index.ts';
export type { MinimumOptions, MultiplyOptions, RegularizerName, ReshapeOptions, SubtractOptions } from './nn/index.ts';
export type { ConstantInitializerOptions, IdentityOptions, L1L2Options, L1Options, L2Options, MaxNormOptions } from './nn/index.ts';
export type {
  MinMaxNormOptions,
  NonNegOptions,
  OnesOptions,
  OrthogonalInitializerOptions,
  OrthogonalRegularizerOptions,
} from './nn/index.ts';
export type { RandomNormalOptions, RandomUniformOptions, ScaledInitializerOptions, TimeDistributedOptions } from './nn/index.ts';
export type { TruncatedNormalOptions, UnitNormOptions, VarianceScalingOptions, ZerosOptions } from './nn/index.ts';
export type {
  LayerResult,
  LayerTrees,
  Shapes,
  ShapesOf,
  SublayerCalls,
  Takes,
  TensorRecord,
  VariableCell,
  WindowPadding,
} from './nn/index.ts';
export type {
  ActivityRegularizationOptions,
  AdaptiveAveragePoolingOptions,
  AdaptiveMaxPoolingOptions,
  AlphaDropoutOptions,
  AveragePooling1dOptions,
  AveragePooling2dOptions,
  AveragePooling3dOptions,
  CenterCropOptions,
  Conv1dOptions,
  Conv1dTransposeOptions,
  Conv2dTransposeOptions,
  Conv3dOptions,
  Conv3dTransposeOptions,
  Cropping1dOptions,
  Cropping2dOptions,
  Cropping3dOptions,
  DepthwiseConv1dOptions,
  DepthwiseConv2dOptions,
  DotOptions,
  EluOptions,
  GaussianDropoutOptions,
  GaussianNoiseOptions,
  GlobalAveragePooling1dOptions,
  GlobalAveragePooling2dOptions,
  GlobalAveragePooling3dOptions,
  GlobalMaxPooling1dOptions,
  GlobalMaxPooling2dOptions,
  GlobalMaxPooling3dOptions,
  GroupNormalizationOptions,
  IdentityLayerOptions,
  InstanceNormalizationOptions,
  LayerNormalizationOptions,
  LeakyReluOptions,
  MaxPooling1dOptions,
  MaxPooling3dOptions,
  PermuteOptions,
  PixelShuffleOptions,
  PreluOptions,
  ReluOptions,
  RepeatVectorOptions,
  ResizingOptions,
  RmsNormalizationOptions,
  SeparableConv1dOptions,
  SeparableConv2dOptions,
  SoftmaxLayerOptions,
  SpatialDropout1dOptions,
  SpatialDropout2dOptions,
  SpatialDropout3dOptions,
  UnitNormalizationOptions,
  UpSampling1dOptions,
  UpSampling2dOptions,
  UpSampling3dOptions,
  ZeroPadding1dOptions,
  ZeroPadding2dOptions,
  ZeroPadding3dOptions,
} from './nn/index.ts';
export type { BinaryCrossentropyOptions, BinaryFocalOptions, CategoricalCrossentropyOptions } from './losses/index.ts';
export type { CosineSimilarityOptions, FocalOptions, HuberOptions, LossName, Reduction, SmoothL1Options } from './losses/index.ts';
export type { OverOutputs, SparseCrossentropyOptions, TargetKind } from './losses/index.ts';
export type { AdadeltaOptions, AdagradOptions, AdamOptions, AdamWOptions, ClippingOptions, ConstantOptions } from './optim/index.ts';
export type { CosineDecayOptions, DecayOptions, OptimizerName, OptimizerOptions, OptimizerState } from './optim/index.ts';
export type { PiecewiseConstantDecayOptions, PolynomialDecayOptions, RmspropOptions, Schedule, ScheduleName } from './optim/index.ts';
export type { LossAndGradients, OptimizerSettings, SgdOptions, UpdateOptions } from './optim/index.ts';
export type {
  ChainedOptions as ChainedScheduleOptions,
  CosineDecayRestartsOptions,
  CyclicOptions,
  InverseSqrtOptions,
  LinearOptions as LinearScheduleOptions,
  MultiStepOptions,
  MultiplicativeOptions,
  OneCycleOptions,
  PiecewiseInterpolateOptions,
  ScheduleLambdaOptions as LambdaScheduleOptions,
  SequentialOptions as SequentialScheduleOptions,
  StepOptions as StepScheduleOptions,
  WarmupOptions,
  WarmupStableDecayOptions,
} from './optim/index.ts';
export type {
  AdabeliefOptions,
  AdafactorOptions,
  AdamaxOptions,
  AdanOptions,
  AsgdOptions,
  FtrlOptions,
  LambOptions,
  LarsOptions,
  LbfgsOptions,
  LionOptions,
  LookaheadOptions,
  MultiOptimizerOptions,
  MuonOptions,
  NadamOptions,
  NadamWOptions,
  ProdigyOptions,
  RadamOptions,
  RpropOptions,
  SamOptions,
  ScheduleFreeAdamWOptions,
  SignumOptions,
  SwaOptions,
} from './optim/index.ts';
export type { CrossentropyMetricOptions, MetricName, MetricOptions, MetricState, ThresholdOptions } from './metrics/index.ts';
export type { AccuracyState, Count as MetricCount, MeanMetric, MeanState, SumState, Total as MetricTotal } from './metrics/index.ts';
export type { TopKOptions as TopKMetricOptions } from './metrics/index.ts';
export type {
  EarlyStopping,
  EarlyStoppingOptions,
  FitInfo,
  HistoryOptions,
  LambdaOptions as LambdaCallbackOptions,
} from './callbacks/index.ts';
export type { MaybeAsync, ProgressStream, TrainedModel } from './callbacks/index.ts';
export type {
  BatchOptions,
  BigIntegerArray,
  LooseSample,
  LooseValue,
  NestedNumbers,
  NumericArray,
  Sample,
  ShuffleOptions,
} from './data/index.ts';
export type { ImageDataset, LoadProgress, MnistOptions, Split } from './data/datasets/index.ts';
