// Options that every layer takes.
import type { Config, Configured } from '../core/config.ts';
import { type Kind, boolean, kindOf, shape } from '../core/optionKinds.ts';
import { type Declaration, type OptionTable, type SettingsOf, optional } from '../core/options.ts';
import { requestOf } from './loraOptions.ts';
import { quantizationOf } from './quantizationOptions.ts';
import { type HasLayer, type Layer, layerOf } from './layer.ts';

/** Name of a layer or an input. A whole number is none: JavaScript moves such keys of a record before the others, and trees would lose their order. */
export const layerName: Kind<string> = /* @__PURE__ */ kindOf({
  rule: 'a text without blanks and slashes that is no whole number',
  accepts: (value): value is string => typeof value === 'string' && /^(?!\d+$)[^/\s]+$/.test(value),
  hint: (value) => (typeof value === 'string' && /^\d+$/.test(value) ? `, such as 'layer_${value}'` : ''),
});

/** A layer, or a model that is used as one. */
export const layerKind: Kind<Layer | HasLayer, Layer> = /* @__PURE__ */ kindOf<Layer | HasLayer, Layer>({
  rule: 'a layer or a model',
  accepts: (value): value is Layer | HasLayer => layerOf(value) !== undefined,
  convert: (value) => layerOf(value)!,
});

/** Spread into the declaration of each layer. */
export const layerOptions = {
  /** Name of the layer in its model, such as `dense_1`. A model makes one for a layer without a name. */
  name: /* @__PURE__ */ optional(layerName),
  /** False keeps the parameters as they are: they get no gradient. The layer's `trainable` may be changed between calls of fit. @default true */
  trainable: /* @__PURE__ */ optional(boolean, true),
  /** Shape of one input, without the batch axis. The first layer of a model may state it, so that the model is built before it sees data. */
  inputShape: /* @__PURE__ */ optional(shape),
};

const noLora = { loraRank: undefined, loraAlpha: undefined, loraTrainOthers: undefined };
const noQuantization = { quantization: undefined };

/** Options with which the layer's factory makes a layer whose variables have the same form: with LoRA, with packed kernels, or plain. */
export const formOptions = (layer: Layer): object => ({
  ...(layer.loraAxes && { ...noLora, ...requestOf(layer.lora) }),
  ...(layer.scaleAxes && { ...noQuantization, ...quantizationOf(layer.isQuantized) }),
});

/** Gives a layer its config. The config has the layer's present `trainable`, LoRA and quantization. */
export function withLayerConfig<L extends Layer, T extends OptionTable>(
  layer: L,
  declaration: Declaration<T>,
  settings: SettingsOf<Declaration<T>>,
): Configured<L> {
  const get = (): Config => declaration.config({ ...settings, trainable: layer.trainable, ...formOptions(layer) });
  return Object.defineProperty(layer, 'config', { get, configurable: true }) as Configured<L>;
}
