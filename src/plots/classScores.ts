// Scores of classes as a function of a model's input: shared by saliency maps and Grad-CAM.
import { gradients } from '../autodiff/index.ts';
import { ArgumentError, ShapeError } from '../core/errors.ts';
import { boolean, either, integer, listOf, text } from '../core/optionKinds.ts';
import { optional } from '../core/options.ts';
import { formatShape } from '../core/shape.ts';
import { shown } from '../core/shown.ts';
import { leavesOf } from '../core/tree.ts';
import { type Engine, evaluate } from '../engine/index.ts';
import { Tensor, hostTensor } from '../graph/tensor.ts';
import { NetworkPass, type Tensors } from '../nn/index.ts';
import { argMax, cast, mul, oneHot, sum } from '../ops/index.ts';
import { type ModelCore, builtWeights, exclusive, prepareSteps, release } from '../train/core.ts';
import { firstBatches } from '../train/feed.ts';
import { type ModelInput, openPrediction } from '../train/inputs.ts';
import type { Model } from '../train/index.ts';
import { namedOutputs } from '../train/objectives.ts';
import type { Weights } from '../train/steps.ts';

/** Options of everything that explains the score of a class. */
export const scoreOptions = {
  /** Class whose score is explained: one index, or one for each sample. The default is the class with the highest score. */
  classId: /* @__PURE__ */ optional(either(integer('at least 0'), listOf(integer('at least 0'), 'class indices', 1))),
  /** Name of the output, if the model has several. */
  output: /* @__PURE__ */ optional(text),
  /** Takes the input of a softmax or sigmoid at the end of the model as the score. @default true */
  beforeActivation: /* @__PURE__ */ optional(boolean, true),
};

export interface ScoreSettings {
  readonly classId: number | readonly number[] | undefined;
  readonly output: string | undefined;
  readonly beforeActivation: boolean;
}

/** Arrays of numbers on the host, one for each sample. */
export interface ArrayResult {
  readonly data: Float32Array;
  /** Shape with the samples along the first axis. */
  readonly shape: readonly number[];
}

/** The classes that were explained, and their scores. */
export interface Explained {
  /** Class of each sample. */
  readonly classes: readonly number[];
  /** Score of that class for each sample. */
  readonly scores: readonly number[];
}

/** Inputs of the explained model, and the device that computes. */
export interface Explaining {
  readonly core: ModelCore;
  readonly engine: Engine;
  readonly weights: Weights;
  readonly x: Tensors;
  readonly samples: number;
}

/**
 * Runs fn with the inputs as one batch. Steps of the model wait until it ends.
 * @throws the errors of predict for inputs that the model does not take.
 */
export async function explain<T>(where: string, model: Model, x: ModelInput, fn: (explaining: Explaining) => Promise<T>): Promise<T> {
  const { core } = model;
  const source = await openPrediction(core, { where, x, batchSize: 'all' });
  try {
    const { engine } = await prepareSteps(core);
    for await (const batch of firstBatches(source, 1)) {
      return await exclusive(core, async () => {
        const weights = builtWeights(core, where);
        return fn({ core, engine, weights, x: batch.x, samples: batch.size });
      });
    }
  } finally {
    await source.close();
  }
  throw new ArgumentError(`${where}: x has no samples`);
}

/** The only input of a model. @throws ArgumentError for several inputs, or one of integers. */
export function onlyInput(where: string, x: Tensors): Tensor {
  if (!(x instanceof Tensor)) {
    throw new ArgumentError(`${where}: the model has ${leavesOf(x).length} inputs; give a model with one`);
  }
  if (x.dtype !== 'f32') {
    throw new ArgumentError(
      `${where}: the input is ${x.dtype}, which has no gradient; give a model whose input is floats, such as embeddings`,
    );
  }
  return x;
}

/** The output whose scores are explained. @throws ArgumentError if the name is missing or unknown. */
function outputOf(where: string, { core }: Explaining, outputs: Tensors, name: string | undefined): Tensor {
  if (outputs instanceof Tensor && name === undefined) return outputs;
  const named = namedOutputs(core.network, outputs);
  const names = named.map((output) => output.name);
  const chosen = named.find((output) => output.name === name);
  if (!chosen) {
    throw new ArgumentError(
      `${where}: output is ${name === undefined ? 'missing' : shown(name)}; the model has the outputs ${names.join(', ')}: give one of them`,
    );
  }
  return leavesOf(outputs).find(({ path }) => path === chosen.path)!.value as Tensor;
}

