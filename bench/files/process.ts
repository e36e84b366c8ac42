// The entry in Node: prints the figures as JSON.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measureFiles, memoryPlace } from './measure.ts';

const [device, bytes, rounds] = process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), 'ombre-files-'));
const path = join(folder, 'bench.safetensors');
const file = { name: 'file', target: path, read: () => path, remove: async () => {} };
try {
  const figures = await measureFiles(device as 'cpu' | 'webgpu', [memoryPlace(), file], Number(bytes), Number(rounds));
  process.stdout.write(`${JSON.stringify(figures)}\n`);
} finally {
  await rm(folder, { recursive: true });
}
// Dawn's event loop would keep the process running.
process.exit();
