// Files of the model at the ends of epochs.
import type { Configured } from '../core/config.ts';
import { ArgumentError } from '../core/errors.ts';
import { boolean, callable, either, number, oneOf, positiveInteger, text } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required, withConfig } from '../core/options.ts';
import type { FileTarget } from '../formats/places.ts';
import type { Callback, Logs, TrainedModel } from './callback.ts';
import { signOf } from './direction.ts';
import { requireMonitor } from './monitor.ts';

/** The file of an epoch, which counts from 0. */
export type CheckpointTarget = (epoch: number, logs: Logs) => FileTarget;

export const modelCheckpointOptions = declareOptions('callbacks.modelCheckpoint', {
  /**
   * The file: a path in Node, in which `{epoch}` is the number of finished epochs and `{val_loss}` or `{val_loss:.2f}` a value of the epoch. Or a
   * function of the epoch and its values, which returns a path, a file handle or a function of the bytes.
   */
  filepath: required(either(text, callable<CheckpointTarget>()), 'model.safetensors'),
  /** Name of the watched value. @default 'val_loss' */
  monitor: optional(text, 'val_loss'),
  /** Writes only epochs that improve the watched value. @default false */
  saveBestOnly: optional(boolean, false),
  /**
   * Writes the weights without layers, options of compile() and optimizers' state. A fit cannot resume exactly from such a file. Layers and losses
   * of your own that are not registered need it. @default false
   */
  saveWeightsOnly: optional(boolean, false),
  /** Whether smaller or larger is better. 'auto' takes the direction that the metric states; losses are minimised. @default 'auto' */
  mode: optional(oneOf('auto', 'min', 'max'), 'auto'),
  /** Number of epochs from one file to the next. @default 1 */
  saveFreq: optional(positiveInteger, 1),
  /** Value that must be improved on before the first file, with saveBestOnly. */
  initialValueThreshold: optional(number()),
});
export type ModelCheckpointOptions = OptionsOf<typeof modelCheckpointOptions>;

/** The path of a template. @throws ArgumentError for a name that the epoch has no value of. */
function pathOf(template: string, epoch: number, logs: Logs): string {
  return template.replaceAll(/\{(\w+)(?::\.(\d+)f)?\}/g, (_, name: string, digits: string | undefined) => {
    if (name === 'epoch') return String(epoch + 1);
    if (!Object.hasOwn(logs, name)) {
      const known = ['epoch', ...Object.keys(logs)].join(', ');
      throw new ArgumentError(`callbacks.modelCheckpoint: filepath '${template}' names '${name}'; epoch ${epoch + 1} has ${known}`);
    }
    return digits === undefined ? String(logs[name]) : logs[name].toFixed(Number(digits));
  });
}

/** @throws ArgumentError of model.save. For values without a config it names the option that needs none. */
async function saveWhole(model: TrainedModel, target: FileTarget): Promise<void> {
  try {
    await model.save(target);
  } catch (error) {
    if (!(error instanceof ArgumentError && error.message.includes('register'))) throw error;
    const message = `callbacks.modelCheckpoint: ${error.message}; or pass { saveWeightsOnly: true }, which writes the weights`;
    throw new ArgumentError(message, { cause: error });
  }
}

/**
 * Writes the whole model as a safetensors file after epochs, as `model.save` does, like Keras's ModelCheckpoint. `loadModel` makes the model again, and
 * `model.loadWeights` reads the weights and the optimizers' state. A fit with `initialEpoch` and the same seed then goes on with the same bits.
 *
 *     callbacks.modelCheckpoint({ filepath: 'best.safetensors', saveBestOnly: true })
 *     callbacks.modelCheckpoint({ filepath: 'epoch-{epoch}-{val_loss:.3f}.safetensors', saveFreq: 5 })
 *
 * @throws ArgumentError at the first file, for layers, losses and functions of your own that `register` does not know: pass saveWeightsOnly.
 * ArgumentError at the start of fit, with saveBestOnly, if no value of that name will exist, or if its direction is unknown.
 */
export function modelCheckpoint(options: ModelCheckpointOptions): Configured<Callback> {
  const settings = modelCheckpointOptions.read(options);
  const { filepath, monitor, saveBestOnly, saveWeightsOnly, mode, saveFreq, initialValueThreshold } = settings;
  let model: TrainedModel;
  let sign: 1 | -1;
  let best: number;
  let waited = 0;
  const callback: Callback = {
    onTrainBegin(info) {
      ({ model } = info);
      waited = 0;
      if (!saveBestOnly) return;
      requireMonitor('callbacks.modelCheckpoint', monitor, info);
      sign = signOf('callbacks.modelCheckpoint', monitor, mode, info);
      best = initialValueThreshold ?? -sign * Infinity;
    },
    async onEpochEnd(epoch, logs) {
      waited++;
      if (waited < saveFreq) return;
      if (saveBestOnly) {
        // Epochs without validation have no validation values. NaN is no improvement.
        if (!(monitor in logs) || !(sign * (logs[monitor] - best) > 0)) return;
        best = logs[monitor];
      }
      waited = 0;
      const target = typeof filepath === 'string' ? pathOf(filepath, epoch, logs) : filepath(epoch, logs);
      if (saveWeightsOnly) await model.saveWeights(target, { optimizer: false });
      else await saveWhole(model, target);
    },
  };
  return withConfig(callback, modelCheckpointOptions, settings);
}
