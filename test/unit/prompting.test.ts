// Waits for the GPU in Firefox: empty work is submitted while something is waited for, and only then.
import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { DeviceLostError } from '../../src/index.ts';
import { GpuContext } from '../../src/runtime/webgpu/context.ts';
import { Prompter, needsPrompting } from '../../src/runtime/webgpu/prompting.ts';

function countingDevice(): { device: GPUDevice; submits: () => number } {
  let submits = 0;
  const device = {
    createCommandEncoder: () => ({ finish: () => ({}) }),
    queue: { submit: (commands: unknown[]) => (submits += commands.length) },
  };
  return { device: device as unknown as GPUDevice, submits: () => submits };
}

/** A device on which a step of the submit throws `failures` times. */
function failingDevice(step: 'createCommandEncoder' | 'submit', failures: number): { device: GPUDevice; submits: () => number } {
  const { device, submits } = countingDevice();
  const at = (step === 'submit' ? device.queue : device) as unknown as Record<string, (...args: unknown[]) => unknown>;
  const original = at[step];
  at[step] = (...args) => {
    if (failures-- > 0) throw new Error('the device is gone');
    return original(...args);
  };
  return { device, submits };
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

test.each([
  ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', true],
  ['Mozilla/5.0 (Android 15; Mobile; rv:141.0) Gecko/141.0 Firefox/141.0', true],
  ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36', false],
  ['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15', false],
  ['Node.js/22', false],
  [undefined, false],
])('%s is prompted: %s', (userAgent, expected) => {
  expect(needsPrompting(userAgent)).toBe(expected);
});

test('empty work is submitted while a promise is pending, and no longer', async () => {
  const { device, submits } = countingDevice();
  const prompter = new Prompter(device);
  expect(await prompter.during(pause(60).then(() => 7))).toBe(7);
  const during = submits();
  expect(during).toBeGreaterThan(3);
  await pause(20);
  expect(submits() - during).toBeLessThanOrEqual(1);
  const rest = submits();
  await pause(50);
  expect(submits()).toBe(rest);
});

test('waits that overlap share one chain of submits, and a failed wait ends it too', async () => {
  const { device, submits } = countingDevice();
  const prompter = new Prompter(device);
  const waits = Array.from({ length: 50 }, () => prompter.during(pause(60)));
  await expect(prompter.during(pause(20).then(() => Promise.reject(new Error('lost'))))).rejects.toThrow('lost');
  await Promise.all(waits);
  expect(submits()).toBeGreaterThan(3);
  expect(submits()).toBeLessThanOrEqual(65);
  await pause(20);
  const rest = submits();
  await pause(50);
  expect(submits()).toBe(rest);
  // It begins again.
  await prompter.during(pause(30));
  expect(submits()).toBeGreaterThan(rest);
});

test.each(['createCommandEncoder', 'submit'] as const)(
  'a %s that throws does not end the wait, and the next wait prompts again',
  async (step) => {
    const { device, submits } = failingDevice(step, 1);
    const prompter = new Prompter(device);
    expect(await prompter.during(pause(30).then(() => 7))).toBe(7);
    expect(submits()).toBe(0);
    await prompter.during(pause(30));
    expect(submits()).toBeGreaterThan(3);
  },
);

const runtime = new URL('../../src/runtime/webgpu/', import.meta.url);
const sources = readdirSync(runtime, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts'));

test('every wait for a map or for submitted work goes through awaitDevice()', () => {
  const waits = sources.flatMap((path) => {
    const lines = readFileSync(new URL(path, runtime), 'utf8').split('\n');
    return lines.filter((line) => /\.(mapAsync|onSubmittedWorkDone)\(/.test(line)).map((line) => `${path}: ${line.trim()}`);
  });
  expect(waits.length).toBeGreaterThan(4);
  // settle() waits for the work that submit() notes.
  const noted = 'context.ts: const done = this.device.queue.onSubmittedWorkDone();';
  expect(waits.filter((line) => line !== noted && !/awaitDevice\(|\.wait\(/.test(line))).toEqual([]);
  expect(waits).toContain(noted);
});

describe('awaitLateLoss', () => {
  /** A context on a device whose buffers are mapped, or not. */
  const contextWith = (map: () => Promise<undefined>, lost: Promise<unknown> = new Promise(() => undefined)): GpuContext => {
    const probe = { mapAsync: map, destroy: () => undefined };
    const device = {
      limits: {},
      lost,
      pushErrorScope: () => undefined,
      popErrorScope: () => Promise.resolve(null),
      createBuffer: () => probe,
    };
    return new GpuContext(device as unknown as GPUDevice);
  };
  const millisecondsOf = async (run: () => Promise<unknown>): Promise<number> => {
    const begin = performance.now();
    await run();
    return performance.now() - begin;
  };

  test('costs a healthy device no wait', async () => {
    const context = contextWith(() => Promise.resolve(undefined));
    expect(await millisecondsOf(() => context.awaitLateLoss())).toBeLessThan(60);
  });

  test('waits for the loss where a buffer is not mapped, and no longer', async () => {
    const lost = pause(20).then(() => ({ reason: 'destroyed', message: '' }));
    const context = contextWith(() => Promise.reject(new Error('the device is gone')), lost);
    await context.awaitLateLoss();
    expect(() => context.assertAlive()).toThrow(DeviceLostError);
  });

  test('gives up after half a second', async () => {
    const context = contextWith(() => Promise.reject(new Error('no memory')));
    expect(await millisecondsOf(() => context.awaitLateLoss())).toBeGreaterThan(450);
    context.assertAlive();
  });
});
