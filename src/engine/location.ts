// Checks that a tensor's value is on the device that reads it.
import { DeviceError, DeviceLostError } from '../core/errors.ts';
import { formatShape } from '../core/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { ValueOwner } from '../runtime/runtime.ts';

/** Whether a device is lost. */
function isGone(device: Partial<ValueOwner>): boolean {
  try {
    device.assertAlive?.();
    return false;
  } catch {
    return true;
  }
}

/** @throws DeviceError for a tensor whose value is on another device; `op` is the op that reads it. */
export function requireHere({ value, dtype, shape }: Tensor, owner: ValueOwner, op?: string): void {
  if (value?.kind !== 'device' || value.device === owner) return;
  const where = op === undefined ? '' : `${op}: `;
  if (isGone(value.device)) {
    throw new DeviceLostError(
      `${where}a tensor ${dtype}${formatShape(shape)} was lost with its device; make it again with tensor(), or give a model its weights with setWeights()`,
    );
  }
  throw new DeviceError(
    `${where}a tensor ${dtype}${formatShape(shape)} is on ${value.deviceName}, but this runs on ${owner.name}${value.deviceName === owner.name ? ' of another device' : ''}; read it with data() and make a new one with tensor()`,
  );
}
