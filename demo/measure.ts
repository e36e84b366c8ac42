// The page that measures a GPU: a list of figures, and a file with them that the user can save and send.
import { type DeviceInfo, deviceInfo, setDevice } from 'ombre';
import { openDevice } from '../src/runtime/webgpu/device.ts';
import { type Figure, type Sizes, measureGpu, sizesByName } from './measurements.ts';

const byId = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;

const start = byId<HTMLButtonElement>('start');
const status = byId('status');
const table = byId<HTMLTableElement>('figures');
const rows = byId<HTMLTableSectionElement>('rows');
const save = byId<HTMLAnchorElement>('save');

function report(state: 'idle' | 'running' | 'done' | 'failed', text: string): void {
  status.dataset.state = state;
  status.textContent = text;
}

function addRow({ section, name, kernel, milliseconds, rate, unit }: Figure): void {
  const row = rows.insertRow();
  const time = milliseconds >= 1 ? milliseconds.toFixed(2) : milliseconds.toPrecision(2);
  for (const text of [section, name, kernel ?? '', `${time} ms`, `${rate >= 100 ? rate.toFixed(0) : rate.toPrecision(3)} ${unit}`]) {
    row.insertCell().textContent = text;
  }
  table.hidden = false;
}

/** Content of the file. */
interface Measured {
  readonly date: string;
  readonly browser: string;
  readonly device: DeviceInfo;
  /** `waiting`: the host's clock, on a device without timestamps. */
  readonly clock: 'timestamps' | 'waiting';
  readonly sizes: Sizes;
  readonly seconds: number;
  readonly figures: readonly Figure[];
}

/** Offers the result as a file. */
function offer(result: Measured): void {
  if (save.href) URL.revokeObjectURL(save.href);
  save.href = URL.createObjectURL(new Blob([`${JSON.stringify(result, undefined, 2)}\n`], { type: 'application/json' }));
  save.download = `ombre-gpu-${result.device.vendor || 'unknown'}-${result.date.slice(0, 10)}.json`;
  save.hidden = false;
}

async function measure(): Promise<void> {
  start.disabled = true;
  save.hidden = true;
  rows.replaceChildren();
  report('running', 'Opening the GPU…');
  let device: GPUDevice | undefined;
  try {
    const opened = await openDevice();
    ({ device } = opened);
    await setDevice('webgpu', { tuning: false });
    const sizes = sizesByName[new URLSearchParams(location.search).get('size') === 'tiny' ? 'tiny' : 'short'];
    const figures: Figure[] = [];
    const began = performance.now();
    for await (const figure of measureGpu(device, opened.target, sizes)) {
      figures.push(figure);
      addRow(figure);
      report('running', `Measuring: ${figures.length} figures so far. Leave this page in the foreground.`);
    }
    const seconds = (performance.now() - began) / 1000;
    const clock = device.features.has('timestamp-query') ? 'timestamps' : 'waiting';
    offer({ date: new Date().toISOString(), browser: navigator.userAgent, device: deviceInfo(), clock, sizes, seconds, figures });
    report('done', `${figures.length} figures in ${seconds.toFixed(0)} s. Save the file, and send it if you like.`);
  } catch (error) {
    report('failed', error instanceof Error ? error.message : String(error));
  } finally {
    device?.destroy();
    start.disabled = false;
  }
}

start.addEventListener('click', () => void measure());
report('idle', 'Nothing is measured yet.');
