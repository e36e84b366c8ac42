// A grid of test images with the model's predictions.
import type { Recipe } from './recipes.ts';

export interface Reading {
  readonly digit: number;
  /** Text for the page: '97 %' confidence, or the number of a regression. */
  readonly detail: string;
  /** One per class; undefined for a regression. */
  readonly probabilities: ArrayLike<number> | undefined;
}

/** The digit that a row of outputs means: the most likely class, or the nearest digit to a regression's number. */
export function readOutputs(output: Recipe['output'], row: Float32Array): Reading {
  if (output === 'value') {
    const digit = Math.min(9, Math.max(0, Math.round(row[0])));
    return { digit, detail: row[0].toFixed(2), probabilities: undefined };
  }
  const digit = row.reduce((best, value, i) => (value > row[best] ? i : best), 0);
  return { digit, detail: `${Math.round(row[digit] * 100)} %`, probabilities: row };
}

/** Draws a 28x28 image of values in 0..1, white on black as in MNIST. */
export function drawDigit(canvas: HTMLCanvasElement, pixels: ArrayLike<number>): void {
  canvas.width = 28;
  canvas.height = 28;
  const context = canvas.getContext('2d')!;
  const image = context.createImageData(28, 28);
  for (let i = 0; i < 784; i++) image.data.set([13 + 242 * pixels[i], 15 + 240 * pixels[i], 19 + 236 * pixels[i], 255], 4 * i);
  context.putImageData(image, 0, 0);
}

export interface SampleGrid {
  show(images: Float32Array, labels: Int32Array): void;
  predict(output: Recipe['output'], outputs: Float32Array): void;
  clear(): void;
}

/** The number of images is known before the data are loaded, so that the page does not move when they arrive. */
export function createSamples(list: HTMLElement, score: HTMLElement, count: number): SampleGrid {
  let labels = new Int32Array(0);
  const clear = (): void => {
    score.textContent = '';
    for (const item of list.children) {
      item.className = labels.length > 0 ? '' : 'empty';
      for (const text of item.querySelectorAll('b, small')) text.textContent = '\u00a0';
    }
  };
  const fill = (images: Float32Array, describe: (i: number) => string): void => {
    list.replaceChildren(
      ...Array.from({ length: count }, (_, i) => {
        const item = document.createElement('li');
        const canvas = document.createElement('canvas');
        canvas.setAttribute('role', 'img');
        canvas.setAttribute('aria-label', describe(i));
        drawDigit(canvas, images.subarray(i * 784, (i + 1) * 784));
        item.append(canvas, document.createElement('b'), document.createElement('small'));
        return item;
      }),
    );
    clear();
  };
  fill(new Float32Array(count * 784), () => 'test image, not loaded yet');

  return {
    clear,
    show(images, newLabels) {
      labels = newLabels.slice();
      fill(images, (i) => `test image of a ${labels[i]}`);
    },
    predict(output, outputs) {
      const stride = outputs.length / labels.length;
      let right = 0;
      Array.from(list.children).forEach((item, i) => {
        const { digit, detail } = readOutputs(output, outputs.subarray(i * stride, (i + 1) * stride));
        const wrong = digit !== labels[i];
        if (!wrong) right++;
        item.className = wrong ? 'wrong' : 'right';
        item.querySelector('b')!.textContent = wrong ? `${digit} ✗` : String(digit);
        item.querySelector('small')!.textContent = wrong ? `is ${labels[i]}` : detail;
      });
      score.textContent = `${right} of ${labels.length} right`;
    },
  };
}
