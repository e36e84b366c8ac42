// Two line charts over the epochs: training after every few batches, validation after every epoch.
import { Chart, LineController, LineElement, LinearScale, PointElement, Tooltip } from 'chart.js';

Chart.register(LineController, LineElement, PointElement, LinearScale, Tooltip);

/** A line longer than this loses every other point: a chart is a few hundred pixels wide. */
const maxPoints = 800;

interface Point {
  readonly x: number;
  readonly y: number;
}

export interface CurveChart {
  addTraining(epochs: number, value: number): void;
  addValidation(epochs: number, value: number): void;
  clear(epochs: number): void;
}

Chart.defaults.font.family = 'system-ui, sans-serif';

export function createChart(canvas: HTMLCanvasElement, format: (value: number) => string, yMax?: number): CurveChart {
  const figure = canvas.closest('figure')!;
  const training: Point[] = [];
  const validation: Point[] = [];
  // Scriptable, so that a change between light and dark reaches points that were drawn before.
  const palette = { training: '', validation: '', line: '', text: '' };
  const curve = (name: 'training' | 'validation') => ({
    label: name,
    borderWidth: 2,
    borderColor: () => palette[name],
    backgroundColor: () => palette[name],
    pointBackgroundColor: () => palette[name],
    pointBorderColor: () => palette[name],
    pointHitRadius: 12,
  });
  const axis = { grid: { color: () => palette.line }, border: { display: false } };
  const chart = new Chart<'line', Point[]>(canvas, {
    type: 'line',
    data: {
      datasets: [
        { ...curve('training'), data: training, pointRadius: 0 },
        { ...curve('validation'), data: validation, pointRadius: 3, clip: 4 },
      ],
    },
    options: {
      animation: false,
      parsing: false,
      normalized: true,
      maintainAspectRatio: false,
      interaction: { mode: 'nearest', axis: 'x', intersect: false },
      scales: {
        x: {
          ...axis,
          type: 'linear',
          min: 0,
          ticks: { maxTicksLimit: 6, precision: 0, color: () => palette.text },
          title: { display: true, text: 'epoch' },
        },
        y: {
          ...axis,
          type: 'linear',
          min: 0,
          max: yMax,
          ticks: { maxTicksLimit: 6, color: () => palette.text, callback: (value) => format(Number(value)) },
        },
      },
      plugins: {
        tooltip: {
          displayColors: false,
          callbacks: {
            title: ([item]) => (item ? `epoch ${item.parsed.x!.toFixed(2)}` : ''),
            label: (item) => `${item.dataset.label}: ${format(item.parsed.y!)}`,
          },
        },
      },
    },
  });

  const paint = (): void => {
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    Object.assign(palette, {
      training: colour('--train'),
      validation: colour('--validation'),
      line: colour('--line'),
      text: colour('--quiet'),
    });
    chart.options.scales!.x!.title!.color = palette.text;
    chart.update('none');
  };
  paint();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paint);

  // Several points may come within one frame; it is drawn once.
  let scheduled = false;
  const draw = (): void => {
    figure.dataset.points = String(training.length);
    figure.dataset.validationPoints = String(validation.length);
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      chart.update('none');
    });
  };
  draw();

  return {
    addTraining(x, y) {
      // A loss that blew up leaves a gap instead of a broken scale.
      if (!Number.isFinite(y)) return;
      training.push({ x, y });
      if (training.length > maxPoints) training.splice(0, training.length, ...training.filter((_, i) => i % 2 === 1));
      draw();
    },
    addValidation(x, y) {
      if (!Number.isFinite(y)) return;
      validation.push({ x, y });
      draw();
    },
    clear(epochs) {
      training.length = 0;
      validation.length = 0;
      chart.options.scales!.x!.max = epochs;
      draw();
    },
  };
}
