// The layer contract. A layer is a description: it holds options and a name, never weights. `build` makes the weights for an input shape,
// `apply` is a pure function of weights, state and input. Models hold the weights, under the layer's name.
import { ArgumentError, ShapeError, asText } from '../core/errors.ts';
import { type RandomStream, globalStream } from '../core/random.ts';
import type { Shape } from '../core/shape.ts';
import { withScope } from '../graph/scope.ts';
import type { Tensor } from '../graph/tensor.ts';

export type Tensors = Readonly<Record<string, Tensor>>;

/** What a layer needs beside its input: trained parameters, and state that training updates without a gradient (moving statistics). */
export interface Variables {
  readonly parameters: Tensors;
  readonly state: Tensors;
}

export interface ApplyOptions {
  /** Dropout drops and moving statistics move only while training. */
  readonly training: boolean;
}

export interface LayerOptions {
  /** Names the layer's weights and every op it makes; made by the model where absent, such as `dense_1`. */
  name?: string;
  /** False keeps the parameters as they are: they get no gradient. May be changed on the layer between calls of fit. */
  trainable?: boolean;
  /** Shape of one input, without the batch axis; the first layer of a model may state it so that the model is built before it sees data. */
  inputShape?: Shape;
}

export const layerOptionNames = ['name', 'trainable', 'inputShape'] as const;

export interface Layer {
  /** The factory's name, such as `dense`. */
  readonly kind: string;
  /** Undefined until given or made by the model that takes the layer in. */
  name: string | undefined;
  trainable: boolean;
  readonly inputShape: Shape | undefined;
  /** Dtype of the batches that reach the layer first in a model; data are brought into it on the host. */
  readonly inputDtype: 'f32' | 'i32';
  /** Shapes here leave out the batch axis. Throws where the layer does not take the shape. */
  outputShape(inputShape: Shape): Shape;
  /** Fresh parameters and state, on the host. */
  build(inputShape: Shape, random?: RandomStream): Variables;
  /** Pure: the output and the next state. Random ops draw their key from the call that is being traced. */
  apply(variables: Variables, x: Tensor, options: ApplyOptions): { readonly y: Tensor; readonly state: Tensors };
}

export interface LayerDefinition {
  readonly kind: string;
  readonly options: LayerOptions;
  /** `where` is the layer as messages name it. */
  outputShape(inputShape: Shape, where: string): Shape;
  parameters?(inputShape: Shape, random: RandomStream): Tensors;
  /** For layers without state: output from input. */
  forward(parameters: Tensors, x: Tensor, options: ApplyOptions): Tensor;
}

/** A layer without state from its definition: adds the checks, the name and the scope that all layers share. */
export function defineLayer(definition: LayerDefinition): Layer {
  const { kind, options } = definition;
  const { name, trainable = true, inputShape } = options;
  if (name !== undefined && (typeof name !== 'string' || !/^[^/\s]+$/.test(name))) {
    throw new ArgumentError(`${kind}: name is ${asText(name)}; it must be a text without blanks and slashes`);
  }
  if (inputShape !== undefined) checkSizes(kind, 'inputShape', inputShape);
  const where = (layer: Layer): string => layer.name ?? kind;
  return {
    kind,
    name,
    trainable,
    inputShape,
    inputDtype: 'f32',
    outputShape(shape) {
      return definition.outputShape(shape, where(this));
    },
    build(shape, random = globalStream()) {
      definition.outputShape(shape, where(this));
      return { parameters: definition.parameters?.(shape, random) ?? {}, state: {} };
    },
    apply({ parameters, state }, x, applyOptions) {
      definition.outputShape(x.shape.slice(1), where(this));
      return withScope(where(this), () => ({ y: definition.forward(parameters, x, applyOptions), state }));
    },
  };
}

/** Throws unless `shape` is a list of positive integers. */
export function checkSizes(where: string, argument: string, shape: unknown): void {
  if (Array.isArray(shape) && shape.every((n) => Number.isInteger(n) && (n as number) > 0)) return;
  throw new ShapeError(`${where}: ${argument} is ${asText(shape)}; it must be a list of positive integers, without the batch axis`);
}

/** Throws unless `value` is a positive integer. */
export function checkPositive(where: string, argument: string, value: unknown): void {
  if (Number.isInteger(value) && (value as number) > 0) return;
  throw new ArgumentError(`${where}: ${argument} is ${String(value)}; it must be a positive integer`);
}

/** A shape with the batch axis that messages put in front: `[batch,28,28]`. */
export const formatBatch = (shape: Shape): string => `[${['batch', ...shape].join(',')}]`;

/** Throws unless the input (without its batch axis) has this rank; `axes` says what the layer expects. */
export function checkRank(where: string, shape: Shape, rank: number, axes: string): void {
  if (shape.length !== rank) refuseRank(where, shape, axes);
}

/** Throws unless the input (without its batch axis) has at least this rank. */
export function checkRankAtLeast(where: string, shape: Shape, rank: number, axes: string): void {
  if (shape.length < rank) refuseRank(where, shape, axes);
}

function refuseRank(where: string, shape: Shape, axes: string): never {
  throw new ShapeError(
    `${where}: takes inputs ${axes}, got inputs of shape ${formatBatch(shape)}; reshape the data or put a reshape layer in front`,
  );
}
