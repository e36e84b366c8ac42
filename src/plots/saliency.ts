// Attributions of a model's score to its input: the gradient, its mean over noisy inputs, and integrated gradients.
import { ShapeError } from '../core/errors.ts';
import { checkedLater, number, positiveInteger, seed } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { RandomStream } from '../core/random.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import { compile, evaluate } from '../engine/index.ts';
import type { Tensor } from '../graph/tensor.ts';
import { add, alias, div, max, min, mul, random, scalar, sub, zerosLike } from '../ops/index.ts';
import { release } from '../train/core.ts';
import type { ModelInput } from '../train/inputs.ts';
import type { Model } from '../train/index.ts';
import {
  type ArrayResult,
  type Explained,
  type Explaining,
  type ScoreSettings,
  classScores,
  classesOf,
  explain,
  explained,
  onlyInput,
  readResults,
  scoreGradients,
  scoreOfClass,
  scoreOptions,
} from './classScores.ts';
import { type NumbersInput, readNumbers, tensorOf } from './numbers.ts';

/** Attribution of the score of a class to each element of the input, in the input's shape. */
export interface Attribution extends ArrayResult, Explained {}

export const saliencyMapOptions = declareOptions('plots.saliencyMap', scoreOptions);
export type SaliencyMapOptions = OptionsOf<typeof saliencyMapOptions>;

export const smoothGradOptions = declareOptions('plots.smoothGrad', {
  ...scoreOptions,
  /** Number of noisy copies of each input. @default 50 */
  samples: optional(positiveInteger, 50),
  /** Standard deviation of the noise, as a share of max(x) - min(x) of each sample. @default 0.15 */
  noise: optional(number('at least 0'), 0.15),
  /** Seed of the noise. @default 0 */
  seed: optional(seed, 0),
});
export type SmoothGradOptions = OptionsOf<typeof smoothGradOptions>;

export const integratedGradientsOptions = declareOptions('plots.integratedGradients', {
  ...scoreOptions,
  /** Number of points on the way from the baseline to the input. @default 50 */
  steps: optional(positiveInteger, 50),
  /** Input without information, in the shape of one sample or of x. The default is zeros. */
  baseline: optional(checkedLater<NumbersInput>('an array of numbers in the shape of one sample, or of all')),
});
export type IntegratedGradientsOptions = OptionsOf<typeof integratedGradientsOptions>;

/** Class and score of each sample, on the device. */
function scoresAt(where: string, explaining: Explaining, settings: ScoreSettings): { classes: Tensor; scores: Tensor } {
  const scores = classScores(where, explaining, explaining.x, settings);
  const classes = classesOf(where, scores, settings);
  return { classes, scores: scoreOfClass(scores, classes) };
}

/** Gradient of the score of each sample's class at x. */
function gradientAt(where: string, explaining: Explaining, settings: ScoreSettings, x: Tensor, classes: Tensor): Tensor {
  // A node of its own: the input may be a leaf with a value.
  const at = alias(x);
  return scoreGradients(classScores(where, explaining, at, settings), classes, [at])[0];
}

/**
 * Gradient of the score of a class with respect to the input. Plots show its absolute value.
 *
 * x in the form of the model's only input, f32 -> the same shape.
 * @throws ArgumentError for several inputs, an input of integers, or a class or output that does not exist.
 *
 *     const map = await saliencyMap(model, images);
 *     const svg = plots.saliency({ images, maps: map });
 *
 * (K. Simonyan, A. Vedaldi, A. Zisserman, Deep Inside Convolutional Networks, 2013.)
 */
export function saliencyMap(model: Model, x: ModelInput, options: SaliencyMapOptions = {}): Promise<Attribution> {
  const where = 'saliencyMap';
  const settings = saliencyMapOptions.read(options);
  return explain(where, model, x, async (explaining) => {
    const at = onlyInput(where, explaining.x);
    const { classes, scores } = scoresAt(where, explaining, settings);
    const gradient = gradientAt(where, explaining, settings, at, classes);
    const [map, ids, values] = await readResults(explaining.engine, [gradient, classes, scores]);
    return { ...map, ...explained(ids, values) };
  });
}

