// LoRA: a kernel is frozen, and the product of two small matrices is added to it. Hu et al., "LoRA: Low-Rank Adaptation of Large Language
// Models", 2021. A layer names the kernels that take it. The frozen kernel becomes state of the layer, so that nothing trains it.
import { ArgumentError, OmbreError } from '../core/errors.ts';
import { RandomStream, globalStream } from '../core/random.ts';
import type { Shape } from '../core/shape.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, matmul, mul, reshape } from '../ops/index.ts';
import { initializers } from './initializers.ts';
import { type Layer, type TensorRecord, type Variables, joinPath } from './layer.ts';
import { packedProduct } from './packedKernels.ts';
import { type Lora, type LoraAxes, type LoraOptions, loraOptions } from './loraOptions.ts';

const nameA = (name: string): string => `${name}LoraA`;
const nameB = (name: string): string => `${name}LoraB`;

/** Names of A and B of a layer's parameters. */
export const adapterNames = (axes: LoraAxes): string[] => Object.keys(axes).flatMap((name) => [nameA(name), nameB(name)]);

/** The variables with LoRA: kernels become state, and A (He uniform) and B (zeros) take their places. */
export function withAdapters({ parameters, state }: Variables, axes: LoraAxes, lora: Lora, random: RandomStream): Variables {
  const frozen: Record<string, Tensor> = {};
  const trained: Record<string, Tensor> = {};
  for (const [name, value] of Object.entries(parameters)) {
    if (!Object.hasOwn(axes, name)) {
      (lora.trainOthers ? trained : frozen)[name] = value;
      continue;
    }
    frozen[name] = value;
    const at = axes[name] < 0 ? value.rank + axes[name] : axes[name];
    trained[nameA(name)] = initializers.heUniform()([...value.shape.slice(0, at), lora.rank], random);
    trained[nameB(name)] = initializers.zeros()([lora.rank, ...value.shape.slice(at)], random);
  }
  return { parameters: trained, state: { ...frozen, ...state } };
}

/** kernel + A B, for A and B of any number of axes. */
function adapted(kernel: Tensor, a: Tensor, b: Tensor): Tensor {
  const rank = b.shape[0];
  return add(kernel, reshape(matmul(reshape(a, [-1, rank]), reshape(b, [rank, -1])), kernel.shape));
}

/**
 * The parameters that a layer computes with, and the frozen ones among them. `separate` keeps A, times alpha / rank, and B beside the kernel.
 * A kernel that is given in the place of the layer's own is used as it is.
 */
export function adaptedParameters({ parameters, state }: Variables, axes: LoraAxes, { rank, alpha }: Lora, separate: boolean) {
  const values: Record<string, Tensor> = { ...state, ...parameters };
  for (const name of Object.keys(axes)) {
    const { [nameA(name)]: a, [nameB(name)]: b } = values;
    if (!Object.hasOwn(values, nameA(name))) continue;
    delete values[nameA(name)];
    delete values[nameB(name)];
    if (Object.hasOwn(parameters, name)) continue;
    const scaled = alpha === rank ? a : mul(a, alpha / rank);
    if (separate) Object.assign(values, { [nameA(name)]: scaled, [nameB(name)]: b });
    else values[name] = adapted(values[name], scaled, b);
  }
  return values;
}

/** The variables without LoRA: A B is added to the kernels, and all parameters are in the order of the layer without LoRA. */
export function mergedVariables(variables: Variables, axes: LoraAxes, lora: Lora, ownState: readonly string[]): Variables {
  const values = adaptedParameters(variables, axes, lora, false);
  const listed = lora.trainOthers
    ? Object.keys(variables.parameters).flatMap((name) => {
        const kernel = Object.keys(axes).find((one) => nameA(one) === name || nameB(one) === name);
        return kernel === undefined ? [name] : nameA(kernel) === name ? [kernel] : [];
      })
    : Object.keys(variables.state).filter((name) => !ownState.includes(name));
  const pick = (names: readonly string[]): TensorRecord => Object.fromEntries(names.map((name) => [name, values[name]]));
  return { parameters: pick(listed), state: pick(ownState) };
}

