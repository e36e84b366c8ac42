/** `npm run docs`: writes docs/ops.md. The sources import .wgsl files, so vite loads them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';
import type * as Document from './opsDocument.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const { module } = await runnerImport<typeof Document>('./scripts/opsDocument.ts', {
  root,
  configFile: false,
  logLevel: 'error',
});
mkdirSync(`${root}docs`, { recursive: true });
writeFileSync(`${root}docs/ops.md`, await module.opsDocument());
