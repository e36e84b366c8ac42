// Files that are damaged: exported models, and small node tests of each op type.
import { readFileSync } from 'node:fs';
import { exportOnnx } from '../../src/onnx/index.ts';
import { functionFile } from '../../test/support/onnxFiles.ts';
import { buildCase, onnxModels } from '../../test/support/onnxModels.ts';
import { unpackCases } from './packedCases.ts';

const maxBytes = 3000;

export async function fuzzFiles(): Promise<Uint8Array[]> {
  const cases = unpackCases(readFileSync(new URL('../../test/golden/onnxNodes.bin', import.meta.url)));
  const nodes = cases.map(({ model }) => model).filter(({ length }) => length <= maxBytes);
  const models: Uint8Array[] = [];
  for (const one of onnxModels) models.push(await exportOnnx(await buildCase(one)));
  return [...nodes, ...models, functionFile()];
}
