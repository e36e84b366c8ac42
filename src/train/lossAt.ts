// The loss of a compiled model as a graph, for functions that take its gradient with respect to the inputs.
import type { Tensor } from '../graph/tensor.ts';
import { NetworkPass, type Tensors } from '../nn/index.ts';
import { specsOfBatch } from '../nn/spec.ts';
import { batchLoss } from './batchLoss.ts';
import { type ModelCore, builtWeights, objectivesFor, requireSetup } from './core.ts';

/** Loss of compile() for a batch in inference mode: a scalar of the present weights. */
export function lossAt(core: ModelCore, where: string, x: Tensors, y: Tensors): Tensor {
  const setup = requireSetup(core, where);
  const weights = builtWeights(core, where);
  const objectives = objectivesFor(core, setup, specsOfBatch(x));
  return batchLoss(objectives, new NetworkPass(core.network, weights).run(x, false), { y }).loss;
}
