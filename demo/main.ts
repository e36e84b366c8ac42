// The page: one state, changed by messages of the trainer and by the user.
import { createChart } from './charts.ts';
import { type Connection, connect } from './connect.ts';
import { createPad } from './pad.ts';
import { type RunEvent, type TrainerEvent, type TrainingConfig, sampleCount } from './protocol.ts';
import { type ModelName, recipes } from './recipes.ts';
import { createSamples, readOutputs } from './samples.ts';
import { SettingsError, createSettings } from './settings.ts';
import { createTimePanel } from './timePanel.ts';

type State = 'starting' | 'idle' | 'loading' | 'training' | 'paused' | 'testing' | 'done' | 'failed';

const byId = <T extends HTMLElement = HTMLElement>(id: string): T => document.getElementById(id) as T;

const badge = document.querySelector<HTMLElement>('.badge')!;
const start = byId<HTMLButtonElement>('start');
const pause = byId<HTMLButtonElement>('pause');
const reset = byId<HTMLButtonElement>('reset');
const status = byId('status');
const pace = byId('pace');
const progress = byId('progress');
const error = byId('error');
const padSample = byId<HTMLButtonElement>('pad-sample');

const percent = (value: number): string => `${(value * 100).toFixed(value < 1 ? 1 : 0)} %`;
const plain = (value: number): string => (value === 0 ? '0' : value < 0.01 ? value.toExponential(0) : String(Number(value.toPrecision(2))));
const shortLoss = (value: number): string => (Number.isFinite(value) ? value.toFixed(4) : String(value));
const count = (value: number): string => Math.round(value).toLocaleString('en');

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

let connection: Connection | undefined;
let state: State = 'starting';
let run = 0;
/** Images per second, from the last message. */
let speed = 0;
let config: TrainingConfig | undefined;
/** The model that answers on the pad: that of the latest run, even if another one is selected since. */
let answering: ModelName | undefined;
let samples: { images: Float32Array; labels: Int32Array } | undefined;

const lossChart = createChart(byId<HTMLCanvasElement>('loss-chart'), plain);
const accuracyChart = createChart(byId<HTMLCanvasElement>('accuracy-chart'), (value) => `${Math.round(value * 1000) / 10} %`, 1);
const grid = createSamples(byId('samples'), byId('samples-score'), sampleCount);
const settings = createSettings(byId<HTMLFormElement>('controls'), (device) => {
  showError();
  connection?.send({ type: 'device', device });
});

// One request at a time. While the model computes, only the latest drawing is kept.
let asked = 0;
let waiting = false;
let stale = false;
const pad = createPad(byId<HTMLCanvasElement>('pad'), ask);
function ask(): void {
  const pixels = pad.pixels();
  if (!pixels || !answering) return pad.show(undefined);
  if (waiting) {
    stale = true;
    return;
  }
  waiting = true;
  connection?.send({ type: 'recognise', id: ++asked, pixels });
}

const times = createTimePanel(() => {
  // The model of the run, else the one that the settings describe.
  const about = isBusy(state) && config ? config : readSettings();
  if (about) connection?.send({ type: 'profile', config: about });
  return about !== undefined;
});

const isBusy = (of: State): boolean => of === 'loading' || of === 'training' || of === 'paused' || of === 'testing';

function setState(next: State, text: string): void {
  state = next;
  const busy = isBusy(next);
  status.textContent = text;
  status.dataset.state = next;
  start.disabled = busy || next === 'starting';
  // Every start begins with new weights.
  start.textContent = next === 'done' || next === 'failed' ? 'Train again' : 'Start';
  pause.disabled = next !== 'training' && next !== 'paused';
  pause.textContent = next === 'paused' ? 'Resume' : 'Pause';
  reset.disabled = next === 'idle' || next === 'starting';
  settings.setEnabled(!busy);
  times.setEnabled(next !== 'starting' && next !== 'loading');
}

/** Images per second, with the remaining time only while a run is active. */
function showPace(imagesPerSecond: number, secondsLeft?: number): void {
  pace.textContent = `${count(imagesPerSecond)} images/s${secondsLeft === undefined ? '' : `, ${duration(secondsLeft)} left`}`;
}

function showError(message?: string): void {
  error.hidden = message === undefined;
  error.textContent = message ?? '';
}

function setProgress(share: number): void {
  const done = `${(share * 100).toFixed(1)}`;
  progress.style.setProperty('--done', `${done}%`);
  progress.setAttribute('aria-valuenow', done);
}

function setFigure(id: string, value: number | undefined, format: (value: number) => string): void {
  const element = byId(id);
  element.textContent = value === undefined ? '–' : format(value);
  element.dataset.value = value === undefined ? '' : String(value);
}

const tooLarge = (loss: number): string => `The loss became ${loss}: the steps were too large. Use a smaller learning rate.`;

function clear(): void {
  showError();
  setProgress(0);
  pace.textContent = '';
  speed = 0;
  setFigure('loss-value', undefined, shortLoss);
  for (const id of ['accuracy-value', 'validation-value', 'test-value']) setFigure(id, undefined, percent);
  const epochs = config?.epochs ?? 3;
  lossChart.clear(epochs);
  accuracyChart.clear(epochs);
  grid.clear();
  answering = undefined;
  waiting = false;
  pad.show(undefined);
}

/** Returns the settings, or shows the error of an invalid one. */
function readSettings(): TrainingConfig | undefined {
  try {
    return settings.read();
  } catch (problem) {
    if (!(problem instanceof SettingsError)) throw problem;
    showError(problem.message);
    problem.field.focus();
    return undefined;
  }
}

