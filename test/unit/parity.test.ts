// Every name of the parity list is delivered and named by a test; every factory of the library is tested and has a page.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { factoriesOf, families, familyDocument, pages } from '../../scripts/familyDocument.ts';
import { docOf } from '../support/factoryDocs.ts';
import { parityNames } from '../support/parityCount.ts';
import { provenBy } from '../support/provenBy.ts';
import { awaited } from '../tables/parity.ts';

test('every name of the list is delivered', () => {
  expect(parityNames.length).toBeGreaterThan(350);
  const missing = parityNames.filter(({ isDelivered }) => !isDelivered).map(({ family, name }) => `${family}.${name}`);
  expect(missing.filter((path) => !awaited.includes(path))).toEqual([]);
});

test('every name of the list is named by a test', () => {
  const untested = parityNames.filter(({ tests, isDelivered }) => isDelivered && tests.length === 0);
  expect(untested.map(({ family, name }) => `${family}.${name}`)).toEqual([]);
});

test('a name that no test has is found', () => {
  expect(provenBy('losses.noSuchLoss')).toEqual([]);
  expect(provenBy('losses.huber')).toContain('golden/losses.json');
});

test.each(families)('%s: every factory has a test and a docstring', (family) => {
  expect(factoriesOf(family).filter((factory) => provenBy(factory).length === 0)).toEqual([]);
  expect(factoriesOf(family).filter((factory) => !docOf(factory))).toEqual([]);
});

test.each(Object.keys(pages))('docs/%s.md is what `npm run docs` writes', async (page) => {
  const committed = readFileSync(new URL(`../../docs/${page}.md`, import.meta.url), 'utf8');
  expect(committed === (await familyDocument(page)), `docs/${page}.md is stale: run \`npm run docs\` and commit it`).toBe(true);
});