/**
 * SmoothGrad: mean of the gradient over copies of the input with normal noise. Less noisy than saliencyMap. Shapes and errors as saliencyMap.
 *
 *     const map = await smoothGrad(model, images, { samples: 50, noise: 0.15, seed: 1 });
 *
 * (D. Smilkov et al., SmoothGrad: removing noise by adding noise, 2017.)
 */
export function smoothGrad(model: Model, x: ModelInput, options: SmoothGradOptions = {}): Promise<Attribution> {
  const where = 'smoothGrad';
  const { samples, noise, seed, ...settings } = smoothGradOptions.read(options);
  return explain(where, model, x, async (explaining) => {
    const { engine, weights } = explaining;
    const at = onlyInput(where, explaining.x);
    const axis = at.shape.slice(1).map((_, i) => i + 1);
    const { classes, scores } = await evaluate(scoresAt(where, explaining, settings), { engine });
    const addNoisy = compile(
      (total: Tensor, given: Explaining['weights'], x: Tensor, ids: Tensor): Tensor => {
        const spread = mul(sub(max(x, { axis, keepDims: true }), min(x, { axis, keepDims: true })), noise);
        const noisy = add(x, mul(random.normal(x.shape), spread));
        return add(total, gradientAt(where, { ...explaining, weights: given }, settings, noisy, ids));
      },
      { engine, donate: [0], name: where, stream: RandomStream.fromSeed(seed) },
    );
    let total: Tensor = zerosLike(at);
    for (let i = 0; i < samples; i++) total = await addNoisy(total, weights, at, classes);
    const [map, ids, values] = await readResults(engine, [div(total, samples), classes, scores]);
    release(total);
    return { ...map, ...explained(ids, values) };
  });
}

/** Attribution of integrated gradients. */
export interface IntegratedAttribution extends Attribution {
  /** Score of the class at the baseline, for each sample. The attributions of a sample sum to score - baselineScore. */
  readonly baselineScores: readonly number[];
}

/**
 * Integrated gradients: (x - b) times the mean gradient on the line from a baseline b to x, by the midpoint rule. The attributions of a
 * sample sum to the difference of the scores at x and b, up to the error of the rule. Shapes and errors as saliencyMap.
 *
 *     const map = await integratedGradients(model, images, { steps: 100 });
 *
 * (M. Sundararajan, A. Taly, Q. Yan, Axiomatic Attribution for Deep Networks, ICML 2017.)
 */
export async function integratedGradients(
  model: Model,
  x: ModelInput,
  options: IntegratedGradientsOptions = {},
): Promise<IntegratedAttribution> {
  const where = 'integratedGradients';
  const { steps, baseline, ...settings } = integratedGradientsOptions.read(options);
  const given = baseline === undefined ? undefined : await readNumbers(where, 'baseline', baseline);
  return explain(where, model, x, async (explaining) => {
    const { engine, weights } = explaining;
    const at = onlyInput(where, explaining.x);
    if (given && !sameShape(given.shape, at.shape) && !sameShape(given.shape, at.shape.slice(1))) {
      throw new ShapeError(
        `${where}: baseline is ${formatShape(given.shape)}, but x is ${formatShape(at.shape)}; give the shape of one sample or of x`,
      );
    }
    const from = given ? add(zerosLike(at), tensorOf(given)) : zerosLike(at);
    const { classes, scores } = await evaluate(scoresAt(where, explaining, settings), { engine });
    const addGradient = compile(
      (total: Tensor, given: Explaining['weights'], x: Tensor, base: Tensor, ids: Tensor, share: Tensor): Tensor =>
        add(total, gradientAt(where, { ...explaining, weights: given }, settings, add(base, mul(sub(x, base), share)), ids)),
      { engine, donate: [0], name: where },
    );
    let total: Tensor = zerosLike(at);
    for (let i = 0; i < steps; i++) total = await addGradient(total, weights, at, from, classes, scalar((i + 0.5) / steps));
    const baseScores = scoreOfClass(classScores(where, explaining, from, settings), classes);
    const attribution = mul(sub(at, from), div(total, steps));
    const [map, ids, values, base] = await readResults(engine, [attribution, classes, scores, baseScores]);
    release(total);
    return { ...map, ...explained(ids, values), baselineScores: [...base.data] };
  });
}
