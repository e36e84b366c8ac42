// Waits for the GPU in Firefox: empty work is submitted while something is waited for, and only then.
import { expect, test } from 'vitest';
import { Prompter, needsPrompting } from '../../src/runtime/webgpu/prompting.ts';

function countingDevice(): { device: GPUDevice; submits: () => number } {
  let submits = 0;
  const device = {
    createCommandEncoder: () => ({ finish: () => ({}) }),
    queue: { submit: (commands: unknown[]) => (submits += commands.length) },
  };
  return { device: device as unknown as GPUDevice, submits: () => submits };
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
