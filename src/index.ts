// The public names of ombre, one by one. No logic lives here.

// Tensors get their methods (x.add(1), x.matmul(w)) by this import.
import './ops/methods.ts';

// Devices
export { type DeviceName, deviceInfo, evaluate, memory, profile, setDevice } from './engine/index.ts';
export { type CompileFunctionOptions, compile } from './engine/index.ts';
export { type TraceLevel, lastProgram, trace } from './engine/index.ts';
export type { DeviceInfo, KernelTime, MemoryInfo } from './runtime/runtime.ts';
export { type Dispatch, type Program, printProgram } from './compiler/index.ts';

// Tensors and ops
export { type NestedArray, Tensor } from './graph/tensor.ts';
export type { Dtype, HostArray } from './core/dtype.ts';
export type { Shape } from './core/shape.ts';
export type { Tree } from './core/tree.ts';
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
  asin,
  asinh,
  atan,
  atan2,
  atanh,
  broadcastTo,
  cast,
  ceil,
  celu,
  clip,
  concat,
  conv2d,
  cos,
  cosh,
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
  maxPool2d,
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
  split,
  sqrt,
  square,
  squeeze,
  stack,
  std,
  stopGradient,
  sub,
  sum,
  tan,
  tanh,
  tanhShrink,
  tensor,
  tile,
  transpose,
  triL,
  triU,
  trunc,
  unstack,
  variance,
  where,
  zeros,
  zerosLike,
} from './ops/index.ts';
export type {
  ArgReduceOptions,
  DropoutOptions,
  LogSumExpOptions,
  MatmulOptions,
  NormOptions,
  NormalOptions,
  PadOptions,
  ReduceOptions,
  SeedOptions,
  SoftmaxOptions,
  TensorLike,
  TriangleOptions,
  UniformOptions,
  Values,
  VarianceOptions,
} from './ops/index.ts';

// Transformations
export { type GradOptions, type ValueAndGradOptions, grad, valueAndGrad } from './autodiff/index.ts';

// Models
export { layers, initializers } from './nn/index.ts';
export { type Loss, type LossOptions, losses } from './losses/index.ts';
export { type Optimizer, optimizers, schedules } from './optim/index.ts';
export { type Metric, metrics } from './train/metrics/index.ts';
export { type Callback, type History, type Logs, type ProgressInfo, type ProgressOptions, callbacks } from './train/index.ts';
export { type ArrayInput, type Dataset, data } from './train/index.ts';
export { datasets } from './train/datasets/index.ts';
export { Model, sequential } from './train/index.ts';
export type { CompileOptions, DeviceChoice, EvaluateOptions, FitOptions, LossFunction, ModelInput, PredictOptions } from './train/index.ts';

// Errors
export {
  ArgumentError,
  DataError,
  DeviceError,
  DeviceLostError,
  DonatedError,
  DtypeError,
  OmbreError,
  ShaderError,
  ShapeError,
  TraceError,
} from './core/errors.ts';
