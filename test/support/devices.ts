// Engines on devices that claim less than they can: limits are met at sizes that a software GPU takes in its stride.
import { Engine } from '../../src/engine/index.ts';
import type { Target } from '../../src/graph/op.ts';
import { WebGpuRuntime } from '../../src/runtime/webgpu/index.ts';

/**
 * An engine on a device of its own, whose compiler believes these limits and this processor. `spareBytes: 0` leaves out the guard zones. Nothing is timed on it: that takes buffers and submits,
 * and depends on what the machine's user has timed before. Close it with `runtime.dispose()`.
 */
export async function engineWith(target: Partial<Target>): Promise<{ engine: Engine; runtime: WebGpuRuntime }> {
  const runtime = await WebGpuRuntime.open({ tuning: false });
  Object.assign(runtime, { target: { ...runtime.target, ...target } });
  if (target.spareBytes === 0) Object.assign(runtime.context, { guards: undefined });
  return { engine: new Engine(runtime), runtime };
}
