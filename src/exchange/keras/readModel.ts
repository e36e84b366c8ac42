// Models of a config: sequential ones, and graphs of both generations of Keras.
import type { Shape } from '../../core/shape.ts';
import { shown } from '../../core/shown.ts';
import { leavesOf, mapTree } from '../../core/tree.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { type Layer, type Tensors, chain, graph, input } from '../../nn/index.ts';
import { knowNames } from '../../train/factories.ts';
import { type KerasChild, type KerasLayer, converterNamed } from './converter.ts';
import { type CallArguments, type NodeCall, type TensorRef, readCalls, readRefs } from './inboundNodes.ts';
import { storeName } from './layers/sequences.ts';
import { type GraphOp, checkMasks, opsOf } from './masks.ts';
import { type JsonRecord, type Place, field, listAt } from './place.ts';
import {
  type ClassAndConfig,
  type LayerExtras,
  type Reading,
  classAndConfig,
  dtypeName,
  isModelClass,
  moduleOfOp,
  plainName,
  readLayer,
} from './readLayer.ts';

/** Paths of layers in a container, in Keras's way: dense, dense_1, ... in the order of the layers. */
export function storeNames(classNames: readonly string[]): string[] {
  const used = new Map<string, number>();
  return classNames.map((className) => {
    const name = storeName(converterNamed(className)?.pythonName ?? (className === 'Model' ? 'Functional' : className));
    const count = used.get(name);
    used.set(name, (count ?? -1) + 1);
    return count === undefined ? name : `${name}_${count + 1}`;
  });
}

const join = (store: string, name: string): string => (store ? `${store}/${name}` : name);

/** A model, and the layers in it, from its class and config. */
export function readModel(json: ClassAndConfig, place: Place, store: string, reading: Reading): KerasLayer {
  // The layers are given names of activations.
  knowNames();
  if (reading.depth <= 0) place.fail('models contain each other too deeply; at most 32 are allowed');
  const deeper = { ...reading, depth: reading.depth - 1 };
  return json.className === 'Sequential' ? readSequential(json, place, store, deeper) : readFunctional(json, place, store, deeper);
}

interface Entry {
  readonly shape: Shape | undefined;
  readonly dtype: 'f32' | 'i32';
  readonly batchSize: number | undefined;
  readonly name: string;
}

const largestSample = 2 ** 28;

/** Shape and dtype of an input: of an InputLayer, or of a layer that states its input. */
function readEntry(config: JsonRecord, name: string, place: Place, reading: Reading): Entry {
  const dtype = dtypeName(field(config, 'dtype') ?? field(config, 'input_dtype'), place);
  if (dtype === 'string') place.fail(`the input '${name}' has the dtype string; only numbers are supported here`);
  const kind = /^u?int|^bool/.test(dtype) ? 'i32' : 'f32';
  const given = field(config, 'batch_shape') ?? field(config, 'batch_input_shape');
  const chosen = Object.hasOwn(reading.inputShapes, name) ? reading.inputShapes[name] : undefined;
  if ((given === undefined || given === null) && !chosen) return { shape: undefined, dtype: kind, batchSize: undefined, name };
  const [batch, ...sizes] = chosen ? [null, ...chosen] : listAt(place, given, 'batch_shape');
  const shape = sizes.map((size) => {
    if (size === null) {
      place.fail(
        `the input '${name}' has the open shape ${shown(given)}; choose its sizes by { inputShapes: { '${name}': [...] } }, without the batch axis`,
      );
    }
    return Number.isSafeInteger(size) && (size as number) > 0
      ? (size as number)
      : place.fail(`the input '${name}' has the shape ${shown(given)}; sizes must be positive integers`);
  });
  if (shape.reduce((product, size) => product * size, 1) > largestSample)
    place.fail(`the input '${name}' has the shape ${shown(shape)}; a sample may have at most 2^28 elements`);
  return { shape, dtype: kind, batchSize: typeof batch === 'number' && Number.isSafeInteger(batch) && batch > 0 ? batch : undefined, name };
}

const labelOf = ({ name, className }: ClassAndConfig): string => `layer '${name}' (${className})`;

/** Reads a layer of a container. */
function readPart(part: ClassAndConfig, place: Place, store: string, reading: Reading, extras: LayerExtras): KerasLayer {
  const at = place.at(labelOf(part));
  return isModelClass(part) ? readModel(part, at, store, reading) : readLayer(part, at, store, reading, readModel, extras);
}

