// The contract of the library's losses over several outputs, such as anchor, positive and negative. They are joint losses: compile() takes one of
// them for all outputs. Called by hand they take the outputs as a record or as a list in the same order.
import type { Config, Configured } from '../core/config.ts';
import { ArgumentError, ShapeError } from '../core/errors.ts';
import { type Declaration, type OptionTable, type SettingsOf, nameOf, withConfig } from '../core/options.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import { isBranch, leavesOf } from '../core/tree.ts';
import { withScope } from '../graph/scope.ts';
import type { Tensor } from '../graph/tensor.ts';
import { checkTensor, inWords } from '../ops/operands/arguments.ts';
import { div, expandDims, minimum, notEqual, reshape, sum, where } from '../ops/index.ts';
import { productOrZero } from '../ops/elementwise/zeroFlow.ts';
import { toFloat } from './align.ts';
import { type JointLoss, type TensorTree, jointLoss } from './joint.ts';
import { type Reduction, fitWeight, meanOfCounted } from './loss.ts';

/** A loss over several outputs: (targets, outputs, sampleWeight?) => a scalar, or one value per sample with reduction 'none'. */
export interface SeveralLoss extends JointLoss<TensorTree | undefined> {
  readonly name: string;
  readonly config?: Config;
}

interface SeveralDefinition<Name extends string> {
  /** Names of the outputs, in the order of a list. */
  readonly outputs: readonly Name[];
  /** Whether the loss reads targets. */
  readonly hasTargets?: boolean;
  /** Reduction of the values of samples. Undefined if `values` returns one value for the batch, which takes no weights. */
  readonly reduction: Reduction | undefined;
  /**
   * Values of samples, of the outputs' shape without the last axis. Outputs are f32 [n, ..., d] of one shape. `counts` (bool, one for each sample)
   * is false for samples of weight 0, whose outputs are 0. It is undefined if there are no weights.
   */
  readonly values: (outputs: Readonly<Record<Name, Tensor>>, targets: Tensor | undefined, counts: Tensor | undefined) => Tensor;
}

/** Makes a loss over several outputs. */
export function makeSeveralLoss<T extends OptionTable, Name extends string>(
  declaration: Declaration<T>,
  settings: SettingsOf<Declaration<T>>,
  { outputs: names, hasTargets = false, reduction, values }: SeveralDefinition<Name>,
): Configured<SeveralLoss> {
  const name = nameOf(declaration);
  const loss = (targets: TensorTree | undefined, predictions: TensorTree, sampleWeight?: TensorTree): Tensor => {
    const given = outputsOf(name, names, predictions);
    const wanted = hasTargets ? onlyTensor(name, 'targets', targets) : undefined;
    return withScope(name, () => {
      const first = given[names[0]];
      const samples = first.shape.slice(0, -1);
      const weight = weightOf(name, sampleWeight, samples);
      if (weight && !reduction) {
        throw new ArgumentError(
          `${name}: sampleWeight and masks have no meaning for a loss with one value for the batch; leave them out, or filter the samples`,
        );
      }
      const counts = weight && notEqual(weight, 0);
      const masked = counts ? mapNames(names, (one) => where(expandDims(counts, -1), given[one], 0)) : given;
      const value = values(masked, wanted, counts);
      const weighted = weight ? productOrZero(weight, value) : value;
      if (!reduction || reduction === 'none') return weighted;
      if (reduction === 'meanWithSampleWeight' && weight) return meanOfCounted(sum(weighted), sum(weight));
      return reduction === 'sum' ? sum(weighted) : div(sum(weighted), weighted.size);
    });
  };
  Object.defineProperty(loss, 'name', { value: name });
  return withConfig(jointLoss(loss), declaration, settings);
}

const mapNames = <Name extends string>(names: readonly Name[], value: (name: Name, i: number) => Tensor): Record<Name, Tensor> =>
  Object.fromEntries(names.map((name, i) => [name, value(name, i)])) as Record<Name, Tensor>;

/**
 * The outputs by name, as f32 of one shape [n, ..., d]; [n] becomes [n, 1].
 * @throws ArgumentError for other outputs, ShapeError if their shapes differ.
 */
function outputsOf<Name extends string>(name: string, names: readonly Name[], predictions: unknown): Record<Name, Tensor> {
  const isList = Array.isArray(predictions);
  const keys = isBranch(predictions) ? Object.keys(predictions) : [];
  const fits = keys.length === names.length && (isList || names.every((one) => keys.includes(one)));
  if (!fits) {
    const came = isList ? `a list of ${keys.length}` : isBranch(predictions) ? `{ ${keys.join(', ')} }` : inWords(predictions);
    throw new ArgumentError(
      `${name}: predictions are ${came}; they must be the outputs { ${names.join(', ')} }, or a list of ${names.length} in this order`,
    );
  }
  const tensors = mapNames(names, (one, i) => {
    const tensor: unknown = isList ? (predictions as unknown[])[i] : (predictions as Record<string, unknown>)[one];
    checkTensor(name, one, tensor);
    return tensor as Tensor;
  });
  const [first, ...others] = names;
  if (tensors[first].rank === 0 || !others.every((one) => sameShape(tensors[one].shape, tensors[first].shape))) {
    const shapes = names.map((one) => `${one} ${formatShape(tensors[one].shape)}`).join(', ');
    throw new ShapeError(
      `${name}: the outputs have the shapes ${shapes}; they must have one shape [n, ...]: give their layers as many units`,
    );
  }
  return mapNames(names, (one) => {
    const x = toFloat(tensors[one]);
    return x.rank === 1 ? reshape(x, [...x.shape, 1]) : x;
  });
}

/** The only tensor of a tree. @throws ArgumentError if there is none, or several. */
function onlyTensor(name: string, role: string, tree: unknown): Tensor {
  const leaves = leavesOf(tree);
  if (leaves.length !== 1) throw new ArgumentError(`${name}: ${role} hold ${leaves.length} tensors; give one for all outputs`);
  checkTensor(name, role, leaves[0].value);
  return leaves[0].value as Tensor;
}

/** One weight for each sample: the smallest of the outputs' weights. Undefined if there are none. */
function weightOf(name: string, sampleWeight: unknown, samples: readonly number[]): Tensor | undefined {
  if (sampleWeight === undefined) return undefined;
  const weights = leavesOf(sampleWeight).map(({ value, path }) => {
    checkTensor(name, `sampleWeight${path}`, value);
    return fitWeight(name, value as Tensor, samples);
  });
  return weights.length > 0 ? weights.reduce((a, b) => minimum(a, b)) : undefined;
}
