// Adversarial examples: inputs changed within a small ball so that the loss grows. Attacks are pure functions, so a training step may contain them.
import { grad } from '../autodiff/index.ts';
import type { Config, Configured } from '../core/config.ts';
import { isFloat } from '../core/dtype.ts';
import { DtypeError, ShapeError, requireFunction } from '../core/errors.ts';
import { boolean, kindOf, number, oneOf, positiveInteger, seed } from '../core/optionKinds.ts';
import { type Declaration, type OptionsOf, type SettingsOf, declareOptions, optional, required, withConfig } from '../core/options.ts';
import { formatShape, sizeOf } from '../core/shape.ts';
import { leavesOf, mapTree } from '../core/tree.ts';
import { withScope } from '../graph/scope.ts';
import { Tensor } from '../graph/tensor.ts';
import type { Tensors } from '../nn/index.ts';
import {
  abs,
  add,
  clip,
  div,
  equal,
  max,
  minimum,
  mul,
  neg,
  pow,
  random,
  sign,
  sqrt,
  square,
  stopGradient,
  sub,
  sum,
  where,
} from '../ops/index.ts';
import type { TrainStep } from './trainStep.ts';

const rangeKind = /* @__PURE__ */ kindOf<readonly [number, number]>({
  rule: 'a list of two numbers, the smallest and the largest value of an input, such as [0, 1]',
  accepts: (value): value is readonly [number, number] =>
    Array.isArray(value) && value.length === 2 && value.every((one) => Number.isFinite(one)) && value[0] < value[1],
  convert: ([low, high]) => Object.freeze([low, high] as const),
});

/** Fields of every attack. */
const attackTable = {
  /** Radius of the ball around each sample. */
  epsilon: /* @__PURE__ */ required(number('at least 0'), 0.03),
  /** Norm of the ball: the largest change of an element ('inf'), or the Euclidean length of a sample's change (2). @default 'inf' */
  norm: /* @__PURE__ */ optional(oneOf<'inf' | 2>('inf', 2), 'inf'),
  /** Range that the examples are clipped to. Without it, they are not clipped. */
  clipRange: /* @__PURE__ */ optional(rangeKind),
  /** True makes the loss smaller: the loss is then that of the class to reach. @default false */
  targeted: /* @__PURE__ */ optional(boolean, false),
};

export const fgsmOptions = declareOptions('adversarial.fgsm', attackTable);
export type FgsmOptions = OptionsOf<typeof fgsmOptions>;

export const pgdOptions = declareOptions('adversarial.pgd', {
  ...attackTable,
  /** Size of each step. Without it, 2.5 epsilon / steps. */
  stepSize: optional(number('above 0')),
  /** Number of steps. Each is a forward and a backward pass. @default 10 */
  steps: optional(positiveInteger, 10),
  /** Begins at a random point of the ball. @default true */
  randomStart: optional(boolean, true),
  /** Fixes the random point. */
  seed: optional(seed),
});
export type PgdOptions = OptionsOf<typeof pgdOptions>;

/**
 * Makes adversarial examples of x, [n, ...] or a tree of such tensors. `loss` is a function of x: a scalar, or one value per sample. Integer
 * tensors of x stay as they are, and no gradient flows through the result.
 */
export interface Attack {
  <X extends Tensors>(loss: (x: X) => Tensor, x: X): X;
  readonly config?: Config;
}

/** Settings that all attacks have. */
type Ball = SettingsOf<Declaration<typeof attackTable>>;

/** x + epsilon sign(g), or x + epsilon g / |g|; see adversarial.fgsm. */
export const fgsm = /* @__PURE__ */ attackOf(fgsmOptions, (settings, slopeOf, x) => {
  const { epsilon, norm } = settings;
  return slopeOf(x).map((slope, i) => inRange(add(x[i], mul(directionOf(slope, norm), epsilon)), settings));
});

/** Projected steps along sign(g), or g / |g|; see adversarial.pgd. */
export const pgd = /* @__PURE__ */ attackOf(pgdOptions, (settings, slopeOf, x) => {
  const { epsilon, norm, steps, stepSize = (2.5 * epsilon) / steps, randomStart, seed } = settings;
  const inside = (changes: readonly Tensor[]): Tensor[] =>
    changes.map((change, i) => inRange(add(x[i], project(change, norm, epsilon)), settings));
  let at: readonly Tensor[] = randomStart ? inside(x.map(({ shape }) => mul(pointInBall(shape, norm, seed), epsilon))) : x;
  for (let i = 0; i < steps; i++) {
    const slopes = slopeOf(at);
    at = inside(at.map((one, k) => add(sub(one, x[k]), mul(directionOf(slopes[k], norm), stepSize))));
  }
  return at;
});

/** An attack from its rule: `run` gives new values of the float tensors of x; `slopeOf` gives the gradient that makes the attack succeed. */
/* @__NO_SIDE_EFFECTS__ */
function attackOf<T extends typeof attackTable>(
  declaration: Declaration<T>,
  run: (
    settings: SettingsOf<Declaration<T>> & Ball,
    slopeOf: (at: readonly Tensor[]) => Tensor[],
    x: readonly Tensor[],
  ) => readonly Tensor[],
): (options: OptionsOf<Declaration<T>>) => Configured<Attack> {
  const { factory } = declaration;
  return (options) => {
    const settings = declaration.read(options) as SettingsOf<Declaration<T>> & Ball;
    const attack = <X extends Tensors>(loss: (x: X) => Tensor, x: X): X =>
      withScope(factory, () => {
        requireFunction(factory, loss, `${factory}({ epsilon: 0.03 })((x) => loss(y, model.apply(x)), x)`);
        const floats = floatsOf(factory, x);
        const filled = (values: readonly Tensor[]): X => replaceFloats(x, values);
        const slopeOf = (at: readonly Tensor[]): Tensor[] => {
          const slopes = grad((values: Tensor[]) => totalOf(factory, loss(filled(values)), at[0].shape[0]))([...at]);
          return settings.targeted ? slopes.map((slope) => neg(slope)) : slopes;
        };
        return filled(run(settings, slopeOf, floats).map((value) => stopGradient(value)));
      });
    return withConfig<Attack, T>(attack, declaration, settings);
  };
}

