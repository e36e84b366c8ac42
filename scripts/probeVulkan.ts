/**
 * Requests an adapter and a device from Dawn, and prints the adapter and its subgroup size, if there is one, as a line of JSON. It is a
 * separate process, because environment variables select the driver only at the start, and because a bad driver can crash the process.
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
// Dawn's event loop would keep the process running.
process.exit(0);
