// The memory of a model that is not needed any more: weights, states of the optimizers, compiled programs.
import { OmbreError } from '../core/errors.ts';
import { exclusive, release } from './core.ts';
import type { Model } from './model.ts';

/**
 * Frees weights, optimizer states and programs of a model now. Waiting for the garbage collector would keep them too long. Layers whose cell of
 * variables has a number below `fromCell` keep their weights: they were made earlier, and other models may use them. The other layers are not
 * built afterwards, so the model could be trained again from its first weights.
 * @throws OmbreError during a fit.
 */
export async function freeModel({ core }: Model, fromCell = 0): Promise<void> {
  if (core.fitting) throw new OmbreError('freeModel: the model is being trained; await the fit first');
  await exclusive(core, async () => {
    (core.trainingSteps ?? core.steps)?.free();
    core.steps = core.trainingSteps = undefined;
    for (const record of Object.values(core.optimizers)) {
      release([record.state, record.aside]);
      record.state = undefined;
      record.aside = {};
      record.calls = 0;
    }
    release(core.lossScale);
    core.lossScale = core.inputs = core.progress = undefined;
    for (const { layer } of core.network.owners) {
      const cell = layer.variables;
      if (cell.number < fromCell) continue;
      release(cell.value);
      cell.value = cell.inputShape = undefined;
    }
  });
}
