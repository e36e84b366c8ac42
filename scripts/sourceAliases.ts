// Sources for the names of the package. Programs that vite runs then use the sources, also if the library is not built.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  exports: Record<string, { '@ombre/source'?: string }>;
};

/** `ombre`, `ombre/formats` and so on, as the sources that package.json names. */
export const sourceAliases = Object.entries(manifest.exports).flatMap(([name, { '@ombre/source': source }]) =>
  source ? [{ find: new RegExp(`^ombre${name.slice(1)}$`), replacement: fileURLToPath(new URL(source, root)) }] : [],
);
