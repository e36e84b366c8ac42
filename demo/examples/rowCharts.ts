// Live curves: one chart for each title, which grows with the rows of an example.
import { Chart, type ChartDataset, LineController, LineElement, LinearScale, PointElement, Tooltip } from 'chart.js';
import type { Row } from '../../examples/example.ts';
import { inWords, short } from './words.ts';

Chart.register(LineController, LineElement, PointElement, LinearScale, Tooltip);
Chart.defaults.font.family = 'system-ui, sans-serif';

/** Maximum number of points of a curve. A longer one drops every other point. */
const maxPoints = 800;
/** Number of colours in examples.css. */
const colours = 6;

type Curve = ChartDataset<'line', { x: number; y: number }[]>;
type LineChart = Chart<'line', { x: number; y: number }[]>;

export interface RowCharts {
  add(title: string, row: Row): void;
  clear(): void;
}

const isLoss = (name: string): boolean => /loss$/i.test(name);

/** Charts for `container`, which is hidden while there are none. */
export function createRowCharts(container: HTMLElement): RowCharts {
  let charts = new Map<string, RowChart>();
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    for (const chart of charts.values()) chart.draw();
  });
  return {
    add(title, row) {
      container.hidden = false;
      let chart = charts.get(title);
      if (!chart) charts.set(title, (chart = createRowChart(container, title, colour)));
      chart.add(row);
    },
    clear() {
      for (const chart of charts.values()) chart.remove();
      charts = new Map();
      container.hidden = true;
    },
  };
}

interface RowChart {
  add(row: Row): void;
  draw(): void;
  remove(): void;
}

function createRowChart(container: HTMLElement, title: string, colour: (name: string) => string): RowChart {
  const figure = document.createElement('figure');
  figure.dataset.testid = 'chart';
  figure.dataset.title = title;
  const caption = document.createElement('figcaption');
  const legend = document.createElement('span');
  legend.className = 'curve-legend';
  caption.append(title, legend);
  const plot = document.createElement('div');
  plot.className = 'plot';
  const canvas = document.createElement('canvas');
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', `Curves: ${title}`);
  plot.append(canvas);
  figure.append(caption, plot);
  container.append(figure);

  const curves = new Map<string, { curve: Curve; value: HTMLElement }>();
  let chart: LineChart | undefined;
  let rows = 0;

  /** A validation has the colour of its training value, with dashes. */
  const addCurve = (name: string): void => {
    const sibling = curves.get(name.replace(/^val_/, ''))?.curve;
    const index = sibling ? Number(sibling.order) : [...curves.keys()].filter((known) => !known.startsWith('val_')).length;
    const variable = `--curve-${(index % colours) + 1}`;
    const isValidation = name.startsWith('val_');
    const paint = (): string => colour(variable);
    const curve: Curve = {
      label: inWords(name),
      data: [],
      order: index,
      yAxisID: isLoss(name) || ![...curves.keys(), name].some(isLoss) ? 'y' : 'others',
      borderWidth: 2,
      borderColor: paint,
      backgroundColor: paint,
      pointRadius: ({ dataset }) => (isValidation || dataset.data.length < 2 ? 3 : 0),
      pointHitRadius: 12,
      ...(isValidation && { borderDash: [6, 3] }),
    };
    const entry = document.createElement('span');
    const mark = document.createElement('i');
    mark.style.setProperty('--curve', `var(${variable})`);
    if (isValidation) mark.className = 'dashed';
    const value = document.createElement('b');
    entry.append(mark, `${curve.label} `, value);
    legend.append(entry);
    curves.set(name, { curve, value });
  };

  const axis = (position: 'left' | 'right' | 'bottom', text: string) => ({
    type: 'linear' as const,
    position,
    border: { display: false },
    grid: { color: () => colour('--line'), drawOnChartArea: position !== 'right' },
    ticks: { maxTicksLimit: 6, color: () => colour('--quiet'), callback: (value: string | number) => short(Number(value)) },
    title: { display: text !== '', text, color: colour('--quiet') },
  });
  const build = (axisName: string, first: number): LineChart =>
    new Chart(canvas, {
      type: 'line',
      data: { datasets: [] },
      options: {
        animation: false,
        parsing: false,
        maintainAspectRatio: false,
        interaction: { mode: 'nearest', axis: 'x', intersect: false },
        scales: { x: { ...axis('bottom', axisName), bounds: 'data', ...(first >= 0 && { min: 0 }) }, y: axis('left', '') },
        plugins: {
          tooltip: {
            callbacks: {
              title: ([item]) => (item ? `${axisName} ${short(item.parsed.x!)}` : ''),
              label: (item) => `${item.dataset.label}: ${short(item.parsed.y!)}`,
            },
          },
        },
      },
    });

  let scheduled = false;
  const update = (): void => {
    scheduled = false;
    if (!chart) return;
    const all = [...curves.values()].map(({ curve }) => curve);
    chart.data.datasets = all;
    // The second axis is for values that are no losses, beside losses.
    if (all.some(({ yAxisID }) => yAxisID === 'others')) chart.options.scales!.others ??= axis('right', '');
    // A colour of a title is no function.
    chart.options.scales!.x!.title!.color = colour('--quiet');
    chart.update('none');
  };
  const draw = (): void => {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(update);
  };

  return {
    draw,
    add(row) {
      const [[axisName, x], ...values] = Object.entries(row);
      chart ??= build(inWords(axisName), x);
      for (const [name, y] of values) {
        if (!curves.has(name)) addCurve(name);
        const { curve, value } = curves.get(name)!;
        // A value that is not finite leaves a gap.
        curve.data.push({ x, y: Number.isFinite(y) ? y : NaN });
        if (curve.data.length > maxPoints) curve.data = curve.data.filter((_, i) => i % 2 === 1);
        value.textContent = short(y);
      }
      figure.dataset.rows = String(++rows);
      figure.dataset.curves = [...curves.keys()].join(' ');
      draw();
    },
    remove() {
      chart?.destroy();
      chart = undefined;
      figure.remove();
    },
  };
}
