// The demo page in a browser, operated like a user would.
import type { Locator, Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DemoPage, openDemo } from './harness.ts';

const state = (page: Page): Promise<string | null> => page.getByTestId('status').getAttribute('data-state');

async function reaches(page: Page, ...states: string[]): Promise<void> {
  await page.waitForFunction(
    (wanted) => wanted.includes(document.querySelector<HTMLElement>('[data-testid=status]')?.dataset.state ?? ''),
    [...states, 'failed'],
    { timeout: 120_000 },
  );
  const reached = await state(page);
  expect(states, (await page.getByTestId('error').textContent()) ?? '').toContain(reached);
}

const number = async (locator: Locator, attribute: string): Promise<number> => Number((await locator.getAttribute(attribute)) || NaN);

async function choose(page: Page, settings: Readonly<Record<string, string>>): Promise<void> {
  for (const [id, value] of Object.entries(settings)) {
    const control = page.getByTestId(id);
    if (await control.evaluate((element) => element instanceof HTMLSelectElement)) await control.selectOption(value);
    else await control.fill(value);
  }
}

async function timed(page: Page): Promise<void> {
  await page.waitForFunction(() => document.querySelector<HTMLButtonElement>('[data-testid=profile]')?.disabled === true);
  await page.waitForFunction(() => document.querySelector<HTMLButtonElement>('[data-testid=profile]')?.disabled === false, undefined, {
    timeout: 60_000,
  });
  expect(await page.getByTestId('time-note').textContent()).toMatch(/^Means over/);
  expect(await page.getByTestId('time-chart').isVisible()).toBe(true);
}

/** Presses the button that times a step, and waits for the result. */
async function timeSteps(page: Page): Promise<void> {
  await page.getByTestId('profile').click();
  await timed(page);
}

