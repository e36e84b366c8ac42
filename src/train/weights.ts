// Weights as lists, in Keras's order: layer by layer, parameters before state. They are copies on the host, which no training takes over.
import { ArgumentError, ShapeError } from '../core/errors.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import { childPath, leavesOf, mapTree, variablePath } from '../core/tree.ts';
import { Tensor, hostTensor } from '../graph/tensor.ts';
import type { Layer, LayerTrees, TensorRecord } from '../nn/index.ts';
import { type ModelCore, builtWeights, exclusive, prepareSteps, requireSetup } from './core.ts';
import { birthsOf, keepLiving } from './optimizerState.ts';
import { toHost } from './residence.ts';
import type { Weights } from './steps.ts';

/** One tensor of a model. */
export interface ModelVariable {
  /** Layer path and name, such as `encoder/dense_1/kernel`. Paths and their order are stable: files and summaries use them. */
  readonly path: string;
  /** The tensor as it is now. The next training step takes it over; getWeights() copies. */
  readonly tensor: Tensor;
  /** False for state, and for parameters of frozen layers. */
  readonly trainable: boolean;
  readonly layer: Layer;
}

/** Every tensor with its path: layer by layer, parameters before state. */
export function listVariables(core: ModelCore, { parameters, state }: Weights): ModelVariable[] {
  return core.network.owners.flatMap(({ name, layer }) => {
    const listed = (tensors: unknown, trainable: boolean): ModelVariable[] =>
      leavesOf(tensors).map(({ path, value }) => ({
        path: variablePath(childPath('', name) + path),
        tensor: value as Tensor,
        trainable,
        layer,
      }));
    return [...listed(parameters[name], layer.trainable), ...listed(state[name], false)];
  });
}

export async function getWeights(core: ModelCore): Promise<Tensor[]> {
  builtWeights(core, 'getWeights');
  const { engine } = await prepareSteps(core);
  return exclusive(core, async () => listVariables(core, await toHost(core.weights!, engine)).map(({ tensor }) => tensor));
}

/** @throws ShapeError, before any weight is changed, if number, shapes or dtypes differ from getWeights(). */
export async function setWeights(core: ModelCore, weights: readonly Tensor[]): Promise<void> {
  const given: unknown = weights;
  if (!Array.isArray(given)) {
    throw new ArgumentError(
      `setWeights: takes a list of tensors, such as await model.getWeights(); got ${given === null ? 'null' : typeof given}`,
    );
  }
  const expected = listVariables(core, builtWeights(core, 'setWeights'));
  if (weights.length !== expected.length) {
    throw new ShapeError(
      `setWeights: got ${weights.length} tensors, the model has ${expected.length} weights: ${expected.map(({ path }) => path).join(', ')}`,
    );
  }
  expected.forEach(({ path, tensor }, i) => {
    const given = weights[i] as unknown;
    if (given instanceof Tensor && given.dtype === tensor.dtype && sameShape(given.shape, tensor.shape)) return;
    const got = given instanceof Tensor ? given.dtype + formatShape(given.shape) : typeof given;
    throw new ShapeError(`setWeights: tensor ${i} is ${got}, but ${path} is ${tensor.dtype}${formatShape(tensor.shape)}`);
  });
  const copies: Tensor[] = [];
  for (const [i, { tensor }] of expected.entries()) {
    copies.push(hostTensor({ shape: tensor.shape, dtype: tensor.dtype }, await weights[i].data()));
  }
  await exclusive(core, async () => {
    // In the order of listVariables().
    let i = 0;
    const replaced = (tensors: TensorRecord): TensorRecord => mapTree(tensors, () => copies[i++]) as TensorRecord;
    const { parameters, state } = core.weights!;
    const layers = core.network.owners.map(({ name }) => [name, replaced(parameters[name]), replaced(state[name])] as const);
    core.weights = {
      parameters: Object.fromEntries(layers.map(([name, ofLayer]) => [name, ofLayer])),
      state: Object.fromEntries(layers.map(([name, , ofLayer]) => [name, ofLayer])),
    };
  });
}

/** The loss scale of mixed precision and the number of steps that overflowed; undefined without it. */
export async function readLossScale(core: ModelCore): Promise<{ scale: number; overflows: number } | undefined> {
  const { engine } = await prepareSteps(core);
  return exclusive(core, async () => {
    if (!core.lossScale) return undefined;
    const { scale, overflows } = await toHost(core.lossScale, engine);
    return { scale: await scale.item(), overflows: await overflows.item() };
  });
}

/**
 * Exchanges the parameters and their averages. A second call exchanges them back.
 * @throws ArgumentError if no optimizer of the model averages, or before its first step.
 */
export async function swapAverages(core: ModelCore): Promise<void> {
  const where = 'swapAverages';
  requireSetup(core, where);
  await exclusive(core, async () => {
    const records = Object.values(core.optimizers).filter(({ state }) => state?.average !== undefined);
    if (records.length === 0) {
      throw new ArgumentError(
        `${where}: there are no averages; compile with an optimizer that has emaDecay, such as 0.999, or with swa, asgd or scheduleFreeAdamW, and train first`,
      );
    }
    const { parameters, state } = core.weights!;
    const averages: Record<string, LayerTrees[string]> = {};
    for (const record of records) {
      /** Takes averages over, and gives the parameters in their place. Averages of parameters that are gone stay. */
      const exchange = (held: LayerTrees): LayerTrees => {
        const living = Object.entries(keepLiving(held, record.born, birthsOf(core.network)));
        for (const [path, tree] of living) averages[path] = { ...parameters[path], ...tree };
        const given = living.map(([path, tree]) => [path, { ...held[path], ...mapRecord(tree, (name) => parameters[path][name]) }]);
        return { ...held, ...(Object.fromEntries(given) as LayerTrees) };
      };
      // Layers that are frozen now have an average too, if they were trained before.
      if (record.aside.average) record.aside = { ...record.aside, average: exchange(record.aside.average) };
      record.state = { ...record.state!, average: exchange(record.state!.average as LayerTrees) };
    }
    core.weights = { parameters: { ...parameters, ...averages }, state };
  });
}

const mapRecord = (tree: TensorRecord, value: (name: string) => Tensor): TensorRecord =>
  Object.fromEntries(Object.keys(tree).map((name) => [name, value(name)]));

/** Number of elements of all tensors in a tree. */
export const countElements = (tree: unknown): number =>
  leavesOf(tree).reduce((sum, { value }) => sum + (value instanceof Tensor ? value.size : 0), 0);
