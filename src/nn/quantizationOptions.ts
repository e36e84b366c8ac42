// Options of layers whose kernels can be packed as int8.
import { ArgumentError } from '../core/errors.ts';
import { oneOf } from '../core/optionKinds.ts';
import { optional } from '../core/options.ts';

/** Spread into the declaration of layers whose kernels can be packed. */
export const quantizationFactoryOptions = {
  /** Packs the kernels as int8 when the layer is built, as by `layer.quantize('int8')`. Such a layer cannot be trained. By default they are floats. */
  quantization: /* @__PURE__ */ optional(/* @__PURE__ */ oneOf('int8')),
};

/** Options of a factory that request packed kernels. */
export interface QuantizationRequest {
  readonly quantization?: 'int8' | undefined;
}

/** Whether packed kernels are requested. @throws ArgumentError for packed kernels with LoRA. */
export function requestedQuantization(kind: string, { quantization }: QuantizationRequest, hasLora: boolean): boolean {
  if (quantization !== undefined && hasLora) {
    throw new ArgumentError(`layers.${kind}: quantization and loraRank exclude each other; leave out one of them`);
  }
  return quantization !== undefined;
}

/** The options with which a factory makes a layer with packed kernels. */
export const quantizationOf = (isQuantized: boolean): QuantizationRequest => (isQuantized ? { quantization: 'int8' } : {});
