// The panel 'Where the time goes': a button, a chart of layers and kernels, a description of one kernel, and a table of all.
import type { ProfileReport } from './protocol.ts';
import { recipes } from './recipes.ts';
import { type Row, type Segment, createTimeChart, percentOf, rowsOf } from './timeChart.ts';

export interface TimePanel {
  show(report: ProfileReport): void;
  fail(message: string): void;
  /** Whether there is a device to time with. */
  setEnabled(enabled: boolean): void;
}

const byId = <T extends HTMLElement = HTMLElement>(id: string): T => document.getElementById(id) as T;

const inMilliseconds = (value: number): string => (value < 0.01 ? '< 0.01' : value < 10 ? value.toFixed(2) : value.toFixed(1));

/** `2 mul + matmul (matmul_direct)`: repeated ops are named once, with their count. */
function inWords({ ops, part }: Segment): string {
  const counts = new Map<string, number>();
  for (const op of ops) counts.set(op, (counts.get(op) ?? 0) + 1);
  return [...counts].map(([op, n]) => (n > 1 ? `${n} ${op}` : op)).join(' + ') + (part ? ` (${part})` : '');
}

/** Short notes on the clock. The library's own note has the rest. */
function aboutClock({ clock, resolution, steps }: ProfileReport): string {
  const over = `Means over ${steps} steps of a copy of the model`;
  if (clock === 'host') return `${over}, op by op, on the CPU: nothing is fused there.`;
  if (clock === 'waiting') return `${over}. This device has no timestamps: each kernel was waited for, so short ones come out too long.`;
  const coarse = resolution !== undefined && resolution >= 0.01;
  return `${over}, by the GPU's timestamps${coarse ? `, which this browser rounds to ${(resolution * 1000).toFixed(0)} µs: short kernels are uncertain` : ''}.`;
}

/** `onAsk` is called when the user requests times. It returns false if timing is not possible now. */
export function createTimePanel(onAsk: () => boolean): TimePanel {
  const button = byId<HTMLButtonElement>('profile');
  const figure = byId('time-figure');
  const details = byId('time-kernels');
  const detail = byId('time-detail');
  const note = byId('time-note');
  const label = button.textContent;
  let enabled = false;
  let waiting = false;

  const tell = (segment: Segment): void => {
    const { layer, count, milliseconds, share } = segment;
    const times = count > 1.05 ? `, ${Number(count.toFixed(1))} times a step` : '';
    const strong = document.createElement('b');
    strong.textContent = layer;
    detail.replaceChildren(
      strong,
      ` · ${inMilliseconds(milliseconds)} ms a step, ${percentOf(share)}${times}. One kernel: ${inWords(segment)}`,
    );
    detail.dataset.layer = layer;
  };
  // Made at first use, because most users only train.
  let chart: ReturnType<typeof createTimeChart> | undefined;

  const update = (): void => {
    button.disabled = !enabled || waiting;
    button.textContent = waiting ? 'Timing…' : label;
  };
  const finish = (): void => {
    waiting = false;
    update();
  };
  button.addEventListener('click', () => {
    if (!onAsk()) return;
    waiting = true;
    update();
  });

  const fill = (rows: readonly Row[]): void => {
    const kernels = rows.flatMap(({ segments }) => segments).toSorted((a, b) => b.milliseconds - a.milliseconds);
    details.querySelector('tbody')!.replaceChildren(
      ...kernels.map((kernel) => {
        const { layer, count, milliseconds, share } = kernel;
        const row = document.createElement('tr');
        for (const text of [layer, inWords(kernel), String(Number(count.toFixed(1))), inMilliseconds(milliseconds), percentOf(share)]) {
          row.insertCell().textContent = text;
        }
        return row;
      }),
    );
  };

  return {
    show(report) {
      finish();
      const rows = rowsOf(report);
      figure.hidden = details.hidden = false;
      chart ??= createTimeChart(byId<HTMLCanvasElement>('time-chart'), tell);
      chart.show(rows);
      fill(rows);
      figure.dataset.rows = rows.map(({ layer }) => layer).join(' ');
      const { steps, milliseconds, kernels, model, batchSize } = report;
      byId('time-summary').textContent =
        `${recipes[model].title}, batch of ${batchSize}: ${inMilliseconds(milliseconds / steps)} ms a step, ${kernels.length} kernels`;
      note.textContent = aboutClock(report);
    },
    fail(message) {
      finish();
      note.textContent = `The steps could not be timed: ${message}`;
    },
    setEnabled(value) {
      enabled = value;
      update();
    },
  };
}
