// Runs a bundle in a separate Node process, with the Vulkan driver of the tests.
import { spawnSync } from 'node:child_process';
import { setUp } from '../scripts/setup.ts';

/** Exit status of the process. */
export async function runBundle(file: string, args: readonly string[]): Promise<number> {
  const { vulkan: found } = await setUp(['vulkan']);
  if (!found || 'missing' in found) throw new Error(`no Vulkan driver: ${found?.missing}`);
  const { status } = spawnSync(process.execPath, [file, ...args], { stdio: 'inherit', env: { ...process.env, ...found.env } });
  return status ?? 1;
}