/** The float tensors of x. @throws DtypeError if there are none. */
function floatsOf(factory: string, x: unknown): Tensor[] {
  const leaves = leavesOf(x).map(({ value }) => value);
  const floats = leaves.filter((value): value is Tensor => value instanceof Tensor && isFloat(value.dtype));
  if (floats.some(({ rank }) => rank === 0)) throw new ShapeError(`${factory}: x is a scalar; its first axis must be the batch`);
  if (floats.length > 0) return floats;
  const dtypes = leaves.map((value) => (value instanceof Tensor ? value.dtype + formatShape(value.shape) : typeof value)).join(', ');
  throw new DtypeError(`${factory}: x is ${dtypes || 'empty'}; an attack changes floats: cast(x, 'f32'), or attack the embeddings of ids`);
}

function replaceFloats<X extends Tensors>(x: X, values: readonly Tensor[]): X {
  let i = 0;
  return mapTree(x, (value) => (value instanceof Tensor && isFloat(value.dtype) ? values[i++] : value)) as X;
}

/** The loss as a scalar. The sum over samples leaves the direction of each sample's gradient as it is. */
function totalOf(factory: string, loss: unknown, samples: number): Tensor {
  if (loss instanceof Tensor && loss.rank === 0) return loss;
  if (loss instanceof Tensor && loss.rank === 1 && loss.shape[0] === samples) return sum(loss);
  const got = loss instanceof Tensor ? `a tensor ${formatShape(loss.shape)}` : typeof loss;
  throw new ShapeError(`${factory}: the loss is ${got}; it must be a scalar tensor, or one value per sample [${samples}]`);
}

const otherAxes = ({ rank }: Tensor): number[] => Array.from({ length: rank - 1 }, (_, i) => i + 1);

/** Euclidean norm of each sample, [n, 1, ...]. Scaled by the largest element: squares of small gradients would be 0. */
function lengthOf(x: Tensor): Tensor {
  const options = { axis: otherAxes(x), keepDims: true };
  if (x.size === 0 || x.rank === 1) return abs(x);
  const largest = max(abs(x), options);
  const scale = where(equal(largest, 0), 1, largest);
  return mul(sqrt(sum(square(div(x, scale)), options)), scale);
}

/** Steepest direction of unit norm; 0 for a gradient of 0. */
function directionOf(slope: Tensor, norm: 'inf' | 2): Tensor {
  if (norm === 'inf') return sign(slope);
  const length = lengthOf(slope);
  return div(slope, where(equal(length, 0), 1, length));
}

/** The nearest change within the ball. */
function project(change: Tensor, norm: 'inf' | 2, epsilon: number): Tensor {
  if (norm === 'inf') return clip(change, -epsilon, epsilon);
  const length = lengthOf(change);
  return mul(change, minimum(div(epsilon, where(equal(length, 0), 1, length)), 1));
}

/** A uniform point of the unit ball for each sample: a direction of normal numbers, and a radius u^(1/d). */
function pointInBall(shape: readonly number[], norm: 'inf' | 2, seed: number | undefined): Tensor {
  const options = seed === undefined ? {} : { seed };
  if (norm === 'inf') return random.uniform(shape, { min: -1, max: 1, ...options });
  const direction = directionOf(random.normal(shape, options), 2);
  const radius = random.uniform([shape[0], ...shape.slice(1).map(() => 1)], seed === undefined ? {} : { seed: seed + 1 });
  return mul(direction, pow(radius, 1 / Math.max(1, sizeOf(shape.slice(1)))));
}

const inRange = (x: Tensor, { clipRange }: Ball): Tensor => (clipRange ? clip(x, ...clipRange) : x);

/** Options of an attack with its name. */
export type AttackChoice = Attack | ({ readonly method: 'fgsm' } & FgsmOptions) | ({ readonly method: 'pgd' } & PgdOptions);

const methods: Readonly<Record<string, (options: never) => Configured<Attack>>> = { fgsm, pgd };

const isMethod = (value: unknown): value is { readonly method: string } =>
  typeof value === 'object' && value !== null && 'method' in value && Object.hasOwn(methods, String(value.method));

/** An attack, or its name and options. */
export const attackKind = /* @__PURE__ */ kindOf<AttackChoice, Attack>({
  rule: "an attack such as adversarial.fgsm({ epsilon: 0.1 }), or { method: 'fgsm' or 'pgd', epsilon: 0.1 }",
  accepts: (value): value is AttackChoice => typeof value === 'function' || isMethod(value),
  convert(value) {
    if (typeof value === 'function') return value;
    const { method, ...options } = value;
    return methods[method](options as never);
  },
});

/** The standard step on adversarial examples. The attack sees the loss in inference mode, so that it changes no state. */
export const adversarialStep =
  (attack: Attack): TrainStep<Tensors, Tensors> =>
  (step) => {
    const x = attack((at) => step.loss(step.forward<Tensors>(at, { training: false })), step.x);
    let outputs: Tensors | undefined;
    const { loss, gradients } = step.gradients(() => {
      outputs = step.forward<Tensors>(x);
      return step.loss(outputs);
    });
    const found = outputs;
    step.update(gradients);
    return { loss, outputs: found };
  };
