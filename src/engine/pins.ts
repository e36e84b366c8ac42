// Pins: device values whose memory must not be freed while a run or a read still needs it.
import type { Tensor, Value } from '../graph/tensor.ts';
import type { RunInput } from '../runtime/runtime.ts';

/** Keeps the memory of a device value until the matching unpin. */
export function pin(value: RunInput | undefined): void {
  if (typeof value === 'object' && value.kind === 'device') value.pin();
}

export function unpin(value: RunInput | undefined): void {
  if (typeof value === 'object' && value.kind === 'device') value.unpin();
}

/** Values of tensors at the time of a call. They stay pinned until unpinAll(), also if the tensors change or are disposed of. */
export class HeldValues {
  private readonly values = new Map<Tensor, Value>();

  hold(tensor: Tensor, value: Value): void {
    this.values.set(tensor, value);
    pin(value);
  }

  find(tensor: Tensor): Value | undefined {
    return this.values.get(tensor);
  }

  /** The held value of a tensor. It must have been held. */
  get(tensor: Tensor): Value {
    return this.values.get(tensor)!;
  }

  /** Unpins all values, and releases those for which `isUnowned` is true. */
  unpinAll(isUnowned: (tensor: Tensor, value: Value) => boolean = () => false): void {
    for (const [tensor, value] of this.values) {
      unpin(value);
      if (value.kind === 'device' && isUnowned(tensor, value)) value.release();
    }
  }
}
