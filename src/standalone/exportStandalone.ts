// Writes a model or a function as an ES module that runs without the library.
import { toBase64 } from '../core/base64.ts';
import { ArgumentError } from '../core/errors.ts';
import { writeFile } from '../formats/places.ts';
import type { Model } from '../train/index.ts';
import { compileModule } from './compileModule.ts';
import { type ExportStandaloneOptions, exportStandaloneOptions, filesOf, where } from './exportOptions.ts';
import { batchSizesOf, functionOf } from './exportedFunction.ts';
import { moduleText } from './moduleText.ts';

/** Bytes of the largest inline weights. Engines limit the length of a text. */
const maxInlineBytes = 2 ** 28;

/**
 * Writes a model, or a function of tensors, as one ES module for running only: WGSL kernels, weights and a small runtime, and no import. It
 * runs in pages, in workers, and in Node with the package `webgpu`. Returns the text, and also writes it if there is a `target`.
 *
 *     await exportStandalone(model, { target: 'model.js' });
 *
 *     import { load } from './model.js';                    // later, without this library
 *     const model = await load();                            // in Node: load(create([])), with create of 'webgpu'
 *     const { data, shape } = await model.run([[5.1, 3.5, 1.4, 0.2]]);
 *
 * Batch sizes are fixed. Quantized kernels stay int8. Kernels use no optional feature except shader-f16, if the model computes in f16.
 * A function needs `inputs`; functions of compile() are taken too.
 * @throws ArgumentError for a bad option, random numbers in inference, and inline weights above 256 MiB. ShapeError if the model is not built.
 */
export async function exportStandalone(
  target: Model | ((...args: never[]) => unknown),
  options: ExportStandaloneOptions = {},
): Promise<string> {
  const settings = exportStandaloneOptions.read(options);
  const files = filesOf(settings);
  const exported = await functionOf(target, settings);
  const { data, bytes } = await compileModule(exported, batchSizesOf(exported, settings), settings);
  if (settings.weights === 'inline' && bytes.length > maxInlineBytes) {
    throw new ArgumentError(
      `${where}: the weights have ${bytes.length} bytes, more than ${maxInlineBytes} inline; pass { weights: 'separate' }`,
    );
  }
  const code = moduleText(data, settings.weights === 'inline' ? { base64: toBase64(bytes) } : { file: files.weightsName });
  // The module never refers to weights that are not there.
  if (files.weights !== undefined) await writeFile(files.weights, bytes, where);
  if (files.module !== undefined) await writeFile(files.module, new TextEncoder().encode(code), where);
  return code;
}
