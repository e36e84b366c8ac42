/** `npm run docs`: writes docs/ops.md, docs/options.md, docs/architecture.md, docs/onnx.md and the pages of families. The sources import .wgsl files, so vite loads them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';
import type * as ArchitectureDocument from './architectureDocument.ts';
import type * as FamilyDocument from './familyDocument.ts';
import type * as OnnxDocument from './onnxDocument.ts';
import type * as OpsDocument from './opsDocument.ts';
import type * as OptionsDocument from './optionsDocument.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const load = async <Module>(file: string): Promise<Module> =>
  (await runnerImport<Module>(file, { root, configFile: false, logLevel: 'error' })).module;

mkdirSync(`${root}docs`, { recursive: true });
const { opsDocument } = await load<typeof OpsDocument>('./scripts/opsDocument.ts');
writeFileSync(`${root}docs/ops.md`, await opsDocument());
const { optionsDocument } = await load<typeof OptionsDocument>('./scripts/optionsDocument.ts');
writeFileSync(`${root}docs/options.md`, await optionsDocument());
const { familyDocument, pages } = await load<typeof FamilyDocument>('./scripts/familyDocument.ts');
for (const page of Object.keys(pages)) writeFileSync(`${root}docs/${page}.md`, await familyDocument(page));
const { architectureDocument } = await load<typeof ArchitectureDocument>('./scripts/architectureDocument.ts');
writeFileSync(`${root}docs/architecture.md`, await architectureDocument());
const { onnxDocument } = await load<typeof OnnxDocument>('./scripts/onnxDocument.ts');
writeFileSync(`${root}docs/onnx.md`, await onnxDocument());
