// A copy of everything that training changes in a model, and the way back.
import { OmbreError } from '../core/errors.ts';
import { mapTree } from '../core/tree.ts';
import { Tensor, hostTensor } from '../graph/tensor.ts';
import { type ModelCore, exclusive, prepareSteps } from './core.ts';
import { toHost } from './residence.ts';

/**
 * Copies weights, optimizer states, learning rates and the loss scale to the host. The returned function brings them back; it may be called
 * several times. A model that was compiled again in between keeps its new optimizers.
 */
export async function takeSnapshot(core: ModelCore): Promise<() => Promise<void>> {
  const { engine } = await prepareSteps(core);
  const copies = await exclusive(core, async () => {
    const { setup, progress, weights, lossScale, optimizers } = core;
    const records = Object.entries(optimizers).map(([name, { state, layers, aside, born, learningRate, calls }]) => {
      const values = { state, layers, aside, born, learningRate, calls };
      return [name, values] as const;
    });
    return { setup, progress, ...(await toHost({ weights, lossScale, records }, engine)) };
  });
  const version = core.network.version();
  return () =>
    exclusive(core, async () => {
      if (core.network.version() !== version) {
        throw new OmbreError('snapshot: the form of the weights was changed by enableLora, mergeLora or quantize; take another snapshot');
      }
      // A step takes the tensors over, so each call gives new ones.
      const { weights, lossScale, records } = await fresh(copies);
      core.weights = weights;
      if (core.setup !== copies.setup && core.setup?.optimizers !== copies.setup?.optimizers) return;
      core.lossScale = lossScale;
      core.progress = copies.progress;
      for (const [name, values] of records) Object.assign(core.optimizers[name], values);
    });
}

/** The tree with copies of its tensors, which are on the host. */
async function fresh<T>(tree: T): Promise<T> {
  const tensors: Promise<Tensor>[] = [];
  const copied = new Map<Tensor, Tensor>();
  mapTree(tree, (leaf) => {
    if (leaf instanceof Tensor) tensors.push(leaf.data().then((data) => (copied.set(leaf, hostTensor(leaf, data.slice())), leaf)));
    return leaf;
  });
  await Promise.all(tensors);
  return mapTree(tree, (leaf) => (leaf instanceof Tensor ? copied.get(leaf) : leaf)) as T;
}