describe('on a desktop', () => {
  let demo: DemoPage;
  let page: Page;
  beforeAll(async () => {
    demo = await openDemo({ viewport: { width: 1280, height: 900 } });
    page = demo.page;
    await reaches(page, 'idle');
  });
  afterAll(() => demo.close());

  test('shows the device that it uses', async () => {
    await page.waitForFunction(() => document.querySelector<HTMLElement>('[data-testid=device-badge]')?.dataset.kind !== 'none');
    // WebGPU on a GPU, WebAssembly if the adapter computes on the CPU.
    expect(await page.getByTestId('device-badge').textContent()).toMatch(/WebGPU · \S+|WebAssembly/);
    await page.getByTestId('device').selectOption('webgpu');
    await page.waitForFunction(() => document.querySelector<HTMLElement>('[data-testid=device-badge]')?.dataset.kind === 'webgpu');
    expect(await page.getByTestId('device-badge').textContent()).toMatch(/WebGPU · \S+/);
  });

  test('refuses invalid settings and names them', async () => {
    for (const [id, value, message] of [
      ['learning-rate', '-1', 'Learning rate is “-1”; use a number above 0'],
      ['learning-rate', 'fast', 'Learning rate is “fast”'],
      ['batch-size', '0', 'Batch size is “0”; use a whole number from 1'],
      ['epochs', '1.5', 'Epochs is “1.5”'],
      ['seed', '-3', 'Seed is “-3”; use a whole number from 0'],
      ['train-size', '70000', 'Training images is “70000”; use a whole number from 100 to 60000'],
    ]) {
      const field = page.getByTestId(id);
      const before = await field.inputValue();
      await field.fill(value);
      await page.getByTestId('start').click();
      expect(await page.getByTestId('error').textContent()).toContain(message);
      expect(await field.getAttribute('aria-invalid')).toBe('true');
      expect(await field.evaluate((element) => element === document.activeElement)).toBe(true);
      expect(await state(page)).toBe('idle');
      await field.fill(before);
    }
  });

  test('trains a perceptron on 2,000 images, with chart, progress and predictions', async () => {
    await choose(page, { 'train-size': '2000', epochs: '3', 'batch-size': '64' });
    await page.getByTestId('start').click();
    await reaches(page, 'done');
    expect(await page.getByTestId('error').isVisible()).toBe(false);
    expect(await number(page.getByTestId('test-accuracy'), 'data-value')).toBeGreaterThan(0.8);
    expect(await number(page.getByTestId('validation-accuracy'), 'data-value')).toBeGreaterThan(0.8);
    expect(await number(page.getByTestId('progress'), 'aria-valuenow')).toBe(100);
    expect(await page.getByTestId('pace').textContent()).toMatch(/^[\d,]+ images\/s$/);
    for (const chart of ['loss-chart', 'accuracy-chart']) {
      expect(await number(page.getByTestId(chart), 'data-points')).toBeGreaterThan(0);
      expect(await number(page.getByTestId(chart), 'data-validation-points')).toBe(3);
    }
    // The axes are scaled to the later epochs. The first loss was about 2.3 and the first accuracy about 0.1.
    const range = async (chart: string): Promise<number[]> =>
      ((await page.getByTestId(chart).getAttribute('data-range')) ?? '').split(' ').map(Number);
    const [lossRange, accuracyRange] = [await range('loss-chart'), await range('accuracy-chart')];
    expect(lossRange[0]).toBe(0);
    expect(lossRange[1]).toBeGreaterThan(await number(page.getByTestId('train-loss'), 'data-value'));
    expect(lossRange[1]).toBeLessThanOrEqual(1.5);
    expect(accuracyRange[0]).toBeGreaterThanOrEqual(0.2);
    expect(accuracyRange[1]).toBe(1);
    expect(await page.getByTestId('start').textContent()).toBe('Train again');
    const samples = page.getByTestId('samples').locator('li');
    expect(await samples.count()).toBe(24);
    expect(await page.getByTestId('samples').locator('li.right').count()).toBeGreaterThan(16);
  });

  test('reads a digit on the pad', async () => {
    // A vertical stroke, which is a 1.
    const box = (await page.getByTestId('pad').boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.5, box.y + box.height * 0.2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.5, box.y + box.height * 0.8, { steps: 12 });
    await page.mouse.up();
    const answer = page.getByTestId('pad-answer');
    await page.waitForFunction(() => document.querySelector<HTMLElement>('[data-testid=pad-answer]')?.dataset.digit !== '');
    await expect.poll(() => answer.getAttribute('data-digit')).toBe('1');
    await page.locator('#pad-clear').click();
    await expect.poll(() => answer.getAttribute('data-digit')).toBe('');
    await page.getByTestId('pad-sample').click();
    await expect.poll(() => answer.getAttribute('data-digit')).toMatch(/^\d$/);
  });

  test('pauses, continues, and starts again', async () => {
    await choose(page, { 'train-size': '12000', epochs: '50', 'batch-size': '32' });
    await page.getByTestId('start').click();
    await page.waitForFunction(() => Number(document.querySelector('[data-testid=progress]')?.getAttribute('aria-valuenow')) > 0);
    expect(await page.getByTestId('model').isDisabled()).toBe(true);

    await page.getByTestId('pause').click();
    expect(await state(page)).toBe('paused');
    // Messages that were sent before the button was pressed may still arrive.
    await page.waitForTimeout(500);
    const paused = await number(page.getByTestId('progress'), 'aria-valuenow');
    await page.waitForTimeout(1000);
    expect(await number(page.getByTestId('progress'), 'aria-valuenow')).toBe(paused);
    expect(await page.getByTestId('pause').textContent()).toBe('Resume');
    // A paused run has no deadline. Timing a step works during the pause.
    expect(await page.getByTestId('pace').textContent()).toMatch(/^[\d,]+ images\/s$/);
    await timeSteps(page);
    expect(await number(page.getByTestId('progress'), 'aria-valuenow')).toBe(paused);
    expect(await state(page)).toBe('paused');

    await page.getByTestId('pause').click();
    expect(await state(page)).toBe('training');
    await page.waitForFunction(
      (before) => Number(document.querySelector('[data-testid=progress]')?.getAttribute('aria-valuenow')) > before,
      paused,
    );

    await page.getByTestId('reset').click();
    expect(await state(page)).toBe('idle');
    expect(await number(page.getByTestId('progress'), 'aria-valuenow')).toBe(0);
    expect(await number(page.getByTestId('loss-chart'), 'data-points')).toBe(0);
    expect(await page.getByTestId('model').isDisabled()).toBe(false);
    // No message of the stopped run arrives later.
    await page.waitForTimeout(1000);
    expect(await number(page.getByTestId('loss-chart'), 'data-points')).toBe(0);
    expect(await state(page)).toBe('idle');
  });

  test('timing steps shows layers and kernels, by pointer and by keyboard, and does not change the run', async () => {
    await choose(page, { 'train-size': '2000', epochs: '4', 'batch-size': '32', seed: '5' });
    const results = async (): Promise<(string | null)[]> =>
      Promise.all(['train-loss', 'test-accuracy'].map((id) => page.getByTestId(id).getAttribute('data-value')));
    await page.getByTestId('start').click();
    await reaches(page, 'done');
    const undisturbed = await results();
    await page.getByTestId('start').click();
    await page.waitForFunction(() => Number(document.querySelector('[data-testid=progress]')?.getAttribute('aria-valuenow')) > 0);
    expect(await state(page)).toBe('training');
    await timeSteps(page);
    await reaches(page, 'done');
    expect(await results()).toEqual(undisturbed);

    const chart = page.getByTestId('time-chart');
    expect(await chart.getAttribute('data-rows')).toBe('dense_1 dense_2 loss metrics results adam');
    expect(await page.getByTestId('time-summary').textContent()).toMatch(
      /^Multilayer perceptron, batch of 32: [\d.]+ ms a step, \d+ kernels$/,
    );
    expect(await page.getByTestId('time-note').textContent()).toMatch(
      /^Means over \d+ steps of a copy of the model, by the GPU's timestamps/,
    );
    const detail = page.getByTestId('time-detail');
    await chart.locator('canvas').focus();
    for (let i = 0; i < 6; i++) await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowDown');
    expect(await detail.textContent()).toMatch(/^dense_2 · (< )?[\d.]+ ms a step, (< )?[\d.]+ %\. One kernel: .*\w/);
    const first = await detail.textContent();
    await page.keyboard.press('ArrowRight');
    expect(await detail.textContent()).toMatch(/^dense_2 · /);
    expect(await detail.textContent()).not.toBe(first);
    // By pointer: the longest kernel of the first layer is at the left of the first row.
    const box = (await chart.locator('canvas').boundingBox())!;
    await page.mouse.move(box.x + 90, box.y + 20);
    await expect.poll(() => detail.getAttribute('data-layer')).toBe('dense_1');

    await page.getByTestId('time-kernels').locator('summary').click();
    const rows = page.getByTestId('time-kernels').locator('tbody tr');
    expect(await rows.count()).toBeGreaterThanOrEqual(8);
    const shares = (await rows.locator('td:last-child').allTextContents()).map((text) => parseFloat(text.replace('< ', '')));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeGreaterThan(95);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeLessThan(106);
    expect(shares).toEqual(shares.toSorted((a, b) => b - a));
  });

  test('keeps typed settings when model or optimizer change, and shows the usual values', async () => {
    const rate = page.getByTestId('learning-rate');
    const note = page.locator('#learningRate-note');
    await choose(page, { model: 'mlp', optimizer: 'adam' });
    expect([await rate.inputValue(), await note.textContent()]).toEqual(['0.003', '']);
    await rate.fill('0.02');
    expect(await note.textContent()).toBe('usual here: 0.003');
    await choose(page, { optimizer: 'sgd' });
    expect([await rate.inputValue(), await note.textContent()]).toEqual(['0.02', 'usual here: 0.01']);
    await choose(page, { model: 'cnn' });
    expect([await rate.inputValue(), await note.textContent()]).toEqual(['0.02', 'usual here: 0.001']);
    await rate.fill('0.001');
    await choose(page, { model: 'mlp' });
    expect([await rate.inputValue(), await note.textContent()]).toEqual(['0.003', '']);
  });

  test('trains the convolutional network', async () => {
    await choose(page, { model: 'cnn', 'train-size': '1000', epochs: '1', 'batch-size': '32' });
    await page.getByTestId('start').click();
    await reaches(page, 'done');
    expect(await number(page.getByTestId('test-accuracy'), 'data-value')).toBeGreaterThan(0.5);
  });

  test('the regression offers only losses for regression, and trains on the CPU', async () => {
    await page.getByTestId('pad-sample').click();
    expect(await page.locator('#bars').isVisible()).toBe(true);
    await choose(page, { model: 'linear', device: 'cpu', 'batch-size': '32', 'train-size': '2000', epochs: '2' });
    expect(await page.getByTestId('loss').inputValue()).toBe('meanSquaredError');
    expect(await page.getByTestId('optimizer').inputValue()).toBe('sgd');
    expect(await page.getByTestId('learning-rate').inputValue()).toBe('0.01');
    expect(
      await page.locator('#loss option:disabled').evaluateAll((options) => options.map((option) => (option as HTMLOptionElement).value)),
    ).toEqual(['sparseCategoricalCrossentropy', 'categoricalCrossentropy', 'binaryCrossentropy']);
    // With learning rate 0.01 and so few images the loss ends between 3.1 and 7.9, depending on the seed. With 0.003 eight seeds ended
    // between 4.0 and 4.4.
    await choose(page, { 'learning-rate': '0.003' });
    await page.getByTestId('start').click();
    await reaches(page, 'done');
    expect(await page.getByTestId('device-badge').getAttribute('data-kind')).toBe('cpu');
    // The mean digit as a constant prediction has a loss of 8.3.
    expect(await number(page.getByTestId('test-accuracy'), 'data-loss')).toBeLessThan(5);
    expect(await page.getByTestId('samples').locator('li').first().locator('small').textContent()).toMatch(/^(is \d|-?\d+\.\d\d)$/);
    // One number, without bars that look like probabilities.
    await expect.poll(() => page.locator('#pad-number').textContent()).toMatch(/^-?\d+\.\d\d is what the model computes/);
    expect(await page.locator('#bars').isVisible()).toBe(false);
    await timeSteps(page);
    expect(await page.getByTestId('time-note').textContent()).toMatch(/op by op, on the CPU/);
  });

  test('stops when the loss is not finite, and says what to do', async () => {
    await choose(page, { 'learning-rate': '90', 'train-size': '500', epochs: '40' });
    await page.getByTestId('start').click();
    await reaches(page, 'failed');
    expect(await page.getByTestId('status').textContent()).toMatch(/^Stopped in epoch [1-3] of 40$/);
    expect(await page.getByTestId('test-accuracy').getAttribute('data-value')).toBe('');
    // It stops at once, not after the 40th epoch.
    expect(await number(page.getByTestId('progress'), 'aria-valuenow')).toBeLessThan(10);
    expect(await page.getByTestId('start').textContent()).toBe('Train again');
    expect(await page.getByTestId('error').textContent()).toMatch(/^The loss became (NaN|Infinity): .* Use a smaller learning rate\.$/);
  });

  test('works with the keyboard only', async () => {
    await choose(page, { model: 'mlp', device: 'auto', 'train-size': '500', 'learning-rate': '0.003' });
    await page.getByTestId('epochs').focus();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('1');
    await page.keyboard.press('Enter');
    await reaches(page, 'done');
    await page.getByTestId('start').focus();
    await page.keyboard.press('Tab');
    expect(await page.getByTestId('reset').evaluate((element) => element === document.activeElement)).toBe(true);
    await page.keyboard.press('Space');
    expect(await state(page)).toBe('idle');
    expect(await page.getByTestId('start').textContent()).toBe('Start');
    await page.getByTestId('profile').focus();
    await page.keyboard.press('Enter');
    await timed(page);
  });

  test('the console has no errors', () => expect(demo.errors).toEqual([]));
});

describe.each(['light', 'dark'] as const)('on a phone of 360 pixels, %s', (colorScheme) => {
  let demo: DemoPage;
  beforeAll(async () => {
    demo = await openDemo({ viewport: { width: 360, height: 740 }, colorScheme, hasTouch: true, isMobile: true });
    await reaches(demo.page, 'idle');
  });
  afterAll(() => demo.close());

  test('trains, and no element is wider than the screen', async () => {
    const { page } = demo;
    // innerWidth is no measure: a phone zooms out until the widest element fits.
    const width = (): Promise<number> => page.evaluate(() => document.documentElement.scrollWidth);
    expect(await width()).toBe(360);
    await choose(page, { 'train-size': '500', epochs: '1' });
    await page.getByTestId('start').tap();
    await reaches(page, 'done');
    expect(await width()).toBe(360);
    await timeSteps(page);
    await page.getByTestId('time-kernels').locator('summary').tap();
    expect(await width()).toBe(360);
    await page.getByTestId('start').scrollIntoViewIfNeeded();
    // The run is in the visible part of the page.
    expect(await page.getByTestId('status').evaluate((element) => element.getBoundingClientRect().top < 740)).toBe(true);
    expect(demo.errors).toEqual([]);
  });
});
