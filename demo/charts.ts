// Two line charts over the epochs: training values after every few batches, validation values after every epoch.
import { Chart, LineController, LineElement, LinearScale, PointElement, Tooltip } from 'chart.js';

Chart.register(LineController, LineElement, PointElement, LinearScale, Tooltip);

/** Maximum number of points of a line. A longer line drops every other point, because a chart is only a few hundred pixels wide. */
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

/** 1, 1.5, 2, 3, 5 or 8 times a power of ten. An axis that ends there has round ticks and rarely changes. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 1.5, 2, 3, 5, 8].find((n) => n * power >= value * 0.9999) ?? 10) * power;
}

/** `top` is the highest possible value. The axis then ends at `top`, else it begins at 0. */
export function createChart(canvas: HTMLCanvasElement, format: (value: number) => string, top?: number): CurveChart {
  const figure = canvas.closest('figure')!;
  const training: Point[] = [];
  const validation: Point[] = [];
  // A function, so that a change between light and dark also changes points that were drawn before.
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
  let epochs = 1;
  const build = (): Chart<'line', Point[]> =>
    new Chart(canvas, {
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
            max: top,
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

  let chart: ReturnType<typeof build> | undefined;
  const paint = (): void => {
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    Object.assign(palette, {
      training: colour('--train'),
      validation: colour('--validation'),
      line: colour('--line'),
      text: colour('--quiet'),
    });
    if (!chart) return;
    chart.options.scales!.x!.title!.color = palette.text;
    chart.update('none');
  };
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paint);

  // The values of the first epoch span more than all later ones. After it the axis is scaled to the later values.
  const fit = (): void => {
    const last = training[training.length - 1]?.x ?? 0;
    const recent = [...training, ...validation].filter(({ x }) => last <= 1 || x >= Math.max(1, last / 10)).map(({ y }) => y);
    if (!chart) return;
    chart.options.scales!.x!.max = epochs;
    const axis = chart.options.scales!.y!;
    if (top === undefined) axis.max = recent.length > 0 ? roundUp(Math.max(...recent, 1e-30)) : undefined;
    else {
      // Curves far below the top have a separate axis.
      const far = last > 1 && Math.max(...recent) < top / 2;
      axis.max = far ? roundUp(Math.max(...recent, 0.01)) : top;
      axis.min = far || last <= 1 ? 0 : Math.max(0, top - roundUp(Math.max(top - Math.min(...recent), 0.01)));
    }
    figure.dataset.range = [axis.min ?? '', axis.max ?? ''].join(' ');
  };

  // Several points may arrive in one frame. It is drawn once.
  let scheduled = false;
  const draw = (): void => {
    figure.dataset.points = String(training.length);
    figure.dataset.validationPoints = String(validation.length);
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => {
      scheduled = false;
      fit();
      chart?.update('none');
    });
  };
  draw();
  // In a separate task, because both charts together would block the page's first task.
  setTimeout(() => {
    chart = build();
    paint();
    draw();
  });

  return {
    addTraining(x, y) {
      // A loss that is not finite leaves a gap instead of a useless scale.
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
    clear(count) {
      training.length = 0;
      validation.length = 0;
      epochs = count;
      draw();
    },
  };
}
