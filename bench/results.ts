// Writes all measurements to files, and describes the machine.
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { dirname, join } from 'node:path';

export const resultPath = (folder: string, name: string, date: string): string =>
  join(folder, `${name}-${date.replaceAll(/[:.]/g, '-')}.json`);

export const machine = () => ({
  cpu: os.cpus()[0]?.model,
  cores: os.availableParallelism(),
  memory: os.totalmem(),
  system: `${os.type()} ${os.release()} ${os.arch()}`,
});

export function save(path: string, content: unknown): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(content, undefined, 1)}\n`);
}
