// Checks of data. Data that cannot be trained on are refused before anything runs. The error names the first bad element.
import { DataError, ShapeError } from '../core/errors.ts';
import { type Shape, formatShape } from '../core/shape.ts';
import { leavesOf } from '../core/tree.ts';
import type { SampleTrees } from '../data/batches.ts';
import { type SampleTree, arraysOf } from '../data/sampleTree.ts';
import { type Samples, positionOf } from '../data/samples.ts';
import type { Loss, TargetKind } from '../losses/index.ts';
import { type Network, type Specs, type TensorSpec, formatBatch } from '../nn/index.ts';

/** Throws a DataError unless all arrays hold equally many samples, and finite numbers only. */
export function checkSamples(where: string, { x, y, sampleWeight }: SampleTrees): void {
  const arrays = [...arraysOf('x', x), ...arraysOf('y', y), ...arraysOf('sampleWeight', sampleWeight)];
  const [first] = arrays;
  const other = arrays.find(({ samples }) => samples.count !== first.samples.count);
  if (other) {
    throw new DataError(
      `${where}: ${first.argument} holds ${first.samples.count} samples and ${other.argument} ${other.samples.count}; they must be the same`,
    );
  }
  for (const { argument, samples } of arrays) checkFinite(where, argument, samples);
}

/** Throws a DataError naming the first NaN or infinity. */
export function checkFinite(where: string, argument: string, samples: Samples): void {
  const { data } = samples;
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return;
  // The values become f32, in which those beyond about 3.4e38 are infinite.
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(Math.fround(data[i]))) continue;
    throw new DataError(
      `${where}: ${argument} holds ${data[i]} at ${positionOf(samples, i)}; data must be finite numbers${Number.isFinite(data[i]) ? ' within f32 (up to 3.4e38)' : ''}: replace it or leave the sample out`,
    );
  }
}

/** Throws a ShapeError if the network takes samples of other shapes. `known` are the specs of its inputs, if they are known. */
export function checkInputs(where: string, network: Network, x: SampleTree, known: Specs | undefined): void {
  if (!known) return;
  const specs = leavesOf(known);
  const taker = specs.length === 1 && network.owners.length ? network.owners[0].name : 'the model';
  const arrays = arraysOf('x', x);
  specs.forEach(({ value }, i) => {
    const { shape: wanted } = value as TensorSpec;
    const { argument, samples } = arrays[i];
    if (formatShape(wanted) === formatShape(samples.shape)) return;
    throw new ShapeError(
      `${where}: ${argument} has samples of shape ${formatShape(samples.shape)}, but ${taker} takes ${formatShape(wanted)} ` +
        `(${formatBatch(wanted)} with the batch axis); reshape ${argument} or change inputShape`,
    );
  });
}

/** An output whose targets are checked. `name` is left out if it is the only one. */
export interface CheckedOutput {
  readonly name: string | undefined;
  /** Argument of its targets, such as `y.digit`. */
  readonly argument: string;
  readonly shape: Shape;
}

/** The part of a loss that its targets must obey. A plain function has no rule. */
export type TargetRule = Partial<Pick<Loss, 'targetKind' | 'ignoreClass'>> & { readonly name: string };

interface Domain {
  /** Targets, for messages. */
  readonly takes: string;
  readonly fix: string;
  readonly has: (target: number) => boolean;
}

const inUnit = { takes: 'targets from 0 to 1', has: (t: number) => t >= 0 && t <= 1 };

/** Targets that losses take, apart from class indices and numbers of any size. */
const domains: Readonly<Partial<Record<TargetKind, Domain>>> = {
  probabilities: { ...inUnit, fix: 'map the labels to 0 and 1' },
  oneHot: { ...inUnit, fix: 'one-hot encode class indices, or use sparseCategoricalCrossentropy' },
  signs: { takes: 'targets -1 and 1, or 0 and 1', fix: 'map the labels to -1 and 1', has: (t) => t === 1 || t === -1 || t === 0 },
  counts: { takes: 'targets of at least 0', fix: 'correct the counts, or use another loss', has: (t) => t >= 0 },
};

/** Throws a DataError naming the first target that the loss does not take: no class index, no probability, no sign or a negative count. */
export function checkTargets(where: string, rule: TargetRule, samples: Samples, { name, argument, shape }: CheckedOutput): void {
  const { data } = samples;
  const { targetKind, ignoreClass } = rule;
  if (targetKind === 'classIndex') {
    const classes = shape[shape.length - 1];
    for (let i = 0; i < data.length; i++) {
      const label = data[i];
      if ((Number.isInteger(label) && label >= 0 && label < classes) || label === ignoreClass) continue;
      const because = name === undefined ? `the model has ${classes} outputs` : `output '${name}' has ${classes} classes`;
      throw new DataError(
        `${where}: ${argument} holds the label ${label} at ${positionOf(samples, i)}; ${rule.name} takes class indices 0 to ${classes - 1}, ` +
          `because ${because}: correct the labels or change the last layer's units`,
      );
    }
    return;
  }
  const domain = targetKind && domains[targetKind];
  if (!domain) return;
  for (let i = 0; i < data.length; i++) {
    if (domain.has(data[i])) continue;
    throw new DataError(
      `${where}: ${argument} holds ${data[i]} at ${positionOf(samples, i)}; ${rule.name} takes ${domain.takes}: ${domain.fix}`,
    );
  }
}
