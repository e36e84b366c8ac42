// Nothing of the list of ops is missing: names, methods, rows for values and gradients, reasons, and the page that lists them.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { opsDocument } from '../../scripts/opsDocument.ts';
import * as ombre from '../../src/index.ts';
import { Tensor } from '../../src/graph/tensor.ts';
import * as ops from '../../src/ops/index.ts';
import { noteCoverage } from '../support/findings.ts';
import { functions, lackingReason, primitives, unseen, withoutRow } from '../support/opAnatomy.ts';
import { creationNames, dtypes, functionsOnly, opNames, tensorMembers } from '../tables/api.ts';
import { statedReasons } from '../tables/reasons.ts';

/** `random.normal` of the public entry. */
const exported = (path: string): unknown =>
  path.split('.').reduce((from: unknown, name) => (from as Record<string, unknown> | undefined)?.[name], ombre);
const isFunction = (value: unknown): boolean => typeof value === 'function';
const listed = [...creationNames, ...opNames];

test('every name of the API list is a function of the public entry, and every op is public', () => {
  expect(listed.filter((name) => !isFunction(exported(name)))).toEqual([]);
  expect(Object.keys(ops).filter((name) => !(name in ombre))).toEqual([]);
  expect(new Set(listed).size).toBe(listed.length);
});

test('every op is a method too, unless a reason is listed', () => {
  const isMethod = (name: string): boolean => isFunction((Tensor.prototype as unknown as Record<string, unknown>)[name]);
  expect(opNames.filter((name) => !isMethod(name) && !(name in functionsOnly))).toEqual([]);
  expect(Object.keys(functionsOnly).filter((name) => isMethod(name) || !opNames.includes(name))).toEqual([]);
});

test('tensors have the members of the API list, in every dtype', () => {
  for (const dtype of dtypes) {
    const x = ombre.zeros([2], dtype);
    expect(tensorMembers.filter((name) => !(name in x))).toEqual([]);
    expect(x.dtype).toBe(dtype);
  }
});

test('every exported op has rows of values and of gradients, or a reason for having none', () => {
  expect(withoutRow()).toEqual([]);
  expect(lackingReason()).toEqual([]);
  // A function with a gradient in which no row checks it.
  const unchecked = functions.filter(({ slope, rows }) => slope.kind === 'gradient' && rows.every(({ gradient }) => gradient === 'none'));
  expect(unchecked.map(({ name }) => name)).toEqual(['cast']); // To half precision, which only some adapters have.
  // Graphs of a user have no copies; the compiler inserts them.
  // Layers with packed kernels make packedMatmul; test/unit/quantization.test.ts and test/gpu/productVariants.test.ts check it.
  expect(unseen).toEqual(['copy', 'packedMatmul']);
  const exportedOps = listed.filter((name) => isFunction(exported(name))).length;
  noteCoverage({ listed: listed.length, exported: exportedOps, definitions: primitives.length, withoutReason: lackingReason() });
});

test('reasons are stated for ops that need one', () => {
  const all = new Map([...primitives, ...functions].map((op) => [op.name, op]));
  const idle = Object.keys(statedReasons).filter((name) => {
    const slope = all.get(name)?.slope;
    return slope?.kind !== 'none' || slope.reason !== statedReasons[name];
  });
  expect(idle).toEqual([]);
});

test('docs/ops.md is what `npm run docs` writes', async () => {
  const committed = readFileSync(new URL('../../docs/ops.md', import.meta.url), 'utf8');
  // A comparison of the texts would print both.
  expect(committed === (await opsDocument()), 'docs/ops.md is stale: run `npm run docs` and commit it').toBe(true);
});
