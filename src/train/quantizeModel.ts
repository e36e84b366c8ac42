// Packing of all kernels of a model as int8, and the refusal to train such a model.
import { OmbreError } from '../core/errors.ts';
import { evaluate } from '../engine/index.ts';
import { tensorsIn } from '../graph/tensor.ts';
import type { Network } from '../nn/index.ts';
import { type ModelCore, builtWeights, exclusive, prepareSteps, release } from './core.ts';

/** Packs the kernels, and computes them at once: the memory of the float kernels is given back. */
export async function quantizeModel(core: ModelCore, mode: 'int8'): Promise<void> {
  const floats = tensorsIn(builtWeights(core, 'quantize'));
  core.network.root.quantize(mode);
  const { engine } = await prepareSteps(core);
  await exclusive(core, async () => {
    core.weights = await evaluate(core.weights!, { engine });
    const kept = new Set(tensorsIn(core.weights));
    release(floats.filter((tensor) => !kept.has(tensor)));
  });
}

/** Paths of the layers whose kernels are packed. */
export const quantizedLayers = ({ owners }: Network): string[] => owners.flatMap(({ name, layer }) => (layer.isQuantized ? [name] : []));

/** @throws OmbreError naming the layers whose kernels are packed. */
export function requireFloats({ network }: ModelCore, where: string): void {
  const packed = quantizedLayers(network);
  if (packed.length === 0) return;
  throw new OmbreError(
    `${where}: the kernels of ${packed.join(', ')} are quantized, and cannot be trained; train the float model, and quantize it afterwards`,
  );
}
