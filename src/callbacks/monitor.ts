// Watching a value of the logs.
import { ArgumentError } from '../core/errors.ts';
import type { FitInfo } from './callback.ts';

/** @throws ArgumentError if no value of that name will exist. */
export function requireMonitor(where: string, monitor: string, { metrics }: Pick<FitInfo, 'metrics'>): void {
  if (metrics.includes(monitor)) return;
  const fix = monitor.startsWith('val_') ? '; pass validationData or validationSplit to fit, or choose another' : '';
  throw new ArgumentError(`${where}: monitor '${monitor}' is none of the values ${metrics.join(', ')}${fix}`);
}
