import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { onnxDocument } from '../../scripts/onnxDocument.ts';

test('docs/onnx.md is what `npm run docs` writes', async () => {
  const committed = readFileSync(new URL('../../docs/onnx.md', import.meta.url), 'utf8');
  expect(committed === (await onnxDocument()), 'docs/onnx.md is stale: run `npm run docs` and commit it').toBe(true);
});
