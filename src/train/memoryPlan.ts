// The memory that training takes, before it begins.
import type { MemoryPlan } from '../engine/index.ts';
import { zeros } from '../ops/index.ts';
import { type ModelCore, firstState, prepareTraining } from './core.ts';
import type { ArrayInput } from '../data/samples.ts';
import type { ClassWeight } from './checks.ts';
import { type ModelInput, trainingSource } from './inputs.ts';
import { freshTotals } from './steps.ts';

export interface MemoryPlanOptions {
  /** As for fit: 32 where absent. */
  batchSize?: number;
  sampleWeight?: ArrayInput;
  classWeight?: ClassWeight;
}

/** The plan of the step that fit would replay for the same arguments. */
export async function planMemory(
  core: ModelCore,
  x: ModelInput,
  y: ArrayInput | undefined,
  options: MemoryPlanOptions,
): Promise<MemoryPlan> {
  const where = 'memoryPlan';
  const source = await trainingSource(core, x, y, { where, ...options });
  const steps = await prepareTraining(core, where);
  const { firstSize: size, xShape, yShape = [], yDtype, weightShape } = source;
  return steps.train.plan(firstState(core, freshTotals(core.setup!)), {
    key: zeros([2], 'u32'),
    x: zeros([size, ...xShape], core.network.inputDtype),
    y: zeros([size, ...yShape], yDtype),
    ...(weightShape && { sampleWeight: zeros([size, ...weightShape]) }),
  });
}
