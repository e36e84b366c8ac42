// Models: layers, losses, optimizers and metrics joined into training steps, which the engine compiles and replays.
export {
  type Callback,
  type DiagnoseOptions,
  type FitInfo,
  type History,
  type Logs,
  type ProgressInfo,
  type ProgressOptions,
  type Verdict,
  type VerdictKind,
  callbacks,
  diagnose,
  summaryWriter,
} from '../callbacks/index.ts';
export type {
  CompileOptions,
  DeviceChoice,
  DtypePolicy,
  LossChoice,
  LossFunction,
  MetricChoice,
  MetricChoices,
  PerOutput,
  StepCompileOptions,
} from './trainingSetup.ts';
export type { ClassWeight, ClassWeights } from './classWeights.ts';
export { type ArrayInput, type ArrayTree, type Dataset, type Sample, data } from '../data/index.ts';
export type { Prediction, WithLeaves } from './predict.ts';
export type {
  EvaluateOptions,
  FitOptions,
  MemoryPlanOptions,
  PredictOptions,
  TestOnBatchOptions,
  TrainOnBatchOptions,
} from './runOptions.ts';
export type { ModelInput, ValidationData } from './inputs.ts';
export { type GenerateOptions, type Prompt, generate } from './generate.ts';
export { createModel, sequential } from './makeModel.ts';
export { Model } from './model.ts';
export type { LayersOf, StepGradients, StepLoss, StepResult, StepTools, TrainStep } from './trainStep.ts';
export { type StoredFile, removeStored, storedFiles } from '../formats/pageFiles.ts';
export type { FileSource, FileTarget, ReadableHandle, WritableHandle } from '../formats/places.ts';
export type { LoadWeightsOptions, SaveWeightsOptions } from './weightFiles.ts';
export { type LoadModelOptions, loadModel } from './loadModel.ts';
export type { SaveOptions } from './saveModel.ts';
export type { Progress } from './progress.ts';
export type { WeightMap, WeightRule } from './weightMap.ts';
export type { ModelVariable } from './weights.ts';
export { type FgsmFactory, type PgdFactory, adversarial } from './adversarial.ts';
export type { Attack, AttackChoice, FgsmOptions, PgdOptions } from './attacks.ts';
export { type GradientPenaltyOptions, gradientPenalty } from './gradientPenalty.ts';
export { type GradNormOptions, type GradNormResult, type GradientsByTask, type PcGradOptions, gradNorm, pcGrad } from './tasks.ts';
export type { TaskGradients } from './taskGradients.ts';
