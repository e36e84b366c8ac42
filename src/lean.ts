// The public names of ombre, one by one. No logic lives here.
//
// The entry `ombre/lean`: the functions of `ombre`, without the names of losses, optimizers and metrics, and without the methods of tensors.
// Both would reach every op. Here a bundler keeps what a program imports.

// Devices
export { type DeviceName, type DeviceOptions, deviceInfo, evaluate, memory, profile, setDevice, tuned } from './engine/index.ts';
export { type Compilable, type CompileFunctionOptions, type CompiledFunction, type MemoryPlan, compile } from './engine/index.ts';
export { type ProfileOptions, type TraceLevel, lastProgram, trace } from './engine/index.ts';
export type { DeviceInfo, MemoryInfo, TunedKernel, TuningOptions } from './runtime/runtime.ts';
export type { KernelTime, Profile, ProfileClock } from './runtime/profile.ts';
export { type Dispatch, type HeldTensor, type Program, type ProgramMemory, printProgram } from './compiler/index.ts';
export type { AlternativeLaunches, Binding as KernelBinding, Launch, Meaning as DispatchMeaning } from './compiler/index.ts';
export type { ProgramOutput, Slot as ProgramSlot } from './compiler/index.ts';

// Tensors and ops
export { type NestedArray, Tensor, type TensorMethods } from './graph/tensor.ts';
export type { Dtype, HostArray } from './core/dtype.ts';
export type { Shape } from './core/shape.ts';
export type { Tree } from './core/tree.ts';
export type { TensorType } from './graph/op.ts';
export type { Key as RandomKey, RandomStream } from './core/random.ts';
export {
  abs,
  acos,
  acosh,
  add,
  alias,
  all,
  any,
  arange,
  argMax,
  argMin,
  argSort,
  asin,
  asinh,
  atan,
  atan2,
  atanh,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  broadcastTo,
  cast,
  ceil,
  celu,
  clip,
  concat,
  conv1d,
  conv2d,
  conv2dTranspose,
  conv3d,
  cos,
  cosh,
  depthwiseConv2d,
  recurrence,
  cumProd,
  cumSum,
  diagonal,
  div,
  dot,
  dropout,
  elu,
  embedding,
  equal,
  erf,
  erfc,
  exp,
  exp2,
  expandDims,
  expm1,
  eye,
  flatten,
  flip,
  floor,
  floorDiv,
  full,
  gather,
  gelu,
  globalAvgPool,
  glu,
  greater,
  greaterEqual,
  hardSigmoid,
  hardSwish,
  hardTanh,
  isFinite,
  isInf,
  isNaN,
  leakyRelu,
  less,
  lessEqual,
  linspace,
  log,
  log1p,
  log2,
  logSigmoid,
  logSoftmax,
  logSumExp,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  matmul,
  max,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  maximum,
  mean,
  min,
  minimum,
  mish,
  mod,
  mul,
  neg,
  norm,
  notEqual,
  oneHot,
  ones,
  onesLike,
  outer,
  pad,
  pow,
  prelu,
  prod,
  random,
  reciprocal,
  relu,
  relu6,
  repeat,
  reshape,
  roll,
  round,
  rsqrt,
  scalar,
  scatterAdd,
  selu,
  setSeed,
  sigmoid,
  sign,
  silu,
  sin,
  sinh,
  slice,
  softmax,
  softplus,
  softsign,
  sort,
  split,
  sqrt,
  square,
  squeeze,
  stack,
  std,
  stopGradient,
  sub,
  sum,
  takeAlongAxis,
  tan,
  tanh,
  tanhShrink,
  tensor,
  tile,
  topK,
  transpose,
  triL,
  triU,
  trunc,
  unstack,
  upsample2d,
  variance,
  where,
  zeros,
  zerosLike,
} from './ops/index.ts';
export {
  bitwiseAnd,
  bitwiseNot,
  bitwiseOr,
  bitwiseXor,
  digamma,
  erfInv,
  fmod,
  leftShift,
  lgamma,
  polygamma,
  rightShift,
  truncDiv,
} from './ops/index.ts';
export { hardShrink, linear, softShrink, sparsePlus, sparseSigmoid, sparsemax, squareplus, threshold } from './ops/index.ts';
export type { BetaOptions, CategoricalOptions, ExponentialOptions, GammaOptions, GumbelOptions, RandintOptions } from './ops/index.ts';
export type { ShrinkOptions, SquareplusOptions, ThresholdOptions as ThresholdOpOptions } from './ops/index.ts';
export { gatherNd, scatterAlongAxis, scatterNd } from './ops/index.ts';
export type { GatherNdOptions, ScatterAlongOptions, ScatterMode, ScatterNdOptions } from './ops/index.ts';
export type { BernoulliOptions, Conv2dOpOptions, GatherOptions, NestedValues, Padding2d, ResizeCoordinates } from './ops/index.ts';
export type { ResizeRounding, Sides } from './ops/index.ts';
export { cumMax, cumMin, diag, logCumSumExp, median, quantile, searchSorted } from './ops/index.ts';
export type { CumulativeOptions, DiagOptions, DiagonalOptions, Interpolation, QuantileOptions, SearchSortedOptions } from './ops/index.ts';
export { cholesky, determinant, inverse, logDeterminant, solve, triangularSolve } from './ops/index.ts';
export type { TriangularSolveOptions } from './ops/index.ts';
export { fft, ifft, irfft, rfft } from './ops/index.ts';
export type { FourierOptions } from './ops/index.ts';
export { batchNorm, einsum, groupNorm, instanceNorm, layerNorm, rmsNorm, scaledDotProductAttention, tensordot } from './ops/index.ts';
export type { AttentionOptions, GroupNormOptions, LayerNormOptions, NormalizationOptions, TensordotAxes } from './ops/index.ts';
export type {
  ArgReduceOptions,
  Conv1dOptions as Conv1dOpOptions,
  Conv2dTransposeOptions as Conv2dTransposeOpOptions,
  Conv3dOptions as Conv3dOpOptions,
  DepthwiseConv2dOptions as DepthwiseConv2dOpOptions,
  DropoutOptions,
  GlobalAvgPoolOptions,
  LogSumExpOptions,
  MatmulOptions,
  NormOptions,
  NormalOptions,
  PadOptions,
  PoolOptions,
  ReduceOptions,
  CellName,
  GateFunctionName,
  RecurrenceOptions,
  ScanOptions,
  SeedOptions,
  SoftmaxOptions,
  SortOptions,
  TakeAlongOptions,
  TensorLike,
  TopKOptions,
  TriangleOptions,
  UniformOptions,
  Upsample2dOptions,
  Values,
  VarianceOptions,
} from './ops/index.ts';

