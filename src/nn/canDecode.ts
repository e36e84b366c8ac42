// Which networks can be computed step by step, with the caches of decoding.ts.
import type { Config } from '../core/config.ts';
import { leavesOf, mapTree } from '../core/tree.ts';
import type { Node, Tensor } from '../graph/tensor.ts';
import type { Layer } from './layer.ts';
import type { ReversibleEmbedding } from './layers/core/reversibleEmbedding.ts';
import type { GraphParts } from './replay.ts';
import { inOrderOf } from './spec.ts';
import { StepTensors, isStepwise, isStepwiseKind, stepAxes, tensorsIn } from './stepReplay.ts';
import { callOf } from './symbolic.ts';

/** A tree like the inputs or outputs of a layer. True for tensors [batch, time, …] that depend on the tokens, false for those of other inputs. */
type Flags = boolean | readonly Flags[] | { readonly [name: string]: Flags };

const flagsIn = (tree: Flags): boolean[] => leavesOf(tree).map(({ value }) => value as boolean);

/**
 * Whether a network can be computed step by step. Layers on the way of the tokens must work on single steps, or be causal attention, or attention to
 * other inputs. Layers of the other inputs may do anything. `inputs` is true for the tokens.
 */
export const canDecode = (layer: Layer, inputs: Flags = true): boolean => {
  const outputs = decoded(layer, inputs);
  return outputs !== undefined && flagsIn(outputs).every(Boolean);
};

/** Which outputs of a layer depend on the tokens. Undefined if single steps cannot be computed. */
function decoded(
  layer: Layer & { readonly parts?: GraphParts; readonly calls?: readonly { readonly layer: Layer }[] },
  inputs: Flags,
): Flags | undefined {
  if (layer.parts) return decodedGraph(layer.parts, inputs);
  if (layer.kind === 'sequential' && !layer.ownsVariables) {
    return (
      layer.calls!.reduce<Flags | undefined>((flags, { layer: inner }) => flags !== undefined && decoded(inner, flags), inputs) || undefined
    );
  }
  return decodesAlone(layer, inputs) || undefined;
}

function decodedGraph(parts: GraphParts, inputs: Flags): Flags | undefined {
  const entries = tensorsIn(parts.inputs);
  const flags = flagsIn(inOrderOf(parts.inputs, inputs));
  const steps = new StepTensors(parts, flags);
  const others = new StepTensors(parts, flags.map((flag) => !flag)); // prettier-ignore
  const [time, ...further] = entries.filter((_, i) => flags[i]).map(({ shape }) => shape[1]);
  if (further.some((one) => one !== time)) return undefined;
  const canStep = (node: Node): boolean => {
    const call = callOf(node);
    if (!call) return isStepwise(node, time, steps, (tensor) => !others.has(tensor));
    if (node.types.some(({ shape }) => stepAxes(shape, time) !== 2)) return false;
    const [{ rank }] = node.inputs.filter((tensor) => steps.has(tensor));
    // Other inputs of a layer that works on single steps have a value for each step, or one for all steps.
    const isFit = (tensor: Tensor): boolean => tensor.rank === rank && (tensor.shape[1] === time || tensor.shape[1] === 1);
    if (isStepwiseKind(call.layer) && !node.inputs.every(isFit)) return false;
    const given = mapTree(call.inputs, (leaf) => steps.has(leaf as Tensor) || isStepwiseKind(call.layer)) as Flags;
    return canDecode(call.layer, given);
  };
  if (!parts.order.every((node) => !steps.hasNode(node) || canStep(node))) return undefined;
  return mapTree(parts.outputs, (leaf) => steps.has(leaf as Tensor)) as Flags;
}

const attention: readonly string[] = ['multiHeadAttention', 'groupQueryAttention', 'transformerEncoder', 'transformerDecoder'];

/** Whether a layer without layers inside can be computed for single steps. */
function decodesAlone(layer: Layer & { readonly config?: Config }, inputs: Flags): boolean {
  const { embedding } = layer.sublayers as { readonly embedding?: Partial<ReversibleEmbedding> };
  if (embedding?.reverse === layer) return decodesAlone(embedding as Layer, inputs);
  const isAttention = attention.includes(layer.kind);
  if (!isAttention && !isStepwiseKind(layer)) return false;
  const config = configOf(layer);
  if (config?.kind !== `layers.${layer.kind}`) return false;
  const { causal = false, axis = -1, alibi } = config.options;
  const [query, value, key = value] = flagsIn(inputs);
  if (!isAttention) return axis === -1 && flagsIn(inputs).every(Boolean);
  if (layer.kind === 'transformerDecoder') return query && !value;
  if (value === undefined) return query && causal === true;
  // The position of a token among the steps of a memory is not known.
  return query && value === key && (value ? causal === true : causal === false && !alibi);
}

/** Config of a layer. Undefined for layers with functions of the user, which may do anything. */
function configOf(layer: { readonly config?: Config }): Config | undefined {
  try {
    return layer.config;
  } catch {
    return undefined;
  }
}
