// Gradients of several losses of one forward pass.
import { gradients as gradientsOf } from '../autodiff/index.ts';
import { ArgumentError, ShapeError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';
import { formatShape } from '../core/shape.ts';
import { leavesOf, mapTree } from '../core/tree.ts';
import { building } from '../graph/reads.ts';
import { Tensor } from '../graph/tensor.ts';
import type { LayerTrees } from '../nn/index.ts';
import { alias, mul } from '../ops/index.ts';
import { unscale } from './lossScale.ts';

/** Losses of tasks and their gradients, by task. */
export interface TaskGradients {
  readonly losses: Readonly<Record<string, Tensor>>;
  readonly gradients: Readonly<Record<string, LayerTrees>>;
}

/**
 * Losses at the parameters, and the gradients of each. With a loss scale, gradients of the scaled losses, divided again.
 * @throws ArgumentError or ShapeError unless the losses are scalars by task.
 */
export function gradientsByTask(
  parameters: LayerTrees,
  scale: Tensor | undefined,
  lossesAt: (at: LayerTrees) => Readonly<Record<string, Tensor>>,
): TaskGradients {
  const fresh = mapTree(parameters, (leaf) => alias(leaf as Tensor)) as LayerTrees;
  const wrt = leavesOf(fresh).map(({ value }) => value as Tensor);
  const losses = checkLosses(building('step.taskGradients', () => lossesAt(fresh)));
  const gradientOf = (loss: Tensor): LayerTrees => {
    const found = gradientsOf(scale ? mul(loss, scale) : loss, wrt);
    let i = 0;
    const tree = mapTree(fresh, () => found[i++]) as LayerTrees;
    return scale ? unscale(tree, scale) : tree;
  };
  return { losses, gradients: Object.fromEntries(Object.entries(losses).map(([task, loss]) => [task, gradientOf(loss)])) };
}

function checkLosses(losses: unknown): Readonly<Record<string, Tensor>> {
  const isRecord = typeof losses === 'object' && losses !== null && !Array.isArray(losses) && !(losses instanceof Tensor);
  if (!isRecord || Object.keys(losses).length === 0) {
    throw new ArgumentError(
      `step.taskGradients: the function returned ${shown(losses)}; it must return losses by task, such as { depth, label }`,
    );
  }
  for (const [task, loss] of Object.entries(losses)) {
    if (loss instanceof Tensor && loss.rank === 0) continue;
    const got = loss instanceof Tensor ? `a tensor ${formatShape(loss.shape)}` : typeof loss;
    throw new ShapeError(`step.taskGradients: the loss of ${task} is ${got}; it must be a scalar tensor: reduce it with sum() or mean()`);
  }
  return losses as Readonly<Record<string, Tensor>>;
}
