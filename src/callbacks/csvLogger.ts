// The values of each epoch as lines of CSV.
import type { Configured } from '../core/config.ts';
import { callable, text } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required, withConfig } from '../core/options.ts';
import type { Callback, FitInfo, MaybeAsync } from './callback.ts';

/** Takes a line with its line end. */
export type LineWriter = (line: string) => MaybeAsync;

export const csvLoggerOptions = declareOptions('callbacks.csvLogger', {
  /** Takes each line, with its line end: `(line) => appendFile('log.csv', line)`. */
  write: required(callable<LineWriter>(), (_line: string) => undefined),
  /** Text between two values. @default ',' */
  separator: optional(text, ','),
});
export type CsvLoggerOptions = OptionsOf<typeof csvLoggerOptions>;

/**
 * Writes the values of each epoch as a line of CSV, after a line of names. A value that an epoch does not have is empty.
 *
 *     callbacks.csvLogger({ write: (line) => appendFile('log.csv', line) })       // from node:fs/promises
 */
export function csvLogger(options: CsvLoggerOptions): Configured<Callback> {
  const settings = csvLoggerOptions.read(options);
  const { write, separator } = settings;
  const quoted = (value: string): string =>
    /["\n\r]/.test(value) || value.includes(separator) ? `"${value.replaceAll('"', '""')}"` : value;
  const line = (values: readonly string[]): string => `${values.map(quoted).join(separator)}\n`;
  let names: FitInfo['metrics'] = [];
  const callback: Callback = {
    onTrainBegin(info) {
      names = info.metrics;
      // A fit with an initialEpoch above 0 adds lines to the same file.
      return info.initialEpoch === 0 ? write(line(['epoch', ...names])) : undefined;
    },
    onEpochEnd: (epoch, logs) => write(line([String(epoch), ...names.map((name) => (name in logs ? String(logs[name]) : ''))])),
  };
  return withConfig(callback, csvLoggerOptions, settings);
}
