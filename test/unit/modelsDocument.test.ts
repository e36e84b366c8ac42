// The scripts of docs/models.md run as they are, with the library's source.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as exchange from '../../src/exchange/index.ts';
import * as ombre from '../../src/index.ts';
import * as models from '../../src/models/index.ts';
import { parameterCounts } from '../support/baseModels.ts';

const document = readFileSync(new URL('../../docs/models.md', import.meta.url), 'utf8');
const scripts = [...document.matchAll(/<!-- runs as is -->\s*```js\n(.*?)```/gs)].map(([, code]) => code);
const entries: Readonly<Record<string, object>> = { ombre, 'ombre/models': models, 'ombre/formats': exchange };

let folder = '';
beforeAll(async () => {
  await ombre.setDevice('cpu');
  folder = mkdtempSync(join(tmpdir(), 'ombre-models-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a script, with its files in a folder of their own. Returns the lines that it prints. */
async function run(script: string): Promise<unknown[]> {
  const code = script
    .replace(/import (\{[^}]+\}) from ('[^']+');/g, 'const $1 = entries[$2];')
    .replace(/'(\w+\.safetensors)'/g, (_, name: string) => JSON.stringify(join(folder, name)));
  const printed: unknown[] = [];
  const body = new Function('entries', 'console', `return (async () => {${code}})()`) as (...given: unknown[]) => Promise<void>; // eslint-disable-line @typescript-eslint/no-implied-eval
  await body(entries, { log: (value: unknown) => printed.push(value) });
  return printed;
}

test('no script is forgotten', () => {
  expect(scripts).toHaveLength(3);
  expect(document.match(/```js/g)).toHaveLength(scripts.length);
});

test('a new last layer', async () => expect(await run(scripts[0])).toEqual([expect.toSatisfy((accuracy: number) => accuracy > 0.9)]));

test('a small GPT', async () => expect(await run(scripts[1])).toEqual(['5 6 7 0 1 2 3 4']));

test('a model of PyTorch', async () => expect(await run(scripts[2])).toEqual(['o i ... -> ... i o']));

test('the table has the parameters of the models', () => {
  const row = (name: string): number => Number(new RegExp(`\`${name}\` +\\| ([\\d,]+)`).exec(document)![1].replaceAll(',', ''));
  for (const [name, count] of Object.entries(parameterCounts)) expect(row(name)).toBe(count);
});
