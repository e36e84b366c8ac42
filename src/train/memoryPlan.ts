// The memory that training takes, before it begins.
import type { ArrayTree } from '../data/index.ts';
import { mapTrees } from '../data/batches.ts';
import type { MemoryPlan } from '../engine/index.ts';
import { zeros } from '../ops/index.ts';
import { type ModelCore, firstState } from './core.ts';
import type { ModelInput } from './inputs.ts';
import { type MemoryPlanOptions, memoryPlanOptions } from './runOptions.ts';
import type { StepBatch } from './steps.ts';
import { freshTotals } from './totals.ts';
import { withTrainingData } from './withData.ts';

/** The plan of the step that fit would replay for the same arguments. */
export async function planMemory(
  core: ModelCore,
  x: ModelInput,
  y: ArrayTree | undefined,
  options: MemoryPlanOptions,
): Promise<MemoryPlan> {
  const where = 'memoryPlan';
  const data = { where, isTraining: true, x, y, ...memoryPlanOptions.read(options) };
  return withTrainingData(core, data, async ({ train }, steps) => {
    const batch = mapTrees(train.example, ({ shape, dtype }) => zeros([train.firstSize, ...shape], dtype));
    const state = firstState(core, steps, freshTotals(steps.training.objectives));
    return steps.train.plan(state, { key: zeros([2], 'u32'), ...batch } as StepBatch);
  });
}