// Images: transposed convolution, pooling, resampling
export {
  adaptiveAvgPool,
  adaptiveMaxPool,
  conv1dTranspose,
  conv3dTranspose,
  depthToSpace,
  gridSample,
  maxPool1dWithIndices,
  maxPool2dWithIndices,
  maxPool3dWithIndices,
  maxUnpool2d,
  pixelShuffle,
  pixelUnshuffle,
  resize,
  spaceToDepth,
} from './ops/index.ts';
export type {
  AdaptivePoolOptions,
  AvgPool2dOptions,
  AvgPoolOptions,
  Conv1dTransposeOptions as Conv1dTransposeOpOptions,
  Conv3dTransposeOptions as Conv3dTransposeOpOptions,
  GridSampleOptions,
  MaxPool2dOptions,
  MaxPoolOptions,
  MaxUnpool2dOptions,
  Pool2dOptions,
  ResizeOptions,
} from './ops/index.ts';

// Transformations
export {
  type AnyFunction,
  type Axes,
  type CustomGradient,
  type GradOptions,
  type Gradient,
  type Jacobian,
  type ValueAndGradOptions,
  type VmapOptions,
  checkpoint,
  customGradient,
  grad,
  hessian,
  jacobian,
  jvp,
  valueAndGrad,
  vjp,
  vmap,
} from './autodiff/index.ts';

// Models
export {
  type ApplyOptions,
  type CallOptions,
  type Constraint,
  type GraphOptions,
  type HasLayer,
  type InputOptions,
  type Layer,
  type LayerDefinition,
  type LayerOptions,
  type Masks,
  type Regularizer,
  type SublayerCall,
  type SublayerCallOptions,
  type SublayerParameters,
  type Flow,
  type SymbolicCall,
  type Tensors,
  type Variables,
  activations,
  constraints,
  defineLayer,
  initializers,
  input,
  layers,
  regularizers,
} from './nn/index.ts';
export { type JointLoss, type Loss, type LossOptions, jointLoss, losses } from './losses/index.ts';
export { type Optimizer, optimizers, schedules } from './optim/index.ts';
export { type Metric, metrics } from './metrics/index.ts';
export { type Callback, type History, type Logs, type ProgressInfo, type ProgressOptions, callbacks } from './train/index.ts';
export { type DiagnoseOptions, type Verdict, type VerdictKind, diagnose, summaryWriter } from './train/index.ts';
export { type ArrayInput, type ArrayTree, type Dataset, data } from './train/index.ts';
export { datasets } from './data/datasets/index.ts';
export { type GenerateOptions, type Prompt, generate } from './train/index.ts';
export { Model, createModel, sequential } from './train/index.ts';
export type { ClassWeight, ClassWeights, CompileOptions, DeviceChoice, DtypePolicy, EvaluateOptions, FitOptions, StepCompileOptions } from './train/index.ts'; // prettier-ignore
export type { LossChoice, LossFunction, MemoryPlanOptions, MetricChoice, MetricChoices, ModelInput } from './train/index.ts';
export type { ModelVariable, PerOutput, PredictOptions, Prediction, StepGradients, StepLoss, StepResult } from './train/index.ts';
export { type StoredFile, removeStored, storedFiles } from './train/index.ts';
export type { FileSource, FileTarget, LoadWeightsOptions, ReadableHandle, SaveWeightsOptions, WritableHandle } from './train/index.ts';
export { type LoadModelOptions, type Progress, type SaveOptions, loadModel } from './train/index.ts';
export type { WeightMap, WeightRule } from './train/index.ts';
export type { Attack, AttackChoice, FgsmFactory, FgsmOptions, GradientPenaltyOptions, PgdFactory, PgdOptions } from './train/index.ts';
export { adversarial, gradNorm, gradientPenalty, pcGrad } from './train/index.ts';
export type { GradNormOptions, GradNormResult, GradientsByTask, LayersOf, PcGradOptions, TaskGradients } from './train/index.ts';
export type { StepTools, TestOnBatchOptions, TrainOnBatchOptions, TrainStep, ValidationData, WithLeaves } from './train/index.ts';

// Search of hyperparameters
export { samplers, schedulers, space, tune } from './tune/index.ts';

// Option types of the factories
export type * from './optionTypes.ts';

// Configs: what a factory made, as plain data, and the way back
export type { Config, Configured, Json } from './core/config.ts';
export { register } from './core/registry.ts';
export { fromConfig } from './train/fromConfig.ts';

// Errors
export {
  ArgumentError,
  DataError,
  FormatError,
  DeviceError,
  FileError,
  DeviceLostError,
  DonatedError,
  DtypeError,
  OmbreError,
  ShaderError,
  ShapeError,
  TraceError,
} from './core/errors.ts';
