// Moves a model's tensors between devices. They move to another device while theirs is alive. After a loss the user must set the weights
// again.
import { DeviceLostError } from '../core/errors.ts';
import { mapTree } from '../core/tree.ts';
import { type Engine, engineOf, readAll } from '../engine/index.ts';
import { Tensor, hostTensor, tensorsIn } from '../graph/tensor.ts';

/** The engine that holds the tensor's value; undefined for values on the host. */
const residenceOf = ({ value }: Tensor): Engine | undefined => (value?.kind === 'device' ? engineOf(value.device) : undefined);

/** Whether a tensor of the tree is on a device other than `engine`, or was lost. */
export const isElsewhere = (tree: unknown, engine: Engine): boolean =>
  tensorsIn(tree).some((tensor) => tensor.invalidated !== undefined || (residenceOf(tensor) ?? engine) !== engine);

/** Whether a tensor of the tree was lost with its device. A step that failed with its device leaves tensors that it had taken over. */
export const isLost = (tree: unknown): boolean =>
  tensorsIn(tree).some((tensor) => tensor.invalidated !== undefined || residenceOf(tensor)?.isAlive === false);

/** The same tree with copies of its tensors' values on the host, read back at once from the device that holds them, else computed on `engine`. */
export async function toHost<T>(tree: T, engine: Engine): Promise<T> {
  const groups = new Map<Engine, Tensor[]>();
  for (const tensor of tensorsIn(tree)) {
    const owner = residenceOf(tensor) ?? engine;
    groups.set(owner, [...(groups.get(owner) ?? []), tensor]);
  }
  const copies = new Map<Tensor, Tensor>();
  for (const [owner, tensors] of groups) {
    const arrays = await readAll(tensors, { engine: owner });
    tensors.forEach((tensor, i) => copies.set(tensor, hostTensor({ shape: tensor.shape, dtype: tensor.dtype }, arrays[i].slice())));
  }
  return mapTree(tree, (leaf) => (leaf instanceof Tensor ? copies.get(leaf) : leaf)) as T;
}

export const lostWeights = (): DeviceLostError =>
  new DeviceLostError(
    "the model's weights were lost with their device; call model.setWeights() with a copy that you kept (getWeights()), or make the model again",
  );
