// Every example at its small size, on the CPU, with the result that it promises.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Figures } from '../../examples/example.ts';
import { examples } from '../../examples/index.ts';
import { readBook } from '../../scripts/book.ts';
import { deviceInfo, setDevice } from '../../src/index.ts';

beforeAll(() => setDevice('cpu'));
afterAll(() => expect(deviceInfo().kind).toBe('cpu'));

/** Bounds of each figure: [smallest, largest]. */
const expected: Readonly<Record<string, Readonly<Record<string, readonly [number, number]>>>> = {
  regression: { slope: [2.9, 3.1], intercept: [1.9, 2.1], loss: [0, 0.015] },
  mnist: { accuracy: [0.8, 1] },
  characters: { bitsPerCharacter: [1, 3.35] },
  gpt: { bitsPerCharacter: [1, 3.65] },
  dates: { characters: [0.4, 1], dates: [0, 1] },
  vae: { loss: [15, 27], squaredError: [0, 0.055] },
  gan: { sure: [0.05, 1], classes: [6, 10] },
  cartpole: { before: [8, 40], after: [300, 500] },
  transfer: { lastLayer: [0.75, 1], transferred: [0.8, 1], fromScratch: [0.7, 0.8] },
  unet: { meanIoU: [0.55, 1], background: [0.2, 0.28] },
  diffusion: { noiseLoss: [0.15, 0.265], distance: [1.3, 10], ofTraining: [1, 1.7], ofNoise: [60, 110] },
  automaton: { error: [0, 0.05], later: [0, 0.08], empty: [0.2, 0.22] },
  simclr: { contrastive: [0.66, 1], random: [0.45, 0.6], pixels: [0.55, 0.66] },
  ctc: { strips: [0.65, 1], characterErrorRate: [0, 0.15] },
  pinn: { relativeError: [0, 0.04], largestError: [0, 0.08] },
  table: { recall: [0, 0.4], recallWeighted: [0.8, 1], recallFocal: [0.8, 1], accuracy: [0.65, 0.8], accuracyWeighted: [0.88, 1] },
  series: { network: [1.6, 1.8], naive: [2.4, 2.6] },
  lora: {
    before: [3.7, 4.5],
    after: [2, 2.7],
    reloaded: [2, 2.7],
    adapterBytes: [12_000, 14_000],
    fileBytes: [60_000, 75_000],
    changed: [0, 0],
  },
  distillation: { large: [0.87, 1], alone: [0.65, 0.78], distilled: [0.81, 1] },
  federated: { lower: [0.44, 0.52], upper: [0.42, 0.52], once: [0.5, 0.75], averaged: [0.8, 1] },
  robust: {
    clean: [0.86, 1],
    fgsm: [0.3, 0.5],
    pgd: [0.25, 0.48],
    robustClean: [0.86, 1],
    robustFgsm: [0.63, 1],
    robustPgd: [0.6, 1],
  },
  tasks: {
    equalAccuracy: [0.8, 0.86],
    equalInk: [0.5, 0.75],
    weightsAccuracy: [0.88, 1],
    weightsInk: [1.3, 1.8],
    uncertaintyAccuracy: [0.868, 1],
    uncertaintyInk: [0.9, 1.3],
    pcGradAccuracy: [0.862, 1],
    pcGradInk: [0.5, 0.8],
  },
  resnet: { accuracy: [0.86, 1] },
};

test('every example has an expected result', () => {
  expect(Object.keys(expected)).toEqual(Object.keys(examples));
});

describe.each(Object.keys(examples))('%s', (name) => {
  test('reaches its figures at the small size, and prints lines', async () => {
    const lines: string[] = [];
    const example = await examples[name].load();
    const figures: Figures = await example({ isSmall: true, print: (line) => lines.push(line), book: readBook });
    expect(Object.keys(figures)).toEqual(Object.keys(expected[name]));
    for (const [figure, [smallest, largest]] of Object.entries(expected[name])) {
      expect(figures[figure], figure).toBeGreaterThanOrEqual(smallest);
      expect(figures[figure], figure).toBeLessThanOrEqual(largest);
    }
    expect(lines.length).toBeGreaterThan(0);
  });
});
