// docs/architecture.md agrees with the imports of the source.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { architectureDocument } from '../../scripts/architectureDocument.ts';

test('docs/architecture.md is what `npm run docs` writes', async () => {
  const committed = readFileSync(new URL('../../docs/architecture.md', import.meta.url), 'utf8');
  expect(committed === (await architectureDocument()), 'docs/architecture.md is stale: run `npm run docs` and commit it').toBe(true);
});
