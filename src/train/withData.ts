// The frame of every method that runs over data: opens them, compiles the steps for them, and closes them in the end.
import type { TrainingSteps } from './compiledSteps.ts';
import { type ModelCore, prepareTraining, requireSetup } from './core.ts';
import { type TrainingData, type TrainingSources, openTraining } from './inputs.ts';
import { requireFloats } from './quantizeModel.ts';

/**
 * Runs fn with the data and the steps that are compiled for them.
 * @throws what openTraining and prepareTraining throw, before anything runs.
 */
export async function withTrainingData<T>(
  core: ModelCore,
  data: TrainingData,
  fn: (sources: TrainingSources, steps: TrainingSteps) => Promise<T>,
): Promise<T> {
  const setup = requireSetup(core, data.where);
  if (data.isTraining) requireFloats(core, data.where);
  const sources = await openTraining(core, data);
  try {
    return await fn(sources, await prepareTraining(core, data.where, setup));
  } finally {
    await sources.train.close();
    await sources.validation?.close();
  }
}
