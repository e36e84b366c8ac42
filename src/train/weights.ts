// Weights as lists, in Keras's order: layer by layer, parameters before state. They are copies on the host, which no training takes over.
import { ShapeError } from '../core/errors.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import { leavesOf, mapTree } from '../core/tree.ts';
import { Tensor, hostTensor } from '../graph/tensor.ts';
import { type ModelCore, builtWeights, exclusive, prepareSteps } from './core.ts';
import { toHost } from './residence.ts';
import type { Weights } from './steps.ts';

interface NamedWeight {
  /** `dense_1/kernel`. */
  readonly name: string;
  readonly tensor: Tensor;
}

/** Every weight with its name, in order. */
export function listWeights(core: ModelCore, { parameters, state }: Weights): NamedWeight[] {
  return core.network.owners.flatMap(({ name }) =>
    [parameters[name], state[name]].flatMap((tensors) =>
      leavesOf(tensors).map(({ path, value }) => ({ name: pathOf(`.${name}${path}`), tensor: value as Tensor })),
    ),
  );
}

/** `encoder/dense_1/kernel` for the path of a leaf, `.encoder/dense_1.kernel`. */
const pathOf = (path: string): string => path.slice(1).replaceAll('.', '/');

export async function getWeights(core: ModelCore): Promise<Tensor[]> {
  builtWeights(core, 'getWeights');
  const { engine } = await prepareSteps(core);
  return exclusive(core, async () => listWeights(core, await toHost(core.weights!, engine)).map(({ tensor }) => tensor));
}

/** @throws ShapeError, before any weight is changed, where number, shapes or dtypes differ from getWeights(). */
export async function setWeights(core: ModelCore, weights: readonly Tensor[]): Promise<void> {
  const expected = listWeights(core, builtWeights(core, 'setWeights'));
  if (weights.length !== expected.length) {
    throw new ShapeError(
      `setWeights: got ${weights.length} tensors, the model has ${expected.length} weights: ${expected.map(({ name }) => name).join(', ')}`,
    );
  }
  expected.forEach(({ name, tensor }, i) => {
    const given = weights[i] as unknown;
    if (given instanceof Tensor && given.dtype === tensor.dtype && sameShape(given.shape, tensor.shape)) return;
    const got = given instanceof Tensor ? given.dtype + formatShape(given.shape) : typeof given;
    throw new ShapeError(`setWeights: tensor ${i} is ${got}, but ${name} is ${tensor.dtype}${formatShape(tensor.shape)}`);
  });
  const copies = new Map<string, Tensor>();
  for (const [i, { name, tensor }] of expected.entries()) {
    copies.set(name, hostTensor({ shape: tensor.shape, dtype: tensor.dtype }, await weights[i].data()));
  }
  await exclusive(core, async () => {
    const replace = (tree: Weights['parameters']): Weights['parameters'] =>
      mapTree(tree, (_, path) => copies.get(pathOf(path))) as Weights['parameters'];
    core.weights = { parameters: replace(core.weights!.parameters), state: replace(core.weights!.state) };
  });
}

/** Number of elements of all tensors in a tree. */
export const countElements = (tree: unknown): number =>
  leavesOf(tree).reduce((sum, { value }) => sum + (value instanceof Tensor ? value.size : 0), 0);
