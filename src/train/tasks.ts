// Gradients of several tasks, made one gradient: parts of training steps.
import { ArgumentError } from '../core/errors.ts';
import { oneOf, seed } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { shown } from '../core/shown.ts';
import { leavesOf, mapTree } from '../core/tree.ts';
import { withScope } from '../graph/scope.ts';
import { Tensor } from '../graph/tensor.ts';
import type { Layer } from '../nn/index.ts';
import { add, argSort, cast, diagonal, div, equal, eye, gather, matmul, minimum, mul, norm, oneHot, random, reshape, squeeze, stack, sub, sum, takeAlongAxis, transpose, where } from '../ops/index.ts'; // prettier-ignore
import { sliceAxis } from '../ops/shape/slice.ts';
import type { TaskGradients } from './taskGradients.ts';
import type { StepGradients, StepTools } from './trainStep.ts';

export const pcGradOptions = declareOptions('pcGrad', {
  /** The projected gradients of all tasks are summed up ('sum') or averaged ('mean'). @default 'sum' */
  reduction: optional(oneOf('sum', 'mean'), 'sum'),
  /** Fixes the order of the projections of a gradient. A training step draws a new order without it. */
  seed: optional(seed),
});
export type PcGradOptions = OptionsOf<typeof pcGradOptions>;

/** Gradients by task, in one form. */
export type GradientsByTask = readonly StepGradients[] | Readonly<Record<string, StepGradients>>;

/**
 * PCGrad: one gradient of several tasks without their conflicts. Each gradient meets those of the other tasks in random order; if their product is
 * negative, the part along the other one is taken away: g_i -= (g_i g_j / |g_j|^2) g_j. The results are summed up. Yu et al., Gradient Surgery
 * for Multi-Task Learning, 2020.
 *
 *     trainStep: (step) => {
 *       const { losses, gradients } = step.taskGradients(() => step.losses(step.forward(step.x)));
 *       step.update(pcGrad(gradients));
 *       return { loss: add(losses.depth, losses.label), logs: losses };
 *     }
 *
 * @throws ArgumentError for no gradients, and gradients of different forms.
 */
export function pcGrad(gradients: GradientsByTask, options: PcGradOptions = {}): StepGradients {
  const { reduction, seed } = pcGradOptions.read(options);
  const tasks = listed('pcGrad', gradients);
  return withScope('pcGrad', () => {
    const [count, products] = [tasks.length, productsOf(tasks)];
    const lengths = diagonal(products);
    // Row i is the order in which gradient i meets the others.
    const order = argSort(random.uniform([count, count], seed === undefined ? {} : { seed }), { axis: 1 });
    // Row i of the shares: gradient i after the projections, as a sum of the gradients that were given.
    let shares = eye(count);
    for (let turn = 0; turn < count; turn++) {
      const other = sliceAxis(order, 1, turn, 1);
      const along = takeAlongAxis(matmul(shares, products), other, { axis: 1 });
      const length = gather(lengths, other);
      // A gradient does not meet itself, also if rounding makes its product with its own rest negative.
      const met = mul(oneHot(squeeze(other, 1), count), sub(1, eye(count)));
      shares = sub(shares, mul(met, div(minimum(along, 0), where(equal(length, 0), 1, length))));
    }
    const weights = sum(shares, { axis: 0 });
    return weighted(tasks, reduction === 'mean' ? div(weights, count) : weights);
  });
}

export interface GradNormOptions {
  /** Paths of the layers whose gradients are compared, such as 'encoder'; layers inside them too. All layers by default. */
  readonly shared?: string | readonly string[];
}

/** Results of gradNorm(). */
export interface GradNormResult {
  /** Sum of the gradients of the tasks times their weights. */
  readonly gradients: StepGradients;
  /** Weights of this step, by task. */
  readonly weights: Readonly<Record<string, Tensor>>;
}

