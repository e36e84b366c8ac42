// Shows the progress of fit on a line of text.
import type { Configured } from '../core/config.ts';
import { boolean, callable, objectWith } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, withConfig } from '../core/options.ts';
import type { Callback, FitInfo, Logs } from './callback.ts';

/** Progress of fit, for a page's own bar and chart. */
export interface ProgressInfo {
  /** From 0. */
  readonly epoch: number;
  readonly epochs: number;
  /** Batches and samples of this epoch done so far, and all of them if their number is known. */
  readonly batch: number;
  readonly batches: number | undefined;
  readonly samples: number;
  readonly totalSamples: number | undefined;
  /** Of the current epoch. */
  readonly samplesPerSecond: number;
  /** Until the end of the last epoch, without validation. Undefined until it can be estimated. */
  readonly secondsLeft: number | undefined;
  /** The latest values of loss and metrics, and those of validation after an epoch. */
  readonly logs: Logs;
  /** The epoch is over. */
  readonly done: boolean;
}

/** The stream that lines are written to, such as a terminal's stdout. */
export interface ProgressStream {
  write(text: string): unknown;
  /** True if a line can be rewritten in place. Other streams get one line per epoch. */
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export const progressOptions = declareOptions('callbacks.progress', {
  /** Called about ten times a second, instead of writing a line. */
  onUpdate: optional(callable<(info: ProgressInfo) => void>()),
  /** Stream that the lines are written to. @default standard output if there is one, otherwise the console */
  stream: optional(objectWith<ProgressStream>('a stream with a method write', 'write')),
  /** False writes one line per epoch, without a bar. @default true */
  bar: optional(boolean, true),
});
export type ProgressOptions = OptionsOf<typeof progressOptions>;

const interval = 100;
const barWidth = 24;

/**
 * Shows the progress of fit: a bar, samples a second, the time left, loss and metrics. Writes to the terminal, otherwise to the console.
 *
 *     callbacks.progress({ onUpdate: ({ batch, batches, logs }) => draw(batch / batches, logs.loss) })
 */
export function progress(options: ProgressOptions = {}): Configured<Callback> {
  const settings = progressOptions.read(options);
  const { onUpdate, stream = terminal(), bar } = settings;
  const show = onUpdate ?? lineWriter(stream, bar);
  let fit: FitInfo;
  let epoch = 0;
  let batch = 0;
  let samples = 0;
  /** Samples of the last epoch. The size of a dataset may be unknown until its first epoch ends. */
  let epochSamples: number | undefined;
  let began = 0;
  let lastShown = 0;
  let logs: Logs = {};
  const report = (done: boolean): void => {
    const seconds = fit.activeSeconds() - began;
    const totalSamples = fit.samples ?? epochSamples;
    const left = totalSamples === undefined ? undefined : totalSamples * (fit.epochs - epoch) - samples;
    lastShown = performance.now();
    show({
      epoch,
      epochs: fit.epochs,
      batch,
      batches: fit.batches,
      samples,
      totalSamples,
      samplesPerSecond: seconds > 0 ? samples / seconds : 0,
      secondsLeft: left === undefined || samples === 0 ? undefined : (left * seconds) / samples,
      logs,
      done,
    });
  };
  const callback: Callback = {
    showsProgress: true,
    onTrainBegin(info) {
      fit = info;
    },
    onEpochBegin(number) {
      epoch = number;
      batch = samples = 0;
      logs = {};
      began = fit.activeSeconds();
      report(false);
    },
    onBatchEnd(index, { size, ...rest }) {
      batch = index + 1;
      samples += size;
      logs = rest;
      if (performance.now() - lastShown >= interval) report(false);
    },
    onEpochEnd(_, last) {
      epochSamples = samples;
      logs = last;
      report(true);
    },
  };
  return withConfig(callback, progressOptions, settings);
}

function lineWriter(stream: ProgressStream | undefined, bar: boolean): (info: ProgressInfo) => void {
  const live = bar && stream?.isTTY === true;
  return (info) => {
    if (!live && !info.done) return;
    const line = formatProgress(info, live);
    if (!stream) console.log(line);
    else if (!live) stream.write(`${line}\n`);
    // \r cannot rewrite a line that wraps, so the line is cut. \x1b[K clears the rest of a longer line.
    else stream.write(`\r${info.done ? line : line.slice(0, (stream.columns ?? 120) - 1)}\x1b[K${info.done ? '\n' : ''}`);
  };
}

/** `Epoch 1/3 ███████░░░░░ 12800/60000  9123 samples/s  5s left  loss 0.3421  accuracy 0.9012`. */
export function formatProgress(info: ProgressInfo, bar: boolean): string {
  const { epoch, epochs, samples, totalSamples, samplesPerSecond, secondsLeft, logs, done } = info;
  const parts = [`Epoch ${epoch + 1}/${epochs}`];
  if (bar && totalSamples) {
    const filled = Math.min(barWidth, Math.round((barWidth * samples) / totalSamples));
    parts[0] += ` ${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}`;
  }
  parts[0] += ` ${samples}${totalSamples === undefined ? '' : `/${totalSamples}`}`;
  if (samplesPerSecond > 0) parts.push(`${Math.round(samplesPerSecond)} samples/s`);
  if (!done && secondsLeft !== undefined) parts.push(`${formatSeconds(secondsLeft)} left`);
  for (const [name, value] of Object.entries(logs)) parts.push(`${name} ${formatValue(value)}`);
  return parts.join('  ');
}

/** Four decimals, or an exponent if they would all be 0 or too many. */
function formatValue(value: number): string {
  const size = Math.abs(value);
  return Number.isFinite(value) && size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(3) : value.toFixed(4);
}

function formatSeconds(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m ${whole % 60}s`;
  return `${Math.floor(whole / 3600)}h ${Math.floor((whole % 3600) / 60)}m`;
}

/** Standard output if the environment has one. */
function terminal(): ProgressStream | undefined {
  const { process } = globalThis as { process?: { stdout?: Partial<ProgressStream> } };
  return typeof process?.stdout?.write === 'function' ? (process.stdout as ProgressStream) : undefined;
}
