// Looking at compiled programs: trace() logs them, lastProgram() returns the last one that ran.
import type { Program } from '../compiler/index.ts';
import { ArgumentError } from '../core/errors.ts';
import { type LogLevel, logLevels, setLogLevel } from '../runtime/logging.ts';

export type TraceLevel = LogLevel;

/**
 * Logs each program to the console when it is compiled. 'graph' logs the simplified graph, 'kernels' also the dispatches and the memory, 'wgsl' also
 * the generated WGSL. 'off' ends it.
 *
 *     trace('kernels');
 */
export function trace(level: TraceLevel): void {
  if (!logLevels.includes(level)) throw new ArgumentError(`trace: unknown level '${level}'; use 'graph', 'kernels', 'wgsl' or 'off'`);
  setLogLevel(level);
}

let last: Program | undefined;

export function noteProgram(program: Program | undefined): void {
  if (program) last = program;
}

/** The program that ran most recently on a GPU, as plain data. Undefined before the first run; the CPU interprets graphs and has no programs. */
export const lastProgram = (): Program | undefined => last;
