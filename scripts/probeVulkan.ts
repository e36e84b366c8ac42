/**
 * Asks Dawn for an adapter and a device and prints the adapter as one line of JSON. A process of its own, because the driver is chosen
 * by environment variables that count only at start, and because a bad driver can take the process down.
 */
import { create } from 'webgpu';

const adapter = await create([]).requestAdapter();
if (!adapter) {
  console.error('Dawn found no adapter');
  process.exit(1);
}
await adapter.requestDevice();
const { vendor, architecture, description, device } = adapter.info;
console.log(JSON.stringify([vendor, architecture, description || device].filter(Boolean).join(' ')));
// Dawn's event loop would keep the process alive.
process.exit(0);
