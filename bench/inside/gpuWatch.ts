// Observes WebGPU in the same way for every engine: submits and allocations, and errors that an engine only logs.

export interface GpuCounts {
  dispatches: number;
  submits: number;
  buffers: number;
  liveBytes: number;
  peakBytes: number;
}

/** Wraps a method. `around` gets the result, the object and the first argument. */
function intercept<T extends object, Argument, Returned>(
  prototype: T,
  name: keyof T & string,
  around: (call: { self: T; argument: Argument; result: Returned }) => Returned,
): void {
  const method = Reflect.get(prototype, name) as (this: T, argument: Argument, ...rest: unknown[]) => Returned;
  function replacement(this: T, argument: Argument, ...rest: unknown[]): Returned {
    return around({ self: this, argument, result: method.call(this, argument, ...rest) });
  }
  Object.defineProperty(prototype, name, { configurable: true, writable: true, value: replacement });
}

/** Starts counting. This makes calls a little slower, so of the compared times only first steps are measured with it. */
export function countGpuCalls(): GpuCounts {
  const counts: GpuCounts = { dispatches: 0, submits: 0, buffers: 0, liveBytes: 0, peakBytes: 0 };
  if (typeof GPUDevice === 'undefined') return counts;
  const alive = new WeakSet<GPUBuffer>();
  intercept(GPUDevice.prototype, 'createBuffer', ({ argument, result }: { argument: GPUBufferDescriptor; result: GPUBuffer }) => {
    alive.add(result);
    counts.buffers++;
    counts.liveBytes += argument.size;
    counts.peakBytes = Math.max(counts.peakBytes, counts.liveBytes);
    return result;
  });
  intercept(GPUBuffer.prototype, 'destroy', ({ self }) => {
    if (alive.delete(self)) counts.liveBytes -= self.size;
  });
  intercept(GPUQueue.prototype, 'submit', () => void counts.submits++);
  for (const name of ['dispatchWorkgroups', 'dispatchWorkgroupsIndirect'] as const) {
    intercept(GPUComputePassEncoder.prototype, name, () => void counts.dispatches++);
  }
  return counts;
}

/** Reports errors without an error scope and lost devices, of every device made from now on. */
export function watchGpuErrors(report: (message: string) => void): void {
  if (typeof GPUAdapter === 'undefined') return;
  intercept(GPUAdapter.prototype, 'requestDevice', async ({ result }: { result: Promise<GPUDevice> }) => {
    const device = await result;
    device.addEventListener('uncapturederror', (event) => report(`GPU error: ${event.error.message}`));
    void device.lost.then(({ reason, message }) => {
      if (reason !== 'destroyed') report(`device lost: ${message}`);
    });
    return device;
  });
}
