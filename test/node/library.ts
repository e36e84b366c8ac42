import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'vite';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** Arguments of node for a program that a test starts. The program gets the adapters that this run tests. See test/support/disguise.ts. */
export const disguised =
  process.env.OMBRE_PLAN || process.env.OMBRE_SUBGROUPS
    ? [createRequire(import.meta.url).resolve('tsx'), `${root}test/support/disguiseNode.ts`].flatMap((path) => [
        '--import',
        pathToFileURL(path).href,
      ])
    : [];

/** Builds dist/index.js if it is missing or older than the sources. `npm test` has built it already. */
export async function ensureBuilt(): Promise<void> {
  const entry = `${root}dist/index.js`;
  const newest = Math.max(
    ...['src', 'shaders'].flatMap((folder) =>
      readdirSync(root + folder, { recursive: true, encoding: 'utf8' }).map((name) => statSync(`${root}${folder}/${name}`).mtimeMs),
    ),
  );
  if (existsSync(entry) && statSync(entry).mtimeMs > newest) return;
  await build({ root, logLevel: 'error', build: { emptyOutDir: false } });
}
