// Reading a value inside a function that only builds a graph fails the call of that function, whatever the function does with the promise.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { beforeAll, describe, expect, test } from 'vitest';
import { TraceError, compile, scalar, setDevice, vmap } from '../../src/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { asyncMistakes, calls, failures, lateMistakes, mistakes, transforms } from '../support/traceMistakes.ts';

beforeAll(() => setDevice('cpu'));

describe.each(mistakes)('%s', (_, mistake) => {
  test.each(transforms)('in %s throws TraceError', (_, transform) => {
    expect(() => transform(mistake, scalar(5))).toThrow(TraceError);
  });
  test.each(calls)('in %s rejects with TraceError', async (_, call) => {
    await expect(call(mistake)).rejects.toThrow(TraceError);
  });
});

describe.each(asyncMistakes)('%s', (_, mistake) => {
  test.each(transforms)('in %s throws an error that says so', (_, transform) => {
    expect(() => transform(mistake, scalar(5))).toThrow(/is async or returns a promise; write a synchronous function/);
  });
  test.each(calls)('in %s rejects with an error that says so', async (_, call) => {
    await expect(call(mistake)).rejects.toThrow(/is async or returns a promise; write a synchronous function|returned a promise/);
  });
});

test.each(lateMistakes)('a read %s fails the call that is on its way, and the next one traces again', async (_, mistake) => {
  let isWrong = true;
  const step = compile((x: Tensor) => (isWrong ? mistake(x) : x.neg()), { donate: [0] });
  const x = scalar(5);
  await expect(step(x)).rejects.toThrow(/by a promise that the function left behind/);
  isWrong = false;
  expect(await (await step(x)).item()).toBe(-5);
});

test.each(failures)('%s rejects the call', async (_, call, message) => {
  await expect(call()).rejects.toThrow(message);
});

test('a tracer that left a finished call says so to whoever reads it', async () => {
  let leaked: Tensor | undefined;
  await compile((x: Tensor) => (leaked = x.mul(2)).add(1))(scalar(1));
  await expect(leaked!.item()).rejects.toThrow(TraceError);
  vmap((x: Tensor) => (leaked = x.mul(2)))(scalar(1).reshape([1]));
  await expect(leaked!.data()).rejects.toThrow(TraceError);
});

test('the message names the function, the read and the remedy', async () => {
  const step = compile(function absolute(x: Tensor) { return (x.item() as unknown as number) > 0 ? x : x.neg(); }); // prettier-ignore
  await expect(step(scalar(5))).rejects.toThrow(
    'compile: absolute: item() of Tensor(f32[]) was called inside the function; it only builds a graph and no value exists yet: choose with where(condition, a, b), or return the tensor and read the result outside',
  );
});

test('reads outside, after a traced function that failed, work as before', async () => {
  await expect(compile((x: Tensor) => { void x.item(); return x; })(scalar(1))).rejects.toThrow(TraceError); // prettier-ignore
  expect(await scalar(5).item()).toBe(5);
});

test('no mistake ends a Node process with an unhandled rejection', async () => {
  const entry = fileURLToPath(new URL('../support/traceMistakesMain.ts', import.meta.url));
  const outDir = mkdtempSync(join(tmpdir(), 'ombre-trace-'));
  await build({
    configFile: false,
    logLevel: 'error',
    build: { ssr: entry, outDir, target: 'node20', rolldownOptions: { output: { entryFileNames: 'main.mjs' } } },
  });
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--unhandled-rejections=strict', join(outDir, 'main.mjs')], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  rmSync(outDir, { recursive: true });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const count = mistakes.length + asyncMistakes.length;
  expect(stdout).toBe(`${count * (transforms.length + calls.length) + lateMistakes.length + failures.length} errors\n`);
});