function readSequential(json: ClassAndConfig, place: Place, store: string, reading: Reading): KerasLayer {
  const { name, config } = json;
  const parts = listAt(place, field(config, 'layers'), 'layers').map((one) => classAndConfig(one, place));
  const isInput = parts[0]?.className === 'InputLayer';
  const used = isInput ? parts.slice(1) : parts;
  if (used.length === 0) place.fail(`the model '${name}' has no layers`);
  const first = isInput ? parts[0] : used[0];
  // A model that begins with another one states its input there.
  const build = field(config, 'build_input_shape') ?? field(config, 'batch_input_shape');
  const stated = readEntry(first.config, first.name, place, reading);
  const entry =
    stated.shape || !build || isModelClass(first)
      ? stated
      : { ...readEntry({ batch_shape: build }, first.name, place, reading), dtype: stated.dtype };
  const stores = storeNames(used.map(({ className }) => className));
  const nodes = used.map((part, i) =>
    readPart(part, place, join(store, `layers/${stores[i]}`), reading, {
      ...(i === 0 && entry.shape && !isModelClass(part) && { inputShape: entry.shape }),
      ...(entry.batchSize !== undefined && { batchSize: entry.batchSize }),
    }),
  );
  const children = childrenOf(nodes, stores);
  const list = nodes.map(({ layer }) => layer);
  const layer = place.guard(() => {
    const fits = !entry.shape || (list[0].inputShape !== undefined && (entry.dtype === list[0].inputDtype || list[0].inputDtype === 'i32'));
    if (fits) return chain(list, plainName(name));
    const x = input({ shape: entry.shape, dtype: entry.dtype, name: plainName(entry.name) });
    return graph({ inputs: x, outputs: list.reduce<Tensors>((y, one) => one.apply(y), x), name: plainName(name) });
  });
  return { className: 'Sequential', name, layer, weights: [], children, isModel: true };
}

const childrenOf = (nodes: readonly KerasLayer[], stores: readonly string[]): KerasChild[] =>
  nodes.map((node, i) => ({ store: `layers/${stores[i]}`, name: node.name, node }));

/** A layer of a graph with the calls of it. */
interface GraphPart {
  readonly part: ClassAndConfig;
  readonly calls: readonly NodeCall[];
  readonly place: Place;
  readonly store: string;
  node?: KerasLayer;
}

function readFunctional(json: ClassAndConfig, place: Place, store: string, reading: Reading): KerasLayer {
  const { name, config } = json;
  const parts = new Map<string, GraphPart>();
  const listed = listAt(place, field(config, 'layers'), 'layers');
  const ops = opsOf(listed, place);
  const given = listed.filter((one) => !moduleOfOp(one)).map((one) => ({ json: one as JsonRecord, part: classAndConfig(one, place) }));
  const stores = storeNames(given.map(({ part }) => part.className));
  given.forEach(({ json: one, part }, i) => {
    const key = typeof field(one, 'name') === 'string' ? (one.name as string) : part.name;
    if (parts.has(key)) place.fail(`two layers have the name '${key}'; names must differ`);
    const at = place.at(labelOf(part));
    const calls = part.className === 'InputLayer' ? [] : readCalls(part, field(one, 'inbound_nodes'), at);
    parts.set(key, { part, calls, place: at, store: stores[i] });
  });
  const made = new Map<string, readonly Tensor[]>();
  const inputs: Tensor[] = [];
  for (const [key, { part, place: at }] of parts) {
    if (part.className !== 'InputLayer') continue;
    const entry = readEntry(part.config, part.name, at, reading);
    if (!entry.shape) return at.fail('the input has no shape; write the model again with batch_shape');
    const x = at.guard(() => input({ shape: entry.shape!, dtype: entry.dtype, name: plainName(part.name) }));
    made.set(`${key}#0`, [x]);
    inputs.push(x);
  }
  const nodeOf = (part: GraphPart): KerasLayer =>
    (part.node ??= readPart(part.part, place, join(store, `layers/${part.store}`), reading, extrasOf(part)));
  checkMasks([...parts.values()], ops);
  applyAll(parts, made, { place, ops, nodeOf });
  const outputOf = (ref: TensorRef, isExit: boolean): Tensor => {
    const key = `${ref.layer}#${nodeIndex(ref, parts.get(ref.layer), isExit)}`;
    const found = made.get(key)?.[ref.tensor];
    if (ops.has(ref.layer)) place.fail(`an output is that of ${ops.get(ref.layer)!.text}`);
    return found ?? place.fail(`output ${ref.tensor} of call ${ref.node} of '${ref.layer}' does not exist`);
  };
  const treeOf = (refs: unknown, side: string): Tensors => {
    const tree = readRefs(refs, place.at(side));
    return mapTree(tree, (ref) => outputOf(ref as TensorRef, true)) as Tensors;
  };
  const layer = place.guard(() =>
    graph({
      inputs: treeOf(field(config, 'input_layers'), 'input_layers'),
      outputs: treeOf(field(config, 'output_layers'), 'output_layers'),
      name: plainName(name),
    }),
  );
  const used = [...parts.values()].filter((part) => part.node);
  const children = used.map(({ store: path, node }) => ({ store: `layers/${path}`, name: node!.name, node: node! }));
  return { className: 'Functional', name, layer, weights: [], children, isModel: true };
}

