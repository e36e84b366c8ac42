// The model as a table: layers, output shapes, numbers of parameters.
import { type Chain, type LayerTrees, type NamedLayer, type TensorSpec, formatBatch } from '../nn/index.ts';
import { type ModelCore, knownInputs } from './core.ts';
import type { Weights } from './steps.ts';
import { countElements } from './weights.ts';

const heads = ['Layer (type)', 'Output Shape', 'Param #'];

/** A line per use of a layer, then the totals; shapes are `?` while the model does not know its input's. */
export function formatSummary(core: ModelCore): string {
  const { network, weights } = core;
  const inputs = knownInputs(core);
  const root = network.root as Chain;
  const { calls } = root;
  const shapes = inputs && root.callSpecs(inputs).map((spec) => (spec as TensorSpec).shape);
  const rows = calls.map((call, i) => [
    `${call.name} (${call.layer.kind})`,
    shapes ? formatBatch(shapes[i]) : '?',
    weights ? parametersOf(call, weights, calls.findIndex(({ layer }) => layer === call.layer) < i) : '?',
  ]);
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column].length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i === cells.length - 1 ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join('   ');
  const rule = (character: string): string => character.repeat(line(heads).length);
  return [rule('─'), line(heads), rule('═'), ...rows.map(line), rule('═'), ...totals(core), rule('─')].join('\n');
}

/** Number of weights; those of a layer that is used again were counted where it came first. */
function parametersOf({ name }: NamedLayer, weights: Weights, again: boolean): string {
  const count = countElements([weights.parameters, weights.state].map((trees) => inside(name, trees)));
  return again && count ? 'shared' : count.toLocaleString('en-US');
}

/** Trees of a layer and of the layers inside it. */
const inside = (name: string, trees: LayerTrees): unknown[] =>
  Object.entries(trees).flatMap(([path, tree]) => (path === name || path.startsWith(`${name}/`) ? [tree] : []));

function totals({ network, weights }: ModelCore): string[] {
  if (!weights) return ['The model is not built: give its first layer an inputShape, or call fit.'];
  let trainable = 0;
  let frozen = 0;
  for (const { name, layer } of network.owners) {
    const parameters = countElements(weights.parameters[name]);
    if (layer.trainable) trainable += parameters;
    else frozen += parameters;
    frozen += countElements(weights.state[name]);
  }
  const row = (label: string, count: number): string => `${label}: ${count.toLocaleString('en-US')} (${formatBytes(4 * count)})`;
  return [row('Total params', trainable + frozen), row('Trainable params', trainable), row('Non-trainable params', frozen)];
}

function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 2 ** 20 ? `${(bytes / 1024).toFixed(2)} KB` : `${(bytes / 2 ** 20).toFixed(2)} MB`;
}
