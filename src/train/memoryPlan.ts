// The memory that training takes, before it begins.
import type { ArrayTree } from '../data/index.ts';
import { mapTrees } from '../data/batches.ts';
import type { MemoryPlan } from '../engine/index.ts';
import { zeros } from '../ops/index.ts';
import { type ModelCore, firstState, prepareTraining } from './core.ts';
import { type ModelInput, openTraining } from './inputs.ts';
import { type MemoryPlanOptions, memoryPlanOptions } from './runOptions.ts';
import type { StepBatch } from './steps.ts';
import { freshTotals } from './totals.ts';

/** The plan of the step that fit would replay for the same arguments. */
export async function planMemory(
  core: ModelCore,
  x: ModelInput,
  y: ArrayTree | undefined,
  options: MemoryPlanOptions,
): Promise<MemoryPlan> {
  const where = 'memoryPlan';
  const { train } = await openTraining(core, { where, isTraining: true, x, y, ...memoryPlanOptions.read(options) });
  const steps = await prepareTraining(core, where);
  const batch = mapTrees(train.example, ({ shape, dtype }) => zeros([train.firstSize, ...shape], dtype));
  return steps.train.plan(firstState(core, steps, freshTotals(steps.training.objectives)), {
    key: zeros([2], 'u32'),
    ...batch,
  } as StepBatch);
}
