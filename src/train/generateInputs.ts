// Inputs of a model for generate(): one takes the prompt, and the others are data that stay the same for all tokens.
import { ArgumentError, DataError, ShapeError } from '../core/errors.ts';
import { nearestName } from '../core/nearest.ts';
import { shown } from '../core/shown.ts';
import { formatShape } from '../core/shape.ts';
import { type Tree, isBranch, leafName, leavesOf, mapTree } from '../core/tree.ts';
import { arraySource } from '../data/batches.ts';
import { type ArrayTree, Field, arraysOf, readTree } from '../data/sampleTree.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { TensorSpec } from '../nn/index.ts';
import { type LayerGraph, formatBatch } from '../nn/index.ts';
import { checkFinite } from './checks.ts';
import { type ModelCore, knownInputs } from './core.ts';

/** Arrays by the name of the input. */
export type OtherInputs = Readonly<Record<string, ArrayTree>>;

export interface GenerateInputs {
  /** Spec of the input that takes the prompt; undefined if it is not known yet. */
  readonly prompt: TensorSpec | undefined;
  /** Name of that input; undefined if it is the only one. */
  readonly name: string | undefined;
  /** The other inputs in order, [batch, …]. */
  readonly others: readonly Tensor[];
  /** Their specs. */
  readonly specs: readonly TensorSpec[];
  /** A tree in the form of the model's inputs. */
  readonly form: <T>(prompt: T, others: readonly T[]) => Tree<T>;
}

/**
 * Reads the inputs other than the prompt, for a batch of this many prompts.
 * @throws ArgumentError for missing and unknown names, ShapeError and DataError for arrays that do not fit.
 */
export async function openInputs(core: ModelCore, given: OtherInputs | undefined, batch: number): Promise<GenerateInputs> {
  const known = knownInputs(core);
  const list = leavesOf(known ?? []).map(({ value, path }) => ({ spec: value as TensorSpec, path }));
  const names = namesOf(core.network.root, list);
  const at = promptAt(names, given);
  const prompt = list[at]?.spec as TensorSpec | undefined;
  if (prompt && prompt.shape.length !== 1) {
    throw new ShapeError(
      `generate: the model's input '${names[at]}' is ${formatBatch(prompt.shape)}; the prompt's input must be ids [batch, time]`,
    );
  }
  const specs = list.filter((_, i) => i !== at).map(({ spec }) => spec);
  const others = given ? await readOthers(given, names.filter((_, i) => i !== at), specs, batch) : []; // prettier-ignore
  const form = <T>(value: T, rest: readonly T[]): Tree<T> => {
    let next = 0;
    const values = list.map((_, i) => (i === at ? value : rest[next++]));
    let leaf = 0;
    return (known ? mapTree(known, () => values[leaf++]) : value) as Tree<T>;
  };
  return { prompt, name: list.length > 1 ? names[at] : undefined, others, specs, form };
}

const namesOf = ({ inputNames }: Partial<LayerGraph>, list: readonly { readonly path: string }[]): readonly string[] =>
  inputNames ?? list.map(({ path }, i) => (path.startsWith('.') ? leafName(path) : `input_${i + 1}`));

/** Number of the input that is not given. */
function promptAt(names: readonly string[], given: OtherInputs | undefined): number {
  if (given !== undefined && (!isBranch(given) || Array.isArray(given))) {
    throw new ArgumentError(`generate: inputs is ${shown(given)}; it must be a record of arrays by the name of the input: { source: ids }`);
  }
  const [first] = Object.keys(given ?? {});
  if (names.length < 2) {
    if (first === undefined) return 0;
    throw new ArgumentError(`generate: inputs has '${first}', but the model has one input, which takes the prompt; leave it out`);
  }
  const unknown = Object.keys(given ?? {}).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const near = nearestName(unknown, names);
    throw new ArgumentError(
      `generate: inputs has '${unknown}', but the model's inputs are ${names.join(', ')}${near ? `; did you mean '${near}'?` : ''}`,
    );
  }
  const missing = names.filter((name) => given?.[name] === undefined);
  if (missing.length === 1) return names.indexOf(missing[0]);
  throw new ArgumentError(
    `generate: the model has the inputs ${names.join(', ')}, and inputs gives ${first === undefined ? 'none' : Object.keys(given!).join(', ')}; ` +
      'give each input but the one that takes the prompt',
  );
}

async function readOthers(given: OtherInputs, names: readonly string[], specs: readonly TensorSpec[], batch: number): Promise<Tensor[]> {
  const where = 'generate';
  const fields = Object.fromEntries(names.map((name, i) => [name, new Field(specs[i].dtype === 'i32' ? 'i32' : 'f32')]));
  const x = await readTree(where, 'inputs', Object.fromEntries(names.map((name) => [name, given[name]])), fields);
  arraysOf('inputs', x).forEach(({ argument, samples }, i) => {
    if (formatShape(samples.shape) !== formatShape(specs[i].shape)) {
      throw new ShapeError(
        `generate: ${argument} has samples of shape ${formatShape(samples.shape)}, but the model takes ${formatBatch(specs[i].shape)}; reshape it`,
      );
    }
    if (samples.count !== batch) {
      throw new DataError(`generate: ${argument} holds ${samples.count} samples for ${batch} prompts; give one sample for each prompt`);
    }
    checkFinite(where, argument, samples);
  });
  const [{ x: tensors }] = arraySource({ x }, batch).pass() as Iterable<{ x: Readonly<Record<string, Tensor>> }>;
  return names.map((name) => tensors[name]);
}
