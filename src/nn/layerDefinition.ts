// Definitions of layers: the form that defineLayer() takes.
import type { Dtype } from '../core/dtype.ts';
import { ArgumentError, asText, checkOptions } from '../core/errors.ts';
import type { RandomStream } from '../core/random.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { Constraint } from './constraints.ts';
import type { ApplyOptions, Flow, Layer, LayerOptions, LayerResult, Masks, TensorRecord, Variables } from './layer.ts';
import type { LoraAxes } from './loraOptions.ts';
import type { Regularizer } from './regularizers.ts';
import type { Shapes, ShapesOf, Tensors } from './spec.ts';

/** Options of a call of a sublayer. */
export interface SublayerCallOptions {
  readonly mask?: Masks;
  /** Values that take the place of the sublayer's parameters of the same names, in this call only. */
  readonly parameters?: TensorRecord;
}
/** Parameters of a sublayer, which is built for inputs of these shapes (without the batch axis) if it is not built yet. */
export type SublayerParameters = (inputShape: Shapes) => TensorRecord;

/** Calls a sublayer inside the pass of the layer that contains it. */
export interface SublayerCall {
  (x: Tensor, options?: SublayerCallOptions): Tensor;
  (x: Tensors, options?: SublayerCallOptions): Tensors;
  /** Outputs with their masks. */
  readonly flow: (x: Tensors, options?: SublayerCallOptions) => Flow;
  readonly parameters: SublayerParameters;
}

/** Calls of the sublayers of a definition, by name. */
export type SublayerCalls<L> = { readonly [N in keyof L]: SublayerCall };

export interface LayerDefinition<
  I = Tensor,
  O = Tensor,
  P extends object = TensorRecord,
  S extends object = TensorRecord,
  L extends object = Record<never, never>,
  InputShapes = ShapesOf<I>,
  OutputShapes = ShapesOf<O>,
> {
  readonly kind: string;
  readonly options: LayerOptions;
  /** 'tree' for a layer whose input is a list or record of tensors. @default 'tensor' */
  readonly takes?: 'tensor' | 'tree';
  /** @default 'f32' */
  readonly inputDtype?: 'f32' | 'i32';
  /** Dtype of the outputs, if outputShape is given. @default 'f32' */
  readonly outputDtype?: Dtype;
  /** 'f32' computes in f32 under mixed precision too, for sums that f16 cannot hold. @default 'policy' */
  readonly precision?: 'policy' | 'f32';
  /** 'pass': outputs keep the mask of the input. 'drop': they have none, unless `apply` returns one. @default 'drop' */
  readonly masking?: 'pass' | 'drop';
  /** Penalties of parameters by name. They are added to the loss while the layer is trainable. */
  readonly regularizers?: Readonly<Record<string, Regularizer | undefined>>;
  /** Rules by name that parameters are brought back to after each update. */
  readonly constraints?: Readonly<Record<string, Constraint | undefined>>;
  /** Penalty of the outputs. It is divided by the batch size and added to the loss. */
  readonly activityRegularizer?: Regularizer | undefined;
  /** Parameters that take LoRA, with the axis that divides the axes of A from those of B. */
  readonly lora?: LoraAxes;
  /** Whether `apply` adds the product of LoRA itself, by loraProduct(). Otherwise it gets kernels with A B added. @default false */
  readonly appliesLora?: boolean;
  /** Parameters that can be packed as int8, with the axes whose elements share a scale. */
  readonly quantize?: Readonly<Record<string, readonly number[]>>;
  /** Whether `apply` unpacks by itself: it gets NAMEInt8 and NAMEScale. Otherwise it gets unpacked kernels. @default false */
  readonly unpacks?: boolean;
  /** Layers that `apply` calls. A layer may occur under several names. */
  readonly layers?: L;
  /**
   * Shapes without the batch axis. `where` names the layer in messages.
   * When this is absent, the shapes follow from a trial of `apply` without values.
   */
  outputShape?(inputShape: InputShapes, where: string): OutputShapes;
  /** Fresh variables for an input shape. A layer without it has none. `layers` reads the parameters of sublayers. */
  build?(
    inputShape: InputShapes,
    random: RandomStream,
    layers: { readonly [N in keyof L]: SublayerParameters },
  ): { readonly parameters?: P; readonly state?: S };
  /** Pure: outputs from variables and inputs. Layers with state return the next state too. */
  apply(
    variables: Variables<P, S> & { readonly layers: SublayerCalls<L> },
    inputs: I,
    options: ApplyOptions,
  ): O | { readonly outputs: O; readonly state?: S; readonly mask?: Masks; readonly losses?: readonly Tensor[] };
}

/** Layers of one tensor need not say so. */
export type Takes<I> = [I] extends [Tensor] ? { readonly takes?: 'tensor' } : { readonly takes: 'tree' };

const definitionNames = [
  ...['kind', 'options', 'takes', 'inputDtype', 'outputDtype', 'precision', 'masking', 'regularizers', 'constraints'],
  ...['activityRegularizer', 'lora', 'appliesLora', 'quantize', 'unpacks', 'layers', 'outputShape', 'build', 'apply'],
];

/** Refuses what is no definition, and names that a definition does not have. */
export function checkDefinition(definition: unknown): unknown {
  const example = "defineLayer({ kind: 'double', options: {}, apply: (_, x) => x.mul(2) })";
  checkOptions('defineLayer', definition, definitionNames, example);
  const { kind, options = {}, apply } = (definition ?? {}) as Partial<AnyDefinition>;
  if (typeof kind !== 'string' || kind === '')
    throw new ArgumentError(`defineLayer: kind is ${asText(kind)}; it must be a text, as in ${example}`);
  if (typeof apply !== 'function')
    throw new ArgumentError(`defineLayer: apply of ${kind} is ${asText(apply)}; it must be a function, as in ${example}`);
  return { ...(definition as object), options };
}

/** A definition whose types of inputs and outputs are left open. */
export interface AnyDefinition extends Omit<
  LayerDefinition<Tensor, Tensor, TensorRecord, TensorRecord, Record<string, Layer>>,
  'outputShape' | 'build' | 'apply'
> {
  outputShape?(inputShape: Shapes, where: string): Shapes;
  build?(
    inputShape: Shapes,
    random: RandomStream,
    layers: Readonly<Record<string, SublayerParameters>>,
  ): { readonly parameters?: TensorRecord; readonly state?: TensorRecord };
  apply(
    variables: Variables & { readonly layers: Readonly<Record<string, unknown>> },
    inputs: Tensors,
    options: ApplyOptions,
  ): Tensors | LayerResult;
}
