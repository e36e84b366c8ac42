// A surface to draw a digit on. The drawing is brought into the form of MNIST before the model gets it.
import type { Reading } from './samples.ts';

const side = 28;
/** MNIST's digits fit a 20x20 box inside the 28x28 image, centred by mass. */
const box = 20;

export interface Pad {
  /** Draws a 28x28 image on the surface. */
  place(pixels: ArrayLike<number>): void;
  /** The drawing in the form of the model's input. Undefined while the surface is empty. */
  pixels(): Float32Array | undefined;
  show(reading: Reading | undefined): void;
}

export function createPad(canvas: HTMLCanvasElement, onChange: () => void): Pad {
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  const hint = document.getElementById('pad-hint')!;
  const answer = document.getElementById('answer')!;
  const bars = document.getElementById('bars')!;
  const number = document.getElementById('pad-number')!;
  let empty = true;
  let last: { x: number; y: number } | undefined;

  bars.replaceChildren(
    ...Array.from({ length: 10 }, (_, digit) => {
      const item = document.createElement('li');
      item.append(document.createElement('i'), String(digit));
      return item;
    }),
  );

  const wipe = (): void => {
    context.clearRect(0, 0, canvas.width, canvas.height);
    empty = true;
    hint.hidden = false;
  };
  const position = (event: PointerEvent): { x: number; y: number } => {
    const bounds = canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - bounds.left) / bounds.width) * canvas.width,
      y: ((event.clientY - bounds.top) / bounds.height) * canvas.height,
    };
  };
  const stroke = (to: { x: number; y: number }): void => {
    context.strokeStyle = '#fff';
    context.lineWidth = canvas.width / 14;
    context.lineCap = 'round';
    context.lineJoin = 'round';
    context.beginPath();
    context.moveTo(last?.x ?? to.x, last?.y ?? to.y);
    context.lineTo(to.x, to.y);
    context.stroke();
    last = to;
    empty = false;
    hint.hidden = true;
    onChange();
  };
  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = undefined;
    stroke(position(event));
  });
  canvas.addEventListener('pointermove', (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) for (const part of event.getCoalescedEvents?.() ?? [event]) stroke(position(part));
  });
  document.getElementById('pad-clear')!.addEventListener('click', () => {
    wipe();
    onChange();
  });

  return {
    place(pixels) {
      wipe();
      const small = new OffscreenCanvas(side, side);
      const image = new ImageData(side, side);
      for (let i = 0; i < side * side; i++) image.data.set([255, 255, 255, 255 * pixels[i]], 4 * i);
      small.getContext('2d')!.putImageData(image, 0, 0);
      context.drawImage(small, 0, 0, canvas.width, canvas.height);
      empty = false;
      hint.hidden = true;
      onChange();
    },
    pixels: () => (empty ? undefined : normalise(context.getImageData(0, 0, canvas.width, canvas.height))),
    show(reading) {
      answer.textContent = reading ? String(reading.digit) : '–';
      answer.dataset.digit = reading ? String(reading.digit) : '';
      // A regression gives one number and no probabilities, so there are no bars.
      const isNumber = reading !== undefined && !reading.probabilities;
      bars.hidden = isNumber;
      number.hidden = !isNumber;
      if (isNumber) {
        const value = document.createElement('b');
        value.textContent = reading.detail;
        number.replaceChildren(value, ' is what the model computes; the nearest digit is its answer.');
      }
      Array.from(bars.children).forEach((item, digit) => {
        const share = reading?.probabilities?.[digit] ?? 0;
        item.querySelector('i')!.style.setProperty('--share', `${(share * 100).toFixed(1)}%`);
      });
    },
  };
}

/** Scales the drawing's bounding box into 20x20 and centres its mass in 28x28, as the makers of MNIST did. */
function normalise({ data, width, height }: ImageData): Float32Array | undefined {
  let left = width;
  let right = -1;
  let top = height;
  let bottom = -1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (data[4 * (y * width + x) + 3] < 32) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
    }
  }
  if (right < 0) return undefined;
  const size = Math.max(right - left + 1, bottom - top + 1);
  const scale = size / box;
  const centreX = (left + right + 1) / 2;
  const centreY = (top + bottom + 1) / 2;

  // Area average over the source pixels of each target pixel.
  const boxed = new Float32Array(side * side);
  const sourceX = (x: number): number => centreX + (x - side / 2) * scale;
  const sourceY = (y: number): number => centreY + (y - side / 2) * scale;
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      let sum = 0;
      let count = 0;
      for (let v = Math.floor(sourceY(y)); v < Math.ceil(sourceY(y + 1)); v++) {
        for (let u = Math.floor(sourceX(x)); u < Math.ceil(sourceX(x + 1)); u++) {
          count++;
          if (u >= 0 && v >= 0 && u < width && v < height) sum += data[4 * (v * width + u) + 3];
        }
      }
      boxed[y * side + x] = sum / (255 * Math.max(1, count));
    }
  }

  let mass = 0;
  let massX = 0;
  let massY = 0;
  boxed.forEach((value, i) => {
    mass += value;
    massX += value * ((i % side) + 0.5);
    massY += value * (Math.floor(i / side) + 0.5);
  });
  const shiftX = Math.round(side / 2 - massX / mass);
  const shiftY = Math.round(side / 2 - massY / mass);
  const centred = new Float32Array(side * side);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const fromX = x - shiftX;
      const fromY = y - shiftY;
      if (fromX >= 0 && fromY >= 0 && fromX < side && fromY < side) centred[y * side + x] = boxed[fromY * side + fromX];
    }
  }
  return centred;
}
