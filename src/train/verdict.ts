// The verdict of fit: one line about a fault that the curves of the training show.
import { diagnose } from '../callbacks/diagnose.ts';
import type { History } from '../callbacks/index.ts';
import { isJointLoss } from '../losses/index.ts';
import type { Layer } from '../nn/index.ts';
import { leavesOf } from '../core/tree.ts';
import type { ModelCore } from './core.ts';
import { optionsOf } from './pitfalls.ts';
import type { FitOptions } from './runOptions.ts';

/** Crossentropies whose value for equal probabilities is known. True: of several classes. */
const crossentropies: Readonly<Record<string, boolean>> = {
  'losses.sparseCategoricalCrossentropy': true,
  'losses.categoricalCrossentropy': true,
  'losses.binaryCrossentropy': false,
};

/** Prints the fault, if there is one. Losses of a step of the user's own have another meaning, so they get no verdict. */
export function printVerdict(
  core: ModelCore,
  history: History['history'],
  validationEpochs: readonly number[],
  { sampleWeight, classWeight, adversarial }: Pick<FitOptions, 'sampleWeight' | 'classWeight' | 'adversarial'>,
): void {
  if (core.setup?.trainStep || !history.loss?.length) return;
  const isPlain = sampleWeight === undefined && classWeight === undefined && !adversarial;
  const found = diagnose(history, { validationEpochs, chanceLoss: isPlain ? chanceLossOf(core) : undefined });
  if (found) console.warn(`ombre: fit: ${found.message}`);
}

/** The loss of equal probabilities for all classes; undefined for other losses, and with penalties, which are part of the loss. */
function chanceLossOf({ setup, network, inputs }: ModelCore): number | undefined {
  const loss = setup?.loss;
  if (!loss || isJointLoss(loss) || !('every' in loss) || !inputs) return undefined;
  const config = optionsOf(loss.every);
  if (!config || !Object.hasOwn(crossentropies, config.kind)) return undefined;
  const { labelSmoothing, classWeight, posWeight, ignoreClass, reduction } = config.options;
  const isChanged = [classWeight, posWeight, ignoreClass].some((option) => option !== undefined) || labelSmoothing !== 0;
  const outputs = leavesOf(network.outputSpecs(inputs));
  if (isChanged || reduction === 'sum' || outputs.length !== 1 || hasPenalty(network.root)) return undefined;
  const { shape } = outputs[0].value as { readonly shape: readonly number[] };
  const classes = crossentropies[config.kind] ? shape[shape.length - 1] : 2;
  return classes > 1 ? Math.log(classes) : undefined;
}

/** Whether a layer adds a penalty to the loss, as far as its config shows. */
function hasPenalty(layer: Layer): boolean {
  const options = optionsOf(layer)?.options ?? {};
  const isPenalised = Object.entries(options).some(([name, value]) => /egularizer$/.test(name) && value !== null && value !== undefined);
  return isPenalised || layer.kind === 'activityRegularization' || Object.values(layer.sublayers).some(hasPenalty);
}
