// Search of hyperparameters: spaces, samplers, schedulers, and the loop over trials. It trains by the public methods of a model.
export {
  type BranchOf,
  type Constant,
  type Distribution,
  type ParametersOf,
  type Space,
  type SpacePart,
  type StepOptions,
  space,
} from './distributions.ts';
export type { ChoiceDimension, Dimension, NumberDimension } from './dimensions.ts';
export type { CheckedSpace, Point, SpaceNode } from './readSpace.ts';
export type {
  ObjectiveDirection,
  Sampler,
  SamplerState,
  Scheduler,
  SchedulerState,
  TrialRecord,
  TrialReport,
  TrialState,
} from './records.ts';
export type { BestTrial, ParallelCoordinates, ParameterScatter, TuneAxis, TuneResult } from './result.ts';
export { type GridSamplerOptions, type RandomSamplerOptions, type TpeSamplerOptions, samplers } from './samplers.ts';
export { type AshaOptions, type HyperbandOptions, type MedianOptions, type NoneSchedulerOptions, schedulers } from './schedulers.ts';
export { tune } from './tune.ts';
export type { MaybeValue, Trial, TuneFit, TuneOptions } from './tuneOptions.ts';
