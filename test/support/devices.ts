// Engines whose devices report lower limits than they have, so that tests reach the limits at small sizes.
import { Engine } from '../../src/engine/index.ts';
import type { Target } from '../../src/graph/op.ts';
import { WebGpuRuntime } from '../../src/runtime/webgpu/index.ts';
import { isWasm } from './planDevice.ts';

/**
 * Opens an engine on a separate device. Its compiler uses these limits and this processor. `spareBytes: 0` leaves out the guard zones.
 * Autotuning is off, because it takes buffers and submits, and depends on choices stored on the machine. Close it with `runtime.dispose()`.
 */
export async function engineWith(target: Partial<Target>): Promise<{ engine: Engine; runtime: WebGpuRuntime }> {
  const runtime = await WebGpuRuntime.open({ tuning: false });
  Object.assign(runtime, { target: { ...runtime.target, ...target } });
  if (target.spareBytes === 0 && !isWasm) Object.assign(runtime.context, { guards: undefined });
  return { engine: new Engine(runtime), runtime };
}
