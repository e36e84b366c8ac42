// Weights that other libraries have no form of.
import { ArgumentError } from '../core/errors.ts';
import type { Layer } from '../nn/index.ts';

/** @throws ArgumentError for a layer with LoRA or packed kernels. `where` names the function and the layer. */
export function requirePlainWeights(layer: Layer, where: string): void {
  if (layer.lora) throw new ArgumentError(`${where}: has LoRA, of which the other library has no weights; call mergeLora() first`);
  if (layer.isQuantized) {
    throw new ArgumentError(`${where}: is quantized, and the other library needs the floats; use the model as it was before quantize()`);
  }
}
