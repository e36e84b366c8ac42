// Gradients of each sample of a batch, for optimizers that clip them one by one.
import { vmap } from '../autodiff/index.ts';
import { ArgumentError } from '../core/errors.ts';
import { mapTree } from '../core/tree.ts';
import { topological } from '../graph/graph.ts';
import { Tensor, tensorsIn } from '../graph/tensor.ts';
import type { LayerTrees, Tensors } from '../nn/index.ts';
import { expandDims } from '../ops/index.ts';

/** Targets and weights of a batch; absent if it has none. */
export interface TargetsAndWeights {
  readonly y?: Tensors;
  readonly sampleWeight?: Tensors;
}

/** The tensors of a batch that a step reads. */
export interface BatchParts {
  readonly x: Tensors;
  readonly y: Tensors;
  readonly sampleWeight: Tensors | undefined;
}

/**
 * Gradients of the loss of each sample, trees with the samples along the first axis. `gradientsAt` gives loss and gradients of a batch, here of
 * one sample.
 * @throws ArgumentError if the loss reads none of the tensors that it is given.
 */
export function gradientsOfSamples(
  batch: BatchParts,
  gradientsAt: (sample: BatchParts) => { readonly loss: Tensor; readonly gradients: LayerTrees },
): LayerTrees {
  const perSample = (rows: BatchParts): LayerTrees => {
    const { loss, gradients } = gradientsAt(mapTree(rows, (row) => (row instanceof Tensor ? expandDims(row, 0) : row)) as BatchParts);
    const given = new Set(tensorsIn(rows).map(({ node }) => node));
    if (!topological([loss]).some((node) => given.has(node))) {
      throw new ArgumentError(
        'step.gradients: the loss of a sample does not read the sample; for dpSgd, read step.x and step.y inside the function, and not before it',
      );
    }
    return gradients;
  };
  return vmap(perSample)(batch);
}

/** @throws ArgumentError for layers whose state a sample has changed: it would hold values of single samples. */
export function requireSameState(before: LayerTrees, after: LayerTrees): void {
  const changed = Object.keys(after).filter((path) => Object.keys(after[path]).some((name) => after[path][name] !== before[path][name]));
  if (changed.length === 0) return;
  throw new ArgumentError(
    `dpSgd: ${changed.join(', ')} has a state that depends on the batch, so a sample would have an effect on others; use a layer without, ` +
      'such as groupNormalization, or freeze it',
  );
}
