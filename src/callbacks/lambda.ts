import { ArgumentError, checkOptions } from '../core/errors.ts';
import { type Callback, callbackHooks } from './callback.ts';

/**
 * A callback of plain functions.
 *
 *     callbacks.lambda({ onEpochEnd: (epoch, logs) => console.log(epoch, logs.loss) })
 *
 * @throws ArgumentError for a hook that does not exist or is not a function.
 */
export function lambda(hooks: Callback): Callback {
  checkOptions('callbacks.lambda', hooks, callbackHooks);
  for (const [name, hook] of Object.entries(hooks) as [string, unknown][]) {
    if (hook !== undefined && typeof hook !== 'function')
      throw new ArgumentError(`callbacks.lambda: ${name} is ${typeof hook}; it must be a function`);
  }
  return { ...hooks };
}
