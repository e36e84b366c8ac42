// The model as a table: layers, output shapes, numbers of parameters.
import { type Chain, type LayerTrees, type NamedLayer, formatBatches, shapesOf } from '../nn/index.ts';
import { type ModelCore, knownInputs } from './core.ts';
import type { Weights } from './steps.ts';
import { countElements } from './weights.ts';

const heads = ['Layer (type)', 'Output Shape', 'Param #', 'Connected to'];

/**
 * A line for each use of a layer, then the totals. Shapes are `?` until the inputs of the model are known. Graphs that are no chain have a column
 * with the layers and inputs that feed each use.
 */
export function formatSummary(core: ModelCore): string {
  const { network, weights } = core;
  const inputs = knownInputs(core);
  const root = network.root as Chain;
  const { calls } = root;
  const specs = inputs && root.callSpecs(inputs);
  const isChain = calls.every(({ connections }, i) => connections.length === 1 && (i === 0 || connections[0] === calls[i - 1].name));
  const columns = isChain ? heads.slice(0, -1) : heads;
  const lines = calls.map((call, i) =>
    [
      `${call.name} (${call.layer.kind})`,
      specs ? formatBatches(shapesOf(specs[i])) : '?',
      weights ? parametersOf(call, weights, calls.findIndex(({ layer }) => layer === call.layer) < i) : '?',
      call.connections.join(', '),
    ].slice(0, columns.length),
  );
  const widths = columns.map((head, column) => Math.max(head.length, ...lines.map((cells) => cells[column].length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i === 2 ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
      .join('   ')
      .trimEnd();
  const rule = (character: string): string => character.repeat(widths.reduce((sum, width) => sum + width, 3 * (widths.length - 1)));
  return [rule('─'), line(columns), rule('═'), ...lines.map(line), rule('═'), ...totals(core), rule('─')].join('\n');
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
