// Reading a value inside a function that only builds a graph fails the call of that function, even if the function handles the promise.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { TraceError, compile, ones, scalar, setDevice } from '../../src/index.ts';
import { Engine } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { CpuRuntime } from '../../src/runtime/cpu.ts';
import { asyncMistakes, calls, failures, lateMistakes, mistakes, strayReads, transforms } from '../support/traceMistakes.ts';

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
  await expect(step(x)).rejects.toThrow(/by a promise that the function did not await/);
  isWrong = false;
  expect(await (await step(x)).item()).toBe(-5);
});

test.each(failures)('%s rejects the call', async (_, call, message) => {
  await expect(call()).rejects.toThrow(message);
});

/** Arguments of console.warn while fn runs and shortly after. */
async function warningsOf(fn: () => unknown): Promise<string[]> {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  try {
    await fn();
    await new Promise((resolve) => setTimeout(resolve, 10));
    return warn.mock.calls.map(([text]) => text as string);
  } finally {
    warn.mockRestore();
  }
}

test.each(strayReads)('a read %s warns with the remedy', async (_, run, message) => {
  const warnings = await warningsOf(run);
  expect(warnings).toEqual([expect.stringMatching(message)]);
  expect(warnings[0]).toContain('return the tensor and read the result outside');
});

test('a tracer that left a finished call warns once, and its reads never settle', async () => {
  let leaked: Tensor | undefined;
  let isSettled = false;
  const warnings = await warningsOf(async () => {
    await compile(function leaking(x: Tensor) { return (leaked = x.mul(2)).add(1); })(scalar(1)); // prettier-ignore
    const settle = (): void => void (isSettled = true);
    for (let i = 0; i < 2; i++) leaked!.item().then(settle, settle);
  });
  expect(warnings).toEqual([expect.stringMatching(/leaking: item\(\) of Tensor\(f32\[\]\) was called after the function had returned/)]);
  expect(isSettled).toBe(false);
});

test('a constant made by a traced function has a value once the call is done', async () => {
  let made: Tensor | undefined;
  await compile((x: Tensor) => x.add((made = ones([2]))))(scalar(1));
  expect(await made!.array()).toEqual([1, 1]);
});

test('several running calls that a late read fails do not drop the program that a later call has traced', async () => {
  const runtime = new CpuRuntime();
  const engine = new Engine(runtime);
  let disposals = 0;
  const prepare = runtime.prepare.bind(runtime);
  runtime.prepare = (...args) => Object.assign(prepare(...args), { dispose: () => void disposals++ });
  let traces = 0;
  const step = compile(
    (x: Tensor) => {
      if (traces++ === 0) void Promise.resolve().then(() => x.item());
      return x.neg();
    },
    { engine },
  );
  const x = scalar(5);
  // The second fails while the third is already traced.
  const first = step(x);
  const second = step(x);
  const third = first.catch(() => step(x));
  await expect(second).rejects.toThrow(TraceError);
  expect(await (await third).item()).toBe(-5);
  await step(x);
  expect({ traces, disposals }).toEqual({ traces: 2, disposals: 1 });
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
  // Nothing but the warnings of stray reads, with their stacks.
  const told = stderr.split('\n').filter((line) => line && !/^ {4}at /.test(line));
  expect({ status, told }).toEqual({ status: 0, told: strayReads.map(([, , message]) => expect.stringMatching(message) as string) });
  const count = mistakes.length + asyncMistakes.length;
  expect(stdout).toBe(`${count * (transforms.length + calls.length) + lateMistakes.length + failures.length} errors\n`);
});
