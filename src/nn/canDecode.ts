// Which networks can be computed step by step, with the caches of decoding.ts.
import type { Config } from '../core/config.ts';
import type { Layer } from './layer.ts';
import type { ReversibleEmbedding } from './layers/core/reversibleEmbedding.ts';

/** Layers whose outputs at a step depend on the inputs at that step. */
const stepwise = /* @__PURE__ */ new Set(
  (
    'dense embedding reversibleEmbedding dropout activation identity add subtract multiply average maximum minimum relu leakyRelu elu selu gelu silu ' +
    'layerNormalization rmsNormalization positionEmbedding sinusoidal rotaryEmbedding'
  ).split(' '),
);
const attention = /* @__PURE__ */ new Set(['multiHeadAttention', 'groupQueryAttention', 'transformerEncoder']);

/** Whether a network can be computed step by step. Each layer must work on single steps, or be causal attention with a cache. */
export function canDecode(layer: Layer & { readonly isOfLayers?: boolean; readonly config?: Config }): boolean {
  if (!layer.ownsVariables) {
    return (layer.kind === 'sequential' || layer.isOfLayers === true) && Object.values(layer.sublayers).every((inner) => canDecode(inner));
  }
  const { embedding } = layer.sublayers as { readonly embedding?: Partial<ReversibleEmbedding> };
  if (embedding?.reverse === layer) return canDecode(embedding as Layer);
  if (!attention.has(layer.kind) && !stepwise.has(layer.kind)) return false;
  const config = configOf(layer);
  if (config?.kind !== `layers.${layer.kind}`) return false;
  const { causal, axis = -1, maskZero } = config.options;
  return attention.has(layer.kind) ? causal === true : axis === -1 && maskZero !== true;
}

/** Config of a layer. Undefined for layers with functions of the user, which may do anything. */
function configOf(layer: { readonly config?: Config }): Config | undefined {
  try {
    return layer.config;
  } catch {
    return undefined;
  }
}
