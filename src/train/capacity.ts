// Whether a training step fits its device; and where it does not, the batch size that would.
import { DeviceError } from '../core/errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { zeros } from '../ops/index.ts';
import type { TrainingSteps } from './compiledSteps.ts';
import type { StepBatch, TrainState } from './steps.ts';

/**
 * Refuses a training step that its device does not run, before anything of it has been made there.
 * @throws DeviceError with the plan's peak bytes, the limit, the largest tensors and the largest batch that fits.
 */
export async function requireCapacity({ engine, train }: TrainingSteps, carried: TrainState, batch: StepBatch): Promise<void> {
  if (engine.info.kind === 'cpu') return;
  const { refusal } = await train.plan(carried, batch);
  if (refusal === undefined) return;
  const resized = ({ shape: [, ...sample], dtype }: Tensor, size: number): Tensor => zeros([size, ...sample], dtype);
  const fits = async (size: number): Promise<boolean> => {
    const { key, x, y, sampleWeight } = batch;
    const smaller = { key, x: resized(x, size), y: resized(y, size), ...(sampleWeight && { sampleWeight: resized(sampleWeight, size) }) };
    return (await train.plan(carried, smaller)).refusal === undefined;
  };
  let fitting = 0;
  let refused = batch.x.shape[0];
  while (refused - fitting > 1) {
    const middle = Math.floor((fitting + refused) / 2);
    if (await fits(middle)) fitting = middle;
    else refused = middle;
  }
  const advice = fitting ? `the largest batch that fits is ${fitting}` : 'not even a batch of 1 fits: the model itself is too large';
  throw new DeviceError(`${refusal}; ${advice}`);
}
