// Layers that several models share. A step takes over the memory of the variables, so steps of models that share a layer take turns. fit trains
// only one of these models at a time.
import { OmbreError } from '../core/errors.ts';
import { PromiseQueue } from '../core/promiseQueue.ts';
import type { Layer, Network } from '../nn/index.ts';

interface Claims {
  readonly queue: PromiseQueue;
  /** The model whose fit trains the layer now. */
  trainer: object | undefined;
}

const claims = new WeakMap<Layer['variables'], Claims>();

function claimsOf(cell: Layer['variables']): Claims {
  let found = claims.get(cell);
  if (!found) claims.set(cell, (found = { queue: new PromiseQueue(), trainer: undefined }));
  return found;
}

/** Queues of the layers of a network. Only one step at a time may own the variables of a layer. */
export const queuesOf = ({ owners }: Network): PromiseQueue[] => owners.map(({ layer }) => claimsOf(layer.variables).queue);

/** Marks the variables of a network as used, until the returned function is called: their form must stay. */
export function useLayers({ owners }: Pick<Network, 'owners'>): () => void {
  for (const { layer } of owners) layer.variables.uses++;
  return () => {
    for (const { layer } of owners) layer.variables.uses--;
  };
}

/**
 * Marks all layers of a network as trained by a model, until the returned function is called.
 * @throws OmbreError naming a layer that another model's fit trains now.
 */
export function claimLayers({ owners }: Network, trainer: object, where: string): () => void {
  const cells = owners.map(({ layer }) => claimsOf(layer.variables));
  const taken = cells.findIndex((cell) => cell.trainer !== undefined && cell.trainer !== trainer);
  if (taken >= 0) {
    throw new OmbreError(
      `${where}: the layer '${owners[taken].name}' is shared with another model, whose fit is training it now; await that fit first`,
    );
  }
  for (const cell of cells) cell.trainer = trainer;
  const stopUse = useLayers({ owners });
  return () => {
    stopUse();
    for (const cell of cells) if (cell.trainer === trainer) cell.trainer = undefined;
  };
}
