// Whether a training step fits its device. If it does not, the largest batch that would.
import { DeviceError } from '../core/errors.ts';
import { leavesOf, mapTree } from '../core/tree.ts';
import { Tensor } from '../graph/tensor.ts';
import { zeros } from '../ops/index.ts';
import type { TrainingSteps } from './compiledSteps.ts';
import type { StepBatch, TrainState } from './steps.ts';

/**
 * Refuses a training step that its device cannot run, before any memory is taken there.
 * @throws DeviceError with the plan's peak bytes, the limit, the largest tensors and the largest batch that fits.
 */
export async function requireCapacity({ engine, train }: TrainingSteps, carried: TrainState, batch: StepBatch): Promise<void> {
  if (engine.info.kind === 'cpu') return;
  const { refusal } = await train.plan(carried, batch);
  if (refusal === undefined) return;
  const { key, ...arrays } = batch;
  const fits = async (size: number): Promise<boolean> => {
    const resized = mapTree(arrays, (leaf) => (leaf instanceof Tensor ? zeros([size, ...leaf.shape.slice(1)], leaf.dtype) : leaf));
    return (await train.plan(carried, { key, ...(resized as typeof arrays) })).refusal === undefined;
  };
  let fitting = 0;
  let refused = (leavesOf(batch.x)[0].value as Tensor).shape[0];
  while (refused - fitting > 1) {
    const middle = Math.floor((fitting + refused) / 2);
    if (await fits(middle)) fitting = middle;
    else refused = middle;
  }
  const advice = fitting ? `the largest batch that fits is ${fitting}` : 'not even a batch of 1 fits: the model itself is too large';
  throw new DeviceError(`${refusal}; ${advice}`);
}
