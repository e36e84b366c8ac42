// A bar for each layer, divided by the kernels that computed it. It shows the time of a training step.
import { BarController, BarElement, CategoryScale, Chart, LinearScale } from 'chart.js';
import type { ProfileReport } from './protocol.ts';

Chart.register(BarController, BarElement, CategoryScale, LinearScale);

/** One kernel, with times per step. */
export interface Segment {
  readonly layer: string;
  readonly ops: readonly string[];
  /** Name of the kernel, if an op has several. */
  readonly part: string | undefined;
  readonly count: number;
  readonly milliseconds: number;
  readonly share: number;
}

export interface Row {
  readonly layer: string;
  readonly milliseconds: number;
  readonly share: number;
  /** The longest first. */
  readonly segments: readonly Segment[];
}

/** Parts that are not layers, in the order of a step. The optimizer is last, with its name. */
const besides = ['loss', 'metrics', 'results'];

/** Kernels by layer, in the order of the model. Those of no layer (loss, metrics, optimizer) come after. */
export function rowsOf({ kernels, layers, steps }: ProfileReport): Row[] {
  const groups = new Map<string, Segment[]>(layers.map((layer) => [layer, []]));
  for (const { name, scope, ops, count, milliseconds, share } of kernels) {
    const layer = scope.split('/')[0] || 'other';
    if (!groups.has(layer)) groups.set(layer, []);
    const part = /\(([^()]+)\)$/.exec(name)?.[1];
    groups.get(layer)!.push({ layer, ops, part, count: count / steps, milliseconds: milliseconds / steps, share });
  }
  const sum = (segments: readonly Segment[], key: 'milliseconds' | 'share'): number => segments.reduce((total, s) => total + s[key], 0);
  const place = (layer: string): number => [...layers, ...besides].indexOf(layer);
  const last = layers.length + besides.length + 1;
  return [...groups]
    .filter(([, segments]) => segments.length > 0)
    .toSorted(([a], [b]) => (place(a) + 1 || last) - (place(b) + 1 || last))
    .map(([layer, segments]) => ({ layer, segments, milliseconds: sum(segments, 'milliseconds'), share: sum(segments, 'share') }));
}

export const percentOf = (share: number): string => (share < 0.0005 ? '< 0.1 %' : `${(share * 100).toFixed(share < 0.0995 ? 1 : 0)} %`);

export interface TimeChart {
  show(rows: readonly Row[]): void;
}

/** `onSelect` gets the kernel under the pointer or the finger, or the one chosen by arrow keys. */
export function createTimeChart(canvas: HTMLCanvasElement, onSelect: (segment: Segment) => void): TimeChart {
  const plot = canvas.parentElement!;
  const palette = { deep: '', pale: '', card: '', line: '', quiet: '', ink: '' };
  let rows: readonly Row[] = [];
  let selected: { row: number; segment: number } | undefined;

  /** From dark to light: the longest kernel is darkest. */
  const shade = (row: number, segment: number): string => {
    const count = rows[row]?.segments.length ?? 1;
    return `color-mix(in oklab, ${palette.pale} ${count > 1 ? (100 * segment) / (count - 1) : 0}%, ${palette.deep})`;
  };
  const isSelected = (row: number, segment: number): boolean => selected?.row === row && selected.segment === segment;

  const chart = new Chart<'bar', (number | null)[], string>(canvas, {
    type: 'bar',
    data: { labels: [], datasets: [] },
    options: {
      indexAxis: 'y',
      animation: false,
      maintainAspectRatio: false,
      // Shares are at the right of the bars.
      layout: { padding: { right: 54 } },
      events: ['mousemove', 'click', 'touchstart', 'touchmove'],
      onHover: (_, [element]) => element && select(element.index, element.datasetIndex),
      scales: {
        x: {
          type: 'linear',
          stacked: true,
          beginAtZero: true,
          border: { display: false },
          grid: { color: () => palette.line },
          ticks: { maxTicksLimit: 6, includeBounds: false, color: () => palette.quiet },
          title: { display: true, text: 'milliseconds a step' },
        },
        y: {
          type: 'category',
          stacked: true,
          border: { display: false },
          grid: { display: false },
          ticks: { autoSkip: false, color: () => palette.ink, font: { size: 13 } },
        },
      },
    },
    plugins: [
      {
        id: 'shares',
        afterDatasetsDraw({ ctx, scales }) {
          ctx.save();
          ctx.font = `13px ${Chart.defaults.font.family}`;
          ctx.fillStyle = palette.quiet;
          ctx.textBaseline = 'middle';
          rows.forEach(({ milliseconds, share }, i) => {
            ctx.fillText(percentOf(share), scales.x.getPixelForValue(milliseconds) + 8, scales.y.getPixelForValue(i));
          });
          ctx.restore();
        },
      },
    ],
  });

  const paint = (): void => {
    const style = getComputedStyle(document.documentElement);
    for (const name of Object.keys(palette) as (keyof typeof palette)[]) palette[name] = style.getPropertyValue(`--${name}`).trim();
    (chart.options.scales!.x as { title: { color: string } }).title.color = palette.quiet;
    chart.update('none');
  };
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paint);

  function select(row: number, segment: number): void {
    if (isSelected(row, segment)) return;
    selected = { row, segment };
    onSelect(rows[row].segments[segment]);
    chart.update('none');
  }

  canvas.addEventListener('keydown', (event) => {
    const { row, segment } = selected ?? { row: 0, segment: 0 };
    const last = rows.length > 0 ? rows[row].segments.length - 1 : 0;
    const moves: Record<string, readonly [row: number, segment: number]> = {
      ArrowRight: [row, Math.min(segment + 1, last)],
      ArrowLeft: [row, Math.max(segment - 1, 0)],
      ArrowDown: row < rows.length - 1 ? [row + 1, 0] : [row, segment],
      ArrowUp: row > 0 ? [row - 1, 0] : [row, segment],
    };
    const move = moves[event.key] as readonly [number, number] | undefined;
    if (!move || rows.length === 0) return;
    event.preventDefault(); // the page stays where it is
    select(...move);
  });

  return {
    show(shown) {
      rows = shown;
      selected = undefined;
      plot.style.setProperty('--rows', String(rows.length));
      chart.data.labels = rows.map(({ layer }) => layer);
      // The longest bar takes the whole width.
      chart.options.scales!.x!.max = Math.max(1e-6, ...rows.map(({ milliseconds }) => milliseconds));
      const most = Math.max(0, ...rows.map(({ segments }) => segments.length));
      chart.data.datasets = Array.from({ length: most }, (_, segment) => ({
        data: rows.map(({ segments }) => (segment < segments.length ? segments[segment].milliseconds : null)),
        backgroundColor: ({ dataIndex }: { dataIndex: number }) => shade(dataIndex, segment),
        hoverBackgroundColor: ({ dataIndex }: { dataIndex: number }) => shade(dataIndex, segment),
        borderColor: ({ dataIndex }: { dataIndex: number }) => (isSelected(dataIndex, segment) ? palette.ink : palette.card),
        borderWidth: ({ dataIndex }: { dataIndex: number }) => (isSelected(dataIndex, segment) ? 2 : 1),
        borderRadius: 4,
        borderSkipped: false as const,
        barThickness: 22,
      }));
      paint();
      if (rows.length > 0) {
        const longest = rows.reduce(
          (best, { segments }, i) => (segments[0].milliseconds > rows[best].segments[0].milliseconds ? i : best),
          0,
        );
        select(longest, 0);
      }
    },
  };
}
