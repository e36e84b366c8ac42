// Distributions of parameters, as plain data. readSpace.ts checks them, because only the space has the path of a parameter.

/** Values that a space and the parameters of a trial may hold. */
export type Constant = null | boolean | number | string;

/** Distribution of a parameter whose values have type V. Plain data, made by `space.NAME()`. */
export interface Distribution<V = unknown> {
  readonly distribution: string;
  /** Type of the values. Never set. */
  readonly valueType?: V;
}

/** A part of a space: a distribution, a constant, or a list or record of parts. */
export type SpacePart = Constant | Distribution | readonly SpacePart[] | { readonly [name: string]: SpacePart };

/** A space of parameters by name. */
export type Space = { readonly [name: string]: SpacePart };

/** Parameters of one trial: the space with a value for each distribution. */
export type ParametersOf<S> =
  S extends Distribution<infer V> ? V : S extends readonly unknown[] | object ? { -readonly [K in keyof S]: ParametersOf<S[K]> } : S;

/** Values of a choice between records: the parameters of a branch, with its name as `kind`. */
export type BranchOf<B> = { [K in keyof B]: { kind: K } & ParametersOf<B[K]> }[keyof B];

/** Options of the steps between the values of a number. */
export interface StepOptions {
  /** Distance of two values. Values begin at the lower bound. @default 1 */
  readonly step?: number;
  /** True draws from a log-uniform distribution before rounding. The lower bound must be above 0. @default false */
  readonly log?: boolean;
}

const number = (distribution: string, options: object): Distribution<number> => Object.freeze({ distribution, ...options });

function choice<const T extends readonly SpacePart[]>(options: T): Distribution<ParametersOf<T[number]>>;
function choice<const B extends Readonly<Record<string, Space>>>(branches: B): Distribution<BranchOf<B>>;
function choice(options: unknown): Distribution<never> {
  return Object.freeze({ distribution: 'choice', options });
}

/**
 * Distributions of the parameters that `tune` searches. They are plain data. `tune` checks them, and names the path of a wrong one.
 *
 *     const declared = {
 *       learningRate: space.logUniform(1e-4, 1e-1),
 *       units: space.int(8, 128, { step: 8 }),
 *       activation: space.choice(['relu', 'tanh']),
 *       optimizer: space.choice({ adam: {}, sgd: { momentum: space.uniform(0, 0.99) } }),   // { kind: 'sgd', momentum: 0.4 }
 *       epochs: 20,                                                                         // a constant
 *     };
 */
export const space = {
  /** Numbers of at least `low` and at most `high`, all equally likely. */
  uniform: (low: number, high: number): Distribution<number> => number('uniform', { low, high }),
  /** Numbers whose logarithm is uniform. `low` must be above 0. */
  logUniform: (low: number, high: number): Distribution<number> => number('logUniform', { low, high }),
  /** Integers from `low` to `high`, both included, in steps of `step`. */
  int: (low: number, high: number, { step = 1, log = false }: StepOptions = {}): Distribution<number> =>
    number('int', { low, high, step, log }),
  /** The numbers low, low + step, ... up to `high`. */
  quantized: (low: number, high: number, { step = 1, log = false }: StepOptions = {}): Distribution<number> =>
    number('quantized', { low, high, step, log }),
  /** Normal distribution without bounds. `stddev` is its standard deviation. */
  normal: (mean: number, stddev: number): Distribution<number> => number('normal', { mean, stddev }),
  /**
   * One of a list, or one of several branches by name. A branch has parameters of its own, which exist only in trials of that branch. The value of
   * a branch is its parameters and its name as `kind`.
   */
  choice,
};
