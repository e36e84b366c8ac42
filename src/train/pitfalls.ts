// Warnings of compile() about a last layer and a loss that do not belong together. Such models train, but badly.
import type { Config } from '../core/config.ts';
import { isJointLoss } from '../losses/index.ts';
import type { Container, Layer } from '../nn/index.ts';
import type { TrainingSetup } from './trainingSetup.ts';

/** Options of a config; undefined for objects without one, and for options that a config cannot hold. */
export function optionsOf(made: unknown): Config | undefined {
  try {
    return (made as { readonly config?: Config } | undefined)?.config;
  } catch {
    return undefined;
  }
}

/** The layer that gives the output of a chain. */
function lastLayer(root: Layer): Layer | undefined {
  if (root.kind !== 'sequential') return root.ownsVariables ? root : undefined;
  const { calls } = root as Container;
  return lastLayer(calls[calls.length - 1].layer);
}

/** Name of the activation of the output; undefined if it is not known. */
function lastActivation(config: Config): string | undefined {
  const { kind, options } = config;
  if (kind === 'layers.softmax') return 'softmax';
  const isKnown = ['layers.dense', 'layers.activation', 'layers.conv1d', 'layers.conv2d', 'layers.conv3d', 'layers.einsumDense'].includes(
    kind,
  );
  return isKnown && typeof options.activation === 'string' ? options.activation : undefined;
}

const ofClasses = ['losses.categoricalCrossentropy', 'losses.sparseCategoricalCrossentropy', 'losses.categoricalFocalCrossentropy'];
const ofLabels = ['losses.binaryCrossentropy', 'losses.binaryFocalCrossentropy'];

/** The pitfall of a last layer and a loss, with its fix. */
export function pitfallOf(root: Layer, loss: unknown): string | undefined {
  const layer = lastLayer(root);
  const [ofLayer, ofLoss] = [optionsOf(layer), optionsOf(loss)];
  if (!ofLayer || !ofLoss) return undefined;
  const activation = lastActivation(ofLayer);
  const name = ofLoss.kind.replace('losses.', '');
  const wanted = ofClasses.includes(ofLoss.kind) ? 'softmax' : ofLabels.includes(ofLoss.kind) ? 'sigmoid' : undefined;
  if (activation === 'softmax' && ofLayer.options.units === 1) {
    return "softmax of one unit is 1 for every sample; use activation: 'sigmoid', or a unit for each class";
  }
  if (!wanted || activation === undefined) return undefined;
  if (ofLoss.options.fromLogits === true) {
    if (activation !== 'softmax' && activation !== 'sigmoid') return undefined;
    return `${name} with fromLogits applies ${wanted} itself, and the last layer applies ${activation} before it; leave one of them out`;
  }
  if (activation === 'linear') {
    return `${name} takes probabilities, and the last layer has no activation; pass fromLogits: true to the loss, or activation: '${wanted}' to the layer`;
  }
  if (wanted === 'softmax' && activation === 'sigmoid') {
    return `${name} is for one of several classes, but sigmoid gives each class an independent probability; use softmax, or binaryCrossentropy`;
  }
  return undefined;
}

/** Layers that weigh losses. Only a trainStep gives them losses. */
const weighers: Readonly<Record<string, string>> = {
  uncertaintyWeighting: 'step.gradients(() => step.apply(weigh, step.losses(step.forward(step.x))))',
  gradNormWeights: 'gradNorm(step, balance, step.taskGradients(() => step.losses(step.forward(step.x))), { shared })',
};

/** A layer of the model that weighs losses, with the call that it needs; undefined if there is none. */
function weigherOf(layer: Layer): string | undefined {
  const call = Object.hasOwn(weighers, layer.kind) ? weighers[layer.kind] : undefined;
  if (call !== undefined) return `${layer.kind} weighs the losses only in a trainStep: compile({ trainStep }) with ${call}`;
  return Object.values(layer.sublayers)
    .map(weigherOf)
    .find((found) => found !== undefined);
}

/** Warns of pitfalls that can be seen before any data. */
export function warnOfPitfalls(root: Layer, { loss, trainStep }: TrainingSetup): void {
  const weigher = trainStep ? undefined : weigherOf(root);
  if (weigher !== undefined) console.warn(`ombre: compile: ${weigher}`);
  if (isJointLoss(loss) || !('every' in loss)) return;
  const pitfall = pitfallOf(root, loss.every);
  if (pitfall) console.warn(`ombre: compile: ${pitfall}`);
}