/**
 * GradNorm: the sum of the gradients of tasks, with weights that bring the tasks to one training rate. The weights are the state of
 * layers.gradNormWeights(), which passes on the outputs of the model. Chen et al., GradNorm: Gradient Normalization for Adaptive Loss Balancing,
 * 2018.
 *
 *     trainStep: (step) => {
 *       const tasks = step.taskGradients(() => step.losses(step.forward(step.x)));
 *       const { gradients, weights } = gradNorm(step, weigh, tasks, { shared: 'encoder' });
 *       step.update(gradients);
 *       return { loss: add(tasks.losses.depth, tasks.losses.label), logs: { depthWeight: weights.depth } };
 *     }
 *
 * @throws ArgumentError for shared layers without gradients.
 */
export function gradNorm(
  step: Pick<StepTools, 'apply'>,
  layer: Layer,
  { losses, gradients }: TaskGradients,
  { shared }: GradNormOptions = {},
): GradNormResult {
  return withScope('gradNorm', () => {
    const prefixes = shared === undefined ? undefined : [shared].flat();
    const isShared = (path: string): boolean => !prefixes || prefixes.some((one) => path === one || path.startsWith(`${one}/`));
    const norms = Object.entries(gradients).map(([task, tree]) => {
      const leaves = tensorsOf(Object.fromEntries(Object.entries(tree).filter(([path]) => isShared(path))));
      if (leaves.length === 0) {
        throw new ArgumentError(`gradNorm: shared is ${shown(shared)}, but the gradients are those of ${Object.keys(tree).join(', ')}`);
      }
      return [task, norm(stack(leaves.map((leaf) => norm(cast(leaf, 'f32')))))] as const;
    });
    const weights = step.apply<Record<string, Tensor>>(layer, { losses, norms: Object.fromEntries(norms) });
    const names = Object.keys(gradients);
    return { gradients: weighted(Object.values(gradients), stack(names.map((name) => weights[name]))), weights };
  });
}

const tensorsOf = (tree: unknown): Tensor[] => leavesOf(tree).flatMap(({ value }) => (value instanceof Tensor ? [value] : []));

/** @throws ArgumentError unless there are gradients, all of one form. */
function listed(name: string, gradients: unknown): StepGradients[] {
  const isTree = typeof gradients === 'object' && gradients !== null && !(gradients instanceof Tensor);
  const tasks = isTree ? (Object.values(gradients) as StepGradients[]) : [];
  if (tasks.length === 0) {
    throw new ArgumentError(`${name}: gradients are ${shown(gradients)}; give the gradients of step.taskGradients(), or a list of trees`);
  }
  const formOf = (tree: unknown): string =>
    leavesOf(tree).map(({ path, value }) => `${path} ${value instanceof Tensor ? `[${value.shape.join()}]` : typeof value}`).join(', '); // prettier-ignore
  const [first, ...others] = tasks.map(formOf);
  const odd = others.find((form) => form !== first);
  if (odd === undefined && first !== '') return tasks;
  throw new ArgumentError(`${name}: the gradients of the tasks have the forms ${first || '{}'} and ${odd ?? '{}'}; they must be alike`);
}

/** Products of all pairs of gradients, [tasks, tasks]. */
function productsOf(tasks: readonly StepGradients[]): Tensor {
  const leaves = tasks.map(tensorsOf);
  const products = leaves[0].map((leaf, k) => {
    const rows = stack(leaves.map((all) => reshape(cast(all[k], 'f32'), [leaf.size])));
    return matmul(rows, transpose(rows, [1, 0]));
  });
  return products.reduce((a, b) => add(a, b));
}

/** Sum of trees, each times an element of the weights [trees]. */
function weighted(trees: readonly StepGradients[], weights: Tensor): StepGradients {
  const leaves = trees.map(tensorsOf);
  let k = 0;
  return mapTree(trees[0], (leaf) => {
    const { dtype } = leaf as Tensor;
    const terms = leaves.map((all, i) => mul(cast(all[k], 'f32'), reshape(sliceAxis(weights, 0, i, 1), [])));
    k++;
    return cast(
      terms.reduce((a, b) => add(a, b)),
      dtype,
    );
  }) as StepGradients;
}
