// The layers of a model and their connections, as nodes of a graph that a viewer draws.
import type { Config } from '../core/config.ts';
import { ArgumentError } from '../core/errors.ts';
import { leavesOf } from '../core/tree.ts';
import type { GraphNode } from '../formats/tensorBoardGraph.ts';
import { type Container, type HasLayer, type Layer, type Specs, type TensorSpec, layerOf } from '../nn/index.ts';

/**
 * A node for each input and each use of a layer, inputs first. The layers of a model inside the model have names such as `encoder/dense_1`.
 * Ops between the layers are left out: a layer is connected with the layers whose outputs they read.
 */
export function layerGraph(model: Layer | HasLayer, inputs?: Specs): GraphNode[] {
  const root = layerOf(model)!;
  const specs = inputs ?? root.inputSpecs;
  const shapes = specs ? shapesIn(specs) : [];
  // A layer that is a model by itself.
  if (!isContainer(root)) return [inputNode('input', shapes), node(root.name ?? root.kind, root, ['input'], [])];
  const names = [...new Set(root.calls.flatMap(({ sources }) => sources.filter((source) => typeof source === 'string')))];
  const given = names.map((name, i) => inputNode(name, names.length === shapes.length ? [shapes[i]] : []));
  return [...given, ...nodesOf(root, specs, '', (name) => [name])];
}

const isContainer = (layer: Layer): layer is Container => Array.isArray((layer as Partial<Container>).calls);

/** Shapes with -1 for the batch. */
const shapesIn = (specs: Specs): number[][] => leavesOf(specs).map(({ value }) => [-1, ...(value as TensorSpec).shape]);

const inputNode = (name: string, shapes: GraphNode['shapes']): GraphNode => ({ name, kind: 'input', inputs: [], shapes, options: {} });

function node(name: string, layer: Layer, inputs: readonly string[], shapes: GraphNode['shapes']): GraphNode {
  return { name, kind: layer.kind, inputs, shapes, options: plainOptions(layer) };
}

/** Nodes of a container. `sourcesOf` gives the nodes outside of it that feed one of its inputs. */
function nodesOf(
  container: Container,
  inputs: Specs | undefined,
  prefix: string,
  sourcesOf: (input: string) => readonly string[],
): GraphNode[] {
  const outputs = inputs && container.callSpecs(inputs);
  /** Nodes that give the output of each use. */
  const ends: (readonly string[])[] = [];
  const uses = new Map<string, number>();
  return container.calls.flatMap(({ name, layer, sources }, i) => {
    const use = (uses.get(name) ?? 0) + 1;
    uses.set(name, use);
    // A layer that is used again is a node of its own.
    const path = prefix + name + (use > 1 ? `_use_${use}` : '');
    const feeding = [...new Set(sources.flatMap((source) => (typeof source === 'string' ? sourcesOf(source) : ends[source])))];
    if (!isContainer(layer)) {
      ends[i] = [path];
      return [node(path, layer, feeding, outputs ? shapesIn(outputs[i]) : [])];
    }
    const inner = nodesOf(layer, layer.inputSpecs, `${path}/`, () => feeding);
    const read = new Set(inner.flatMap((part) => part.inputs));
    ends[i] = inner.map((part) => part.name).filter((part) => !read.has(part));
    return inner;
  });
}

/** Options that are plain values, such as units and activation. Options with a function of one's own cannot be written, so none is. */
function plainOptions(layer: Layer): GraphNode['options'] {
  const isPlain = (value: unknown): boolean =>
    ['string', 'number', 'boolean'].includes(typeof value) || (Array.isArray(value) && value.every((part) => typeof part === 'number'));
  try {
    const { options = {} } = (layer as { readonly config?: Partial<Config> }).config ?? {};
    return Object.fromEntries(Object.entries(options).filter(([, value]) => isPlain(value))) as GraphNode['options'];
  } catch (error) {
    if (error instanceof ArgumentError) return {};
    throw error;
  }
}