/** Arguments of the calls that are options of the layer here. All calls must agree on them. */
function extrasOf({ calls, place }: GraphPart): LayerExtras {
  const causal = new Set(calls.map((call) => call.causal));
  if (causal.size > 1) place.fail('use_causal_mask differs between the calls of the layer; it must be the same');
  return { causal: causal.has(true) };
}

/**
 * Position of a call among those of the graph. Models have a call of their own, which comes first in files of Keras 2 and TensorFlow.js, and in the
 * outputs of Keras 3.
 */
function nodeIndex(ref: TensorRef, target: GraphPart | undefined, isExit: boolean): number {
  if (!target || !isModelClass(target.part)) return ref.node;
  const isOld = target.calls.some((call) => call.isLegacy);
  const shifted = isOld || (isExit && target.part.className !== 'Sequential') ? ref.node - 1 : ref.node;
  return shifted >= 0 && shifted < target.calls.length ? shifted : ref.node;
}

/** Calls every layer as soon as its inputs are there. */
function applyAll(
  parts: ReadonlyMap<string, GraphPart>,
  made: Map<string, readonly Tensor[]>,
  {
    place,
    ops,
    nodeOf,
  }: { readonly place: Place; readonly ops: ReadonlyMap<string, GraphOp>; readonly nodeOf: (part: GraphPart) => KerasLayer },
): void {
  const waiting = new Map<string, (() => void)[]>();
  const open = new Set<string>();
  const ready: (() => void)[] = [];
  for (const [key, part] of parts) {
    part.calls.forEach((call, index) => {
      const own = `${key}#${index}`;
      open.add(own);
      const needs = new Set(
        leavesOf(call.inputs).map(({ value }) => {
          const ref = value as TensorRef;
          const target = parts.get(ref.layer);
          if (!target) part.place.fail(`takes an output of ${ops.get(ref.layer)?.text ?? `'${ref.layer}', which is not in the model`}`);
          return `${ref.layer}#${nodeIndex(ref, target, false)}`;
        }),
      );
      let missing = [...needs].filter((need) => !made.has(need)).length;
      const run = (): void => {
        made.set(own, applyCall(nodeOf(part).layer, call, part, parts, made));
        open.delete(own);
        for (const next of waiting.get(own) ?? []) next();
      };
      if (missing === 0) ready.push(run);
      for (const need of needs) {
        if (made.has(need)) continue;
        waiting.set(need, [...(waiting.get(need) ?? []), () => void (--missing === 0 && ready.push(run))]);
      }
    });
  }
  // A list that grows while it is read: each call that ran may make others ready.
  for (let i = 0; i < ready.length; i++) ready[i]();
  if (open.size > 0) {
    const names = [...open].slice(0, 5).map((key) => `'${key.slice(0, key.lastIndexOf('#'))}'`);
    place.fail(
      `the inputs of ${[...new Set(names)].join(', ')} never come: the graph has a circle, or takes an output that does not exist`,
    );
  }
}

function applyCall(
  layer: Layer,
  call: NodeCall,
  part: GraphPart,
  parts: ReadonlyMap<string, GraphPart>,
  made: ReadonlyMap<string, readonly Tensor[]>,
): readonly Tensor[] {
  const tensors = mapTree(call.inputs, (leaf) => {
    const ref = leaf as TensorRef;
    const found = made.get(`${ref.layer}#${nodeIndex(ref, parts.get(ref.layer), false)}`)?.[ref.tensor];
    return found ?? part.place.fail(`takes output ${ref.tensor} of '${ref.layer}', which has fewer`);
  }) as Tensors;
  const options: CallArguments = call.training === undefined ? {} : { training: call.training };
  const outputs = part.place.guard(() => layer.apply(tensors, options));
  return leavesOf(outputs).map(({ value }) => value as Tensor);
}
