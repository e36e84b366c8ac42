// Runs a bundle in a separate Node process, with the Vulkan driver of the tests if it needs one.
import { spawnSync } from 'node:child_process';
import { setUp } from '../scripts/setup.ts';

async function vulkanEnv(): Promise<Record<string, string | undefined>> {
  const { vulkan: found } = await setUp(['vulkan']);
  if (!found || 'missing' in found) throw new Error(`no Vulkan driver: ${found?.missing}`);
  return found.env;
}

/** Exit status of the process. */
export async function runBundle(file: string, args: readonly string[], needsVulkan = true): Promise<number> {
  const { status } = spawnSync(process.execPath, [file, ...args], {
    stdio: 'inherit',
    env: { ...process.env, ...(needsVulkan && (await vulkanEnv())) },
  });
  return status ?? 1;
}
