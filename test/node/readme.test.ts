// Runs the scripts of the README, of the guide and of the pages on tuning and files unchanged, each in a project that has ombre installed.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { disguised, ensureBuilt, root } from './library.ts';

/** Documents with scripts, in the order of the tests below. */
const documents = ['README.md', 'docs/guide.md', 'docs/tuning.md', 'docs/files.md']
  .map((path) => readFileSync(root + path, 'utf8'))
  .join('\n');
const scripts = [...documents.matchAll(/<!-- runs as is -->\s*```js\n(.*?)```/gs)].map(([, code]) => code);

let project = '';
beforeAll(async () => {
  await ensureBuilt();
  project = mkdtempSync(join(tmpdir(), 'ombre-readme-'));
  mkdirSync(join(project, 'node_modules'));
  symlinkSync(root, join(project, 'node_modules', 'ombre'), 'dir');
});
afterAll(() => rmSync(project, { recursive: true }));

async function run(index: number): Promise<string> {
  const file = join(project, `script${index}.mjs`);
  writeFileSync(file, scripts[index]);
  const { stdout } = await promisify(execFile)(process.execPath, [...disguised, file], { cwd: project });
  return stdout.trimEnd();
}

test('every script of the documents has a test', () => {
  expect(scripts).toHaveLength(8);
  expect(documents.match(/```js/g)).toHaveLength(scripts.length);
});

test('the library in 15 lines', async () => {
  expect(scripts[0].trimEnd().split('\n').length).toBeLessThanOrEqual(15);
  const [, accuracy] = /^(?:webgpu|wasm|cpu): \d+ epochs, test accuracy (\d\.\d{4})$/m.exec(await run(0)) ?? [];
  expect(Number(accuracy)).toBeGreaterThan(0.88);
});

test('the classic first regression', async () => {
  const [, loss] = /^Loss: (\d+\.\d{4}), Accuracy: \d\.\d{4}$/m.exec(await run(1)) ?? [];
  // The mean digit as a constant prediction has a loss of 8.3.
  expect(Number(loss)).toBeLessThan(4);
});

test('gradients and a custom loss', async () => {
  const [second, fit, huber] = (await run(2)).split('\n').slice(-3);
  expect(second).toBe('12 12');
  const [w, b, value] = fit.split(' ').map(Number);
  expect(Math.abs(w - 3)).toBeLessThan(0.1);
  expect(Math.abs(b - 2)).toBeLessThan(0.1);
  expect(value).toBeLessThan(0.05);
  // Errors 0.5 and 2 give 0.5²/2 and 2 - 1/2. Their mean is half of the sum.
  expect(Number(huber)).toBeCloseTo(0.8125, 6);
});

test('a custom training loop', async () => {
  // The variance of the targets is 1/9.
  expect(Number(await run(3))).toBeLessThan(0.01);
});

test('a graph of layers with two inputs and two outputs', async () => {
  expect(await run(4)).toBe('loss,total_loss,total_meanAbsoluteError true');
});

test('a GAN with a custom training step', async () => {
  expect(await run(5)).toBe('loss,generatorLoss');
});

test('a search of hyperparameters', async () => {
  const [best, layers] = (await run(6)).split('\n').slice(-2);
  // The best of six trials; a constant prediction has an accuracy of 0.1.
  expect(Number(/^\{ learningRate: .*, units: \d+, activation: '(?:relu|tanh)' \} (.*)$/.exec(best)?.[1])).toBeGreaterThan(0.85);
  expect(layers).toBe('3');
});

test('files of models', async () => {
  expect((await run(7)).split('\n').slice(-2)).toEqual(['the same bits: true', 'the same outputs: true']);
});
