// Checks a program against the limits of its device, before anything is built or run.
import { formatShape } from '../core/shape.ts';
import { type Program, describeTensors, largestTensors } from '../compiler/index.ts';

export interface DeviceLimits {
  /** Begins the messages. */
  readonly device: 'webgpu' | 'wasm';
  readonly maxBindingBytes: number;
  readonly maxBufferBytes: number;
  /** The user's limit for one program. Undefined means no limit. */
  readonly maxBytes: number | undefined;
}

/** The reason why the device cannot run the program, or undefined if it can. Names the kernel, the tensors and the limit. */
export function refusalOf(
  program: Program,
  { device, maxBindingBytes, maxBufferBytes, maxBytes = Infinity }: DeviceLimits,
): string | undefined {
  const { name, slots, dispatches, arenas, peakBytes } = program;
  const whole = `the whole would take ${peakBytes} bytes; its largest tensors: ${describeTensors(largestTensors(program, 4))}`;
  for (const { label, bindings } of dispatches) {
    for (const { slot: index, access } of bindings) {
      const slot = slots[index];
      if (slot.bytes <= maxBindingBytes) continue;
      const what = slot.kind === 'scalars' ? 'its numbers' : `a tensor ${slot.type.dtype}${formatShape(slot.type.shape)}`;
      return `${device}: ${name}: '${label}' ${access === 'read' ? 'reads' : 'writes'} ${what} of ${slot.bytes} bytes, but this device binds at most ${maxBindingBytes} bytes at once (maxStorageBufferBindingSize); use a smaller batch, or split the tensor and join the results (${whole})`;
    }
  }
  const largest = Math.max(0, ...arenas, ...slots.map(({ bytes }) => bytes));
  if (largest > maxBufferBytes) {
    return `${device}: ${name} needs a buffer of ${largest} bytes, but this device makes buffers of at most ${maxBufferBytes} bytes (maxBufferSize); use a smaller batch or model (${whole})`;
  }
  if (peakBytes > maxBytes) {
    return `${device}: ${name} takes ${peakBytes} bytes at its peak, but maxBytes allows ${maxBytes}; use a smaller batch or model, or a larger maxBytes (${whole})`;
  }
  return undefined;
}