/** The tensor before ops that only change its shape. */
function beforeViews(tensor: Tensor): Tensor {
  const { node } = tensor;
  return node && ['reshape', 'broadcastTo'].includes(node.op.name) ? beforeViews(node.inputs[0]) : tensor;
}

/** Input of a sigmoid, or of a softmax e^z / Σ e^z, that made a tensor. The tensor itself if none did. */
function beforeActivation(output: Tensor): Tensor {
  const { node } = output;
  if (node?.op.name === 'sigmoid') return node.inputs[0];
  if (node?.op.name !== 'div') return output;
  const [powers, total] = node.inputs.map((input) => beforeViews(input).node);
  const isSoftmax = powers?.op.name === 'exp' && total?.op.name === 'sum' && total.inputs[0].node === powers;
  const shifted = isSoftmax ? powers.inputs[0].node : undefined;
  return shifted?.op.name === 'sub' ? shifted.inputs[0] : output;
}

/** Scores [samples, classes]. Outputs with more axes are summed over the axes between samples and classes. */
export function classScores(
  where: string,
  explaining: Explaining,
  x: Tensors,
  { output, beforeActivation: isBefore }: ScoreSettings,
  observe?: (path: string, outputs: Tensors) => void,
  weights = explaining.weights,
): Tensor {
  const { outputs } = new NetworkPass(explaining.core.network, weights).run(x, false, undefined, observe);
  const found = outputOf(where, explaining, outputs, output);
  if (found.rank < 2) {
    throw new ShapeError(`${where}: the output is ${formatShape(found.shape)}; it needs the axes [samples, classes]`);
  }
  const scores = isBefore ? beforeActivation(found) : found;
  return scores.rank === 2 ? scores : sum(scores, { axis: Array.from({ length: scores.rank - 2 }, (_, i) => i + 1) });
}

/** Class of each sample [samples] (i32): the given ones, or those with the highest scores. */
export function classesOf(where: string, scores: Tensor, { classId }: ScoreSettings): Tensor {
  const [samples, classes] = scores.shape;
  if (classId === undefined) return argMax(scores, { axis: -1 });
  const list = typeof classId === 'number' ? new Array<number>(samples).fill(classId) : classId;
  if (list.length !== samples) {
    throw new ArgumentError(
      `${where}: classId has ${list.length} classes, but x has ${samples} samples; give one class, or one for each sample`,
    );
  }
  const wrong = list.find((id) => id >= classes);
  if (wrong !== undefined) {
    throw new ArgumentError(
      `${where}: classId is ${wrong}, but the output has ${classes} ${classes === 1 ? 'class' : 'classes'}; give an index below it`,
    );
  }
  return hostTensor({ shape: [samples], dtype: 'i32' }, Int32Array.from(list));
}

/** Score [samples] of one class for each sample. */
export const scoreOfClass = (scores: Tensor, classes: Tensor): Tensor =>
  sum(mul(scores, cast(oneHot(classes, scores.shape[1]), scores.dtype)), { axis: 1 });

/** Gradients of the scores of the classes with respect to tensors that they depend on. Samples do not depend on each other. */
export const scoreGradients = (scores: Tensor, classes: Tensor, wrt: readonly Tensor[]): Tensor[] =>
  gradients(scoreOfClass(scores, classes), wrt);

/** Values of tensors on the host. The tensors are freed. */
export async function readResults(engine: Engine, tensors: readonly Tensor[]): Promise<ArrayResult[]> {
  const values = await evaluate([...tensors], { engine });
  try {
    return await Promise.all(values.map(async (value) => ({ data: Float32Array.from(await value.data()), shape: value.shape })));
  } finally {
    release(values);
  }
}

export const explained = (classes: ArrayResult, scores: ArrayResult): Explained => ({
  classes: [...classes.data],
  scores: [...scores.data],
});