byId<HTMLFormElement>('controls').addEventListener('submit', (event) => {
  event.preventDefault();
  if (start.disabled) return;
  const chosen = readSettings();
  if (!chosen) return;
  config = chosen;
  clear();
  setState('loading', 'Loading MNIST');
  // On a phone the run is below the settings.
  byId('run').scrollIntoView({ block: 'nearest' });
  connection?.send({ type: 'start', run: ++run, config, dataUrl: new URL('mnist-data/', document.baseURI).href });
});

pause.addEventListener('click', () => {
  connection?.send({ type: state === 'paused' ? 'resume' : 'pause' });
  if (state === 'paused') setState('training', 'Training');
  else setState('paused', 'Paused');
  // A paused run has no remaining time.
  if (speed > 0) showPace(speed);
});

reset.addEventListener('click', () => {
  run++;
  connection?.send({ type: 'reset' });
  clear();
  setState('idle', 'Ready');
  start.focus();
});

padSample.addEventListener('click', () => {
  if (!samples) return;
  const i = Math.floor(Math.random() * samples.labels.length);
  pad.place(samples.images.subarray(i * 784, (i + 1) * 784));
});

/** Loss and accuracy arrive a few times a second, steps more often. A value is drawn once. */
function addTraining(epochs: number, loss: number | undefined, accuracy: number | undefined): void {
  if (loss === undefined || accuracy === undefined || byId('loss-value').dataset.value === String(loss)) return;
  setFigure('loss-value', loss, shortLoss);
  setFigure('accuracy-value', accuracy, percent);
  lossChart.addTraining(epochs, loss);
  accuracyChart.addTraining(epochs, accuracy);
}

function onEvent(event: TrainerEvent): void {
  switch (event.type) {
    case 'ready':
      return;
    case 'device':
      badge.dataset.kind = event.kind;
      byId('device-name').textContent = event.name;
      return;
    case 'problem':
      waiting = false;
      if (badge.dataset.kind === 'none') byId('device-name').textContent = 'No device';
      return showError(event.message);
    case 'samples':
      samples = event;
      padSample.disabled = false;
      return grid.show(event.images, event.labels);
    case 'recognised':
      if (event.id !== asked || !answering) return;
      waiting = false;
      pad.show(readOutputs(recipes[answering].output, event.outputs));
      if (stale) ask();
      stale = false;
      return;
    case 'profiled':
      return times.show(event.report);
    case 'profileFailed':
      return times.fail(event.message);
    case 'run':
      if (event.run === run && config) onRunEvent(event.event, config);
      return;
    default:
      event satisfies never;
  }
}

function onRunEvent(event: RunEvent, { model, epochs }: TrainingConfig): void {
  switch (event.type) {
    case 'loading':
      if (event.totalBytes > 0) {
        const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
        status.textContent = `Loading MNIST, ${megabytes(event.loadedBytes)} of ${megabytes(event.totalBytes)} MB`;
      }
      return;
    case 'training':
      setState('training', 'Training');
      pace.textContent = `${count(event.parameters)} parameters, ${count(event.images)} images`;
      return;
    case 'batch': {
      answering = model;
      const position = event.epoch - 1 + event.step / event.steps;
      if (state === 'training') {
        // The first step is traced and compiled before it runs.
        status.textContent =
          position === 0 ? 'Compiling the step' : `Epoch ${event.epoch} of ${epochs}, step ${event.step} of ${event.steps}`;
      }
      speed = event.imagesPerSecond;
      if (speed > 0) showPace(speed, state === 'training' ? event.secondsLeft : undefined);
      else pace.textContent = '';
      setProgress(position / epochs);
      addTraining(position, event.loss, event.accuracy);
      return;
    }
    case 'epoch':
      answering = model;
      setProgress(event.epoch / epochs);
      addTraining(event.epoch, event.loss, event.accuracy);
      setFigure('validation-value', event.validationAccuracy, percent);
      lossChart.addValidation(event.epoch, event.validationLoss);
      accuracyChart.addValidation(event.epoch, event.validationAccuracy);
      return;
    case 'predictions':
      grid.predict(recipes[model].output, event.outputs);
      return ask();
    case 'testing':
      if (speed > 0) showPace(speed);
      return setState('testing', 'Testing on 10,000 images');
    case 'finished':
      setProgress(1);
      setFigure('test-value', event.accuracy, percent);
      byId('test-value').dataset.loss = String(event.loss);
      setState('done', `Done in ${event.seconds.toFixed(1)} s`);
      showPace(event.imagesPerSecond);
      if (!Number.isFinite(event.loss)) showError(tooLarge(event.loss));
      return;
    case 'diverged':
      setFigure('loss-value', event.loss, shortLoss);
      pace.textContent = '';
      setState('failed', `Stopped in epoch ${event.epoch} of ${epochs}`);
      showError(tooLarge(event.loss));
      return;
    case 'failed':
      showError(event.message);
      setState('failed', 'Stopped by an error');
      pace.textContent = '';
      return;
    default:
      event satisfies never;
  }
}

clear();
setState('starting', 'Starting');
connect(onEvent)
  .then((opened) => {
    connection = opened;
    opened.send({ type: 'device', device: settings.device });
    setState('idle', 'Ready');
  })
  .catch((problem: unknown) => {
    byId('device-name').textContent = 'No device';
    setState('starting', 'Cannot train here');
    showError(problem instanceof Error ? problem.message : String(problem));
  });
