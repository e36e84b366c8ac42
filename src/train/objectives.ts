// Objectives: the losses and metrics of compile() assigned to the outputs of a network, and the names of their values in logs.
import { ArgumentError } from '../core/errors.ts';
import { repeatedName } from '../core/names.ts';
import { nearestName } from '../core/nearest.ts';
import { leafName, leavesOf } from '../core/tree.ts';
import { type JointLoss, isJointLoss } from '../losses/index.ts';
import type { Direction, Metric } from '../metrics/index.ts';
import type { Network, Specs, Tensors } from '../nn/index.ts';
import type { Assigned, OutputLoss, TrainingSetup } from './trainingSetup.ts';

/** One output of a network. */
export interface NamedOutput {
  /** Key of the record of outputs, name that the network gives, or `output_1`. */
  readonly name: string;
  /** Place in the tree of outputs: `.digit`, `[0]`, or nothing for a single tensor. */
  readonly path: string;
}

export interface NamedMetric {
  /** Name in logs. */
  readonly name: string;
  readonly metric: Metric;
  /** Whether it takes sample weights into account. */
  readonly isWeighted: boolean;
}

export interface OutputObjective extends NamedOutput {
  readonly loss: OutputLoss | undefined;
  readonly lossWeight: number;
  readonly metrics: readonly NamedMetric[];
}

export interface Objectives {
  readonly outputs: readonly OutputObjective[];
  /** The loss over all outputs, if there is one. The outputs then have none of their own. */
  readonly joint: JointLoss | undefined;
  /** Outputs whose losses are summed and logged apart from `loss`. Empty if `loss` is the only one. */
  readonly parts: readonly OutputObjective[];
  /** Names of scalars that a custom step reports in addition to its loss. */
  readonly logs: readonly string[];
  /** Names of all values in logs: `loss`, the losses of the outputs, then their metrics. */
  readonly names: readonly string[];
}

/** The outputs of a network in the order of their tree. */
export function namedOutputs(network: Network, specs: Specs | Tensors): NamedOutput[] {
  const { outputNames } = network.root as { readonly outputNames?: readonly string[] };
  const leaves = leavesOf(specs);
  return leaves.map(({ path }, i) => {
    const inList = leaves.length > 1 ? `output_${i + 1}` : 'output';
    return { name: outputNames?.[i] ?? (path === '' || /^\[\d/.test(path) ? inList : leafName(path)), path };
  });
}

/**
 * Assigns losses and metrics to outputs.
 * @throws ArgumentError for outputs that do not exist, a model without any loss, and values that would share a name in logs.
 */
export function assignObjectives(setup: TrainingSetup, named: readonly NamedOutput[]): Objectives {
  const joint = isJointLoss(setup.loss) ? setup.loss : undefined;
  const lossOf = isJointLoss(setup.loss) ? () => undefined : pick('loss', setup.loss, named);
  const weightOf = pick('lossWeights', setup.lossWeights, named);
  const metricsOf = pick('metrics', flatForOne(setup.metrics, named), named);
  const weightedOf = pick('weightedMetrics', flatForOne(setup.weightedMetrics, named), named);
  const several = named.length > 1;
  const outputs = named.map((output, i): OutputObjective => {
    const prefix = several ? `${output.name}_` : '';
    const plain = (metricsOf(i) ?? []).map((metric) => ({ name: prefix + metric.name, metric, isWeighted: false }));
    const weighted = (weightedOf(i) ?? []).map((metric) => {
      const isTaken = plain.some(({ name }) => name === prefix + metric.name);
      return { name: `${prefix}${isTaken ? 'weighted_' : ''}${metric.name}`, metric, isWeighted: true };
    });
    return { ...output, loss: lossOf(i), lossWeight: weightOf(i) ?? 1, metrics: [...plain, ...weighted] };
  });
  if (!joint && !setup.trainStep && outputs.every(({ loss }) => !loss)) {
    throw new ArgumentError(
      `compile: no output has a loss, so there is nothing to train on; give one of them a loss: { ${named[0].name}: 'meanSquaredError' }`,
    );
  }
  const idle = outputs.find(({ loss }, i) => !loss && weightOf(i) !== undefined);
  if (idle)
    throw new ArgumentError(`compile: lossWeights has '${idle.name}', but this output has no loss of its own; leave its weight out`);
  const parts = several ? outputs.filter(({ loss }) => loss) : [];
  const names = ['loss', ...parts.map(({ name }) => `${name}_loss`), ...outputs.flatMap(({ metrics }) => metrics.map(({ name }) => name))];
  checkNames(names, several);
  return { outputs, joint, parts, logs: [], names };
}

/**
 * Direction of the values in logs, by name: losses are minimised, and metrics state theirs. A log of the user's own step is a loss if its
 * name ends in 'loss'.
 */
export function directionsOf({ outputs, parts, logs }: Objectives): Record<string, Direction> {
  const lost = ['loss', ...parts.map(({ name }) => `${name}_loss`), ...logs.filter((name) => /loss$/i.test(name))];
  const stated = outputs.flatMap(({ metrics }) =>
    metrics.flatMap(({ name, metric: { direction } }) => (direction ? [[name, direction] as const] : [])),
  );
  return Object.fromEntries([...lost.map((name) => [name, 'min'] as const), ...stated]);
}

/** A list of metrics belongs to the only output of a model as a whole. */
function flatForOne(metrics: Assigned<readonly Metric[]>, named: readonly NamedOutput[]): Assigned<readonly Metric[]> {
  return named.length === 1 && 'list' in metrics ? { every: metrics.list.flatMap((entry) => entry ?? []) } : metrics;
}

const listOutputs = (names: readonly string[]): string => `${names.length > 1 ? 'outputs are' : 'its only output is'} ${names.join(', ')}`;

/** Returns the error for an option that names an unknown output. `example` shows the form of a value. */
export function unknownOutput(where: string, option: string, name: string, outputs: readonly string[], example?: string): ArgumentError {
  const near = nearestName(name, outputs);
  const known = listOutputs(outputs);
  const fix =
    near === undefined
      ? `${known}${example === undefined ? '' : `: give ${example}`}`
      : `did you mean '${near}'? The ${known.replace('its ', '')}`;
  return new ArgumentError(`${where}: ${option} has '${name}', which is no output of the model; ${fix}`);
}

/** The value of each output. */
function pick<T>(option: string, assigned: Assigned<T>, named: readonly NamedOutput[]): (output: number) => T | undefined {
  const names = named.map(({ name }) => name);
  if ('every' in assigned) return () => assigned.every;
  if ('list' in assigned) {
    const { list } = assigned;
    // No metrics at all are an empty list.
    if (list.length === 0 && option.toLowerCase().endsWith('metrics')) return () => undefined;
    if (list.length === names.length) return (i) => list[i];
    throw new ArgumentError(
      `compile: ${option} has ${list.length} entries, but the model has ${names.length} outputs; give one entry per output, or a record by name: ${listOutputs(names)}`,
    );
  }
  const { byName } = assigned;
  for (const name of byName.keys()) {
    if (names.includes(name)) continue;
    throw unknownOutput('compile', option, name, names);
  }
  return (i) => byName.get(names[i]);
}

/** Names of logs must differ, also from those of validation. */
function checkNames(names: readonly string[], several: boolean): void {
  const all = [...names, ...names.map((name) => `val_${name}`)];
  const twice = repeatedName(all);
  if (twice === undefined) return;
  throw new ArgumentError(
    `compile: two values would be called '${twice}' in the logs; ${several ? 'give an output, or a metric, another name' : 'give one metric another name'}: metrics.NAME({ name })`,
  );
}
