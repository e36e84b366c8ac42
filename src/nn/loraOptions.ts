// Options of LoRA, and the data that a layer has for it.
import { ArgumentError } from '../core/errors.ts';
import { boolean, number, positiveInteger } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../core/options.ts';

export const loraOptions = declareOptions('enableLora', {
  /** Number of columns of A and rows of B. */
  rank: required(positiveInteger, 4),
  /** The product A B is multiplied by alpha / rank. @default rank */
  alpha: optional(number('above 0')),
  /** Whether the other parameters of the layer, such as the bias, are trained too. Without them, A and B are all that training changes. @default true */
  trainOthers: optional(boolean, true),
});
export type LoraOptions = OptionsOf<typeof loraOptions>;

/** Spread into the declaration of layers that take LoRA. */
export const loraFactoryOptions = {
  /** Rank of LoRA, as by `layer.enableLora({ rank })`. Without it the layer has none at first. */
  loraRank: /* @__PURE__ */ optional(positiveInteger),
  /** The product of LoRA is multiplied by loraAlpha / loraRank. By default it is loraRank. */
  loraAlpha: /* @__PURE__ */ optional(number('above 0')),
  /** Whether the other parameters of a layer with LoRA, such as the bias, are trained too. By default they are. */
  loraTrainOthers: /* @__PURE__ */ optional(boolean),
};

/** LoRA of a layer. */
export interface Lora {
  readonly rank: number;
  readonly alpha: number;
  readonly trainOthers: boolean;
}

/** Options of a factory that ask for LoRA. */
export interface LoraRequest {
  readonly loraRank?: number | undefined;
  readonly loraAlpha?: number | undefined;
  readonly loraTrainOthers?: boolean | undefined;
}

/** @throws ArgumentError for other options of LoRA without a rank. */
export function requestedLora(kind: string, { loraRank: rank, loraAlpha, loraTrainOthers }: LoraRequest): Lora | undefined {
  if (rank !== undefined) return { rank, alpha: loraAlpha ?? rank, trainOthers: loraTrainOthers ?? true };
  const name = loraAlpha !== undefined ? 'loraAlpha' : loraTrainOthers !== undefined ? 'loraTrainOthers' : undefined;
  if (name) throw new ArgumentError(`layers.${kind}: ${name} is given without loraRank; give loraRank, such as 4, too`);
  return undefined;
}

/** The options with which a factory makes a layer with this LoRA. */
export const requestOf = (lora: Lora | undefined): LoraRequest =>
  lora ? { loraRank: lora.rank, loraAlpha: lora.alpha, loraTrainOthers: lora.trainOthers } : {};

/**
 * Kernels that take LoRA: the axis that divides the axes of A from those of B. A is [...axes before, rank], B [rank, ...other axes]. Negative
 * axes count from the end.
 */
export type LoraAxes = Readonly<Record<string, number>>;
