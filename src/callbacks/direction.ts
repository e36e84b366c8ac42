// The direction in which a watched value improves.
import { ArgumentError } from '../core/errors.ts';
import type { FitInfo } from './callback.ts';

/**
 * 1 if larger values of `monitor` are better, -1 if smaller ones are. Mode 'auto' takes what the metric states; a loss is minimised.
 * @throws ArgumentError in mode 'auto' for a value whose direction is unknown.
 */
export function signOf(where: string, monitor: string, mode: 'auto' | 'min' | 'max', { directions }: Pick<FitInfo, 'directions'>): 1 | -1 {
  const direction = mode === 'auto' ? (Object.hasOwn(directions, monitor) ? directions[monitor] : undefined) : mode;
  if (direction !== undefined) return direction === 'max' ? 1 : -1;
  throw new ArgumentError(
    `${where}: mode is 'auto', but '${monitor}' does not state whether larger is better; pass mode: 'max' or mode: 'min', ` +
      "or give the metric a direction: 'max' or 'min'",
  );
}
