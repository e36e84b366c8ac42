/**
 * Asks Dawn for an adapter and a device and prints the adapter, with the size of its subgroups where it has one, as a line of JSON. A process of its own, because the driver is chosen
 * by environment variables that count only at start, and because a bad driver can take the process down.
 */
import { create } from 'webgpu';

interface SubgroupSizes {
  readonly subgroupMinSize?: number;
  readonly subgroupMaxSize?: number;
}

const adapter = await create([]).requestAdapter();
if (!adapter) {
  console.error('Dawn found no adapter');
  process.exit(1);
}
await adapter.requestDevice();
const { vendor, architecture, description, device, subgroupMinSize, subgroupMaxSize } = adapter.info as GPUAdapterInfo & SubgroupSizes;
const name = [vendor, architecture, description || device].filter(Boolean).join(' ');
console.log(JSON.stringify({ adapter: name, ...(subgroupMinSize === subgroupMaxSize && { subgroupSize: subgroupMinSize }) }));
// Dawn's event loop would keep the process alive.
process.exit(0);