/**
 * x [..., in] times a kernel of floats or a packed one, flattened to [in, out]. With LoRA, x A B is added: no matrix of the kernel's size is
 * made.
 */
export function loraProduct(x: Tensor, parameters: Readonly<Record<string, Tensor | undefined>>, name: string): Tensor {
  const packed = packedProduct(x, parameters, name);
  if (packed) return packed;
  const rows = x.shape[x.rank - 1];
  const flat = (kernel: Tensor, leading: number): Tensor => (kernel.rank === 2 ? kernel : reshape(kernel, [leading, columnsOf(kernel.shape, leading)]));
  const y = matmul(x, flat(parameters[name]!, rows));
  const [a, b] = [parameters[nameA(name)], parameters[nameB(name)]];
  if (!a || !b) return y;
  return add(y, matmul(matmul(x, flat(a, rows)), flat(b, b.shape[0])));
} // prettier-ignore

const columnsOf = (shape: Shape, rows: number): number => shape.reduce((a, b) => a * b, 1) / Math.max(1, rows);

/** A layer and its path. */
export interface LoraTarget {
  readonly path: string;
  readonly layer: Layer;
}

/** Layers that take LoRA inside a layer, each once. */
export const loraTargets = (root: Layer): LoraTarget[] => layersInside(root).filter(({ layer }) => layer.loraAxes);

/** A layer and all layers inside it, each once. */
export function layersInside(root: Layer): LoraTarget[] {
  const found = new Map<Layer, LoraTarget>();
  const visit = (layer: Layer, at: string): void => {
    if (!found.has(layer)) found.set(layer, { path: at, layer });
    for (const [name, inner] of Object.entries(layer.sublayers)) visit(inner, joinPath(at, name));
  };
  visit(root, root.ownsVariables ? (root.name ?? root.kind) : '');
  return [...found.values()];
}

/** @throws OmbreError for a layer that a step or fit uses now. */
export function requireIdle(where: string, targets: readonly LoraTarget[]): void {
  const busy = targets.find(({ layer }) => layer.variables.uses > 0);
  if (busy) throw new OmbreError(`${where}: the layer '${busy.path}' is in use by a model; await its fit or step first`);
}

/** @throws ArgumentError, before anything changes, if no layer takes LoRA or one has it. */
export function enableLora(root: Layer, options: LoraOptions): void {
  const where = `${root.name ?? root.kind}.enableLora`;
  const { rank, alpha = rank, trainOthers } = loraOptions.read(options);
  const targets = loraTargets(root);
  if (targets.length === 0) {
    throw new ArgumentError(`${where}: no kernel here takes LoRA; dense, einsumDense, embedding, convolution and attention layers have some`);
  } // prettier-ignore
  const done = targets.find(({ layer }) => layer.lora);
  if (done) throw new ArgumentError(`${where}: '${done.path}' has LoRA of rank ${done.layer.lora!.rank}; call mergeLora() first`);
  const packed = targets.find(({ layer }) => layer.isQuantized);
  if (packed) throw new ArgumentError(`${where}: '${packed.path}' is quantized, and cannot be trained; enable LoRA on the float layer`);
  requireIdle(where, targets);
  for (const { layer } of targets) layer.setLora({ rank, alpha, trainOthers }, new RandomStream(globalStream().nextKey()));
}

/** @throws ArgumentError if no layer has LoRA. */
export function mergeLora(root: Layer): void {
  const where = `${root.name ?? root.kind}.mergeLora`;
  const targets = loraTargets(root).filter(({ layer }) => layer.lora);
  if (targets.length === 0) throw new ArgumentError(`${where}: no layer here has LoRA; call enableLora({ rank }) first`);
  requireIdle(where, targets);
  for (const { layer } of targets) layer.setLora(undefined);
}
