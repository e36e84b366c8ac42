// Packs the kernels of a layer and of all layers inside it.
import { ArgumentError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';
import type { Layer } from './layer.ts';
import { layersInside, requireIdle } from './lora.ts';

/** @throws ArgumentError, before anything changes, for another mode and for layers that cannot be packed now. */
export function quantize(root: Layer, mode: 'int8'): void {
  const where = `${root.name ?? root.kind}.quantize`;
  if ((mode as unknown) !== 'int8') throw new ArgumentError(`${where}: mode is ${shown(mode)}; it must be 'int8'`);
  const targets = layersInside(root).filter(({ layer }) => layer.scaleAxes);
  if (targets.length === 0) {
    throw new ArgumentError(`${where}: no kernel here can be quantized; dense, einsumDense, embedding and attention layers have some`);
  }
  for (const { path, layer } of targets) {
    const refuse = (rule: string): never => {
      throw new ArgumentError(`${where}: '${path}' ${rule}`);
    };
    if (layer.isQuantized) refuse('is quantized');
    if (layer.lora) refuse('has LoRA; call mergeLora() first');
    if (!layer.variables.value) refuse('has no weights; give the first layer an inputShape, or call fit or predict first');
  }
  requireIdle(where, targets);
  for (const { layer } of targets) layer.packKernels();
}
