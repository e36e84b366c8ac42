// The script of docs/plots.md runs as it is, with the library's source.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as ombre from '../../src/index.ts';
import * as plots from '../../src/plots/index.ts';

const document = readFileSync(new URL('../../docs/plots.md', import.meta.url), 'utf8');
const scripts = [...document.matchAll(/<!-- runs as is -->\s*```js\n(.*?)```/gs)].map(([, code]) => code);

test('the script of the page writes three pictures', async () => {
  await ombre.setDevice('cpu');
  expect(scripts).toHaveLength(1);
  const files: Record<string, string> = {};
  const entries = { ombre, 'ombre/plots': plots, 'node:fs/promises': { writeFile: (name: string, text: string) => (files[name] = text) } };
  const code = scripts[0].replace(/import (\{[^}]+\}) from ('[^']+');/g, 'const $1 = entries[$2];');
  const printed: unknown[] = [];
  const body = new Function('entries', 'console', `return (async () => {${code}})()`) as (...given: unknown[]) => Promise<void>; // eslint-disable-line @typescript-eslint/no-implied-eval
  await body(entries, { log: (value: unknown) => printed.push(value) });
  expect(printed).toEqual([true]);
  expect(Object.keys(files)).toEqual(['curves.svg', 'confusion.svg', 'roc.svg']);
  for (const svg of Object.values(files)) expect(svg).toMatch(/^<svg /);
});

test('the page names every function of the entry', () => {
  const names = [...Object.keys(plots), ...Object.keys(plots.plots)];
  expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(document))).toEqual([]);
});
