// Options of exportStandalone(), and the files that they name.
import { ArgumentError } from '../core/errors.ts';
import { checkedLater, either, listOf, oneOf, positiveInteger, text } from '../core/optionKinds.ts';
import { type OptionsOf, type SettingsOf, declareOptions, optional } from '../core/options.ts';
import type { FileTarget } from '../formats/places.ts';
import type { ExportInputs } from '../inference/index.ts';

export const where = 'exportStandalone';

export const exportStandaloneOptions = declareOptions('exportStandalone', {
  /** Number of samples in a run, or a list of the numbers that runs may have. Each number is a program of its own. @default 1 */
  batchSize: optional(either(positiveInteger, listOf(positiveInteger, 'numbers of samples', 1))),
  /** 'inline' puts the weights into the module as base64. 'separate' writes them to a file beside it. @default 'inline' */
  weights: optional(oneOf('inline', 'separate'), 'inline'),
  /**
   * Kind of kernels. 'gpu' is for graphics cards and runs everywhere. 'cpu' is for WebGPU that a processor computes, and uses no memory of
   * workgroups. @default 'gpu'
   */
  processor: optional(oneOf('gpu', 'cpu'), 'gpu'),
  /** File of the module: a path in Node, a name such as `download://model.js` in a page, a file handle, or a function of the bytes. */
  target: optional(checkedLater<FileTarget>('a path, a file handle or a function of the bytes')),
  /** File of separate weights. @default the target with the ending `.bin`, if it is a text */
  weightsTarget: optional(checkedLater<FileTarget>('a path, a file handle or a function of the bytes')),
  /**
   * Shapes and dtypes of a function's arguments: a list, or a record for a function of one record. 'batch' as the first size is
   * batchSize. Models know theirs.
   */
  inputs: optional(checkedLater<ExportInputs>('a list or record of { shape, dtype }')),
  /** Name of the model in errors. @default 'model' */
  name: optional(text, 'model'),
});
export type ExportStandaloneOptions = OptionsOf<typeof exportStandaloneOptions>;
export type Settings = SettingsOf<typeof exportStandaloneOptions>;

/** Files to write, and the name of the weights as the module refers to them. */
export interface ExportFiles {
  readonly module: FileTarget | undefined;
  readonly weights: FileTarget | undefined;
  readonly weightsName: string;
}

/** @throws ArgumentError for separate weights without a file, and for a file of weights that are inline. */
export function filesOf({ weights, target, weightsTarget }: Settings): ExportFiles {
  if (weights === 'inline') {
    if (weightsTarget !== undefined)
      throw new ArgumentError(`${where}: weightsTarget goes with { weights: 'separate' }; inline weights have no file`);
    return { module: target, weights: undefined, weightsName: '' };
  }
  const file = weightsTarget ?? (typeof target === 'string' ? `${target.replace(/\.[cm]?js$/, '')}.bin` : undefined);
  if (file === undefined) {
    throw new ArgumentError(`${where}: { weights: 'separate' } needs a file for them: pass weightsTarget, or a text as target`);
  }
  const given = typeof file === 'string' ? file.replace(/^.*[\\/]/, '') : (file as { readonly name?: unknown }).name;
  const name = typeof file !== 'function' && typeof given === 'string' && given !== '' ? given : 'model.bin';
  return { module: target, weights: file, weightsName: name };
}
