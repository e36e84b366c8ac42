// The contract of an optimizer's rule: how one parameter changes in one update. The learning rate, clipping, weight decay, gradient
// accumulation and averaging are the same for all optimizers and are in optimizer.ts.
import type { Tensor } from '../graph/tensor.ts';
import { cast, full, mul } from '../ops/index.ts';

/** Tensors of one parameter that an update reads and replaces, by name. All f32, of any shape. */
export type Slots = Readonly<Record<string, Tensor>>;

/** Scalars (f32) that all parameters share and that an update replaces, by name. */
export type Scalars = Readonly<Record<string, Tensor>>;

/** One parameter in one update. */
export interface ParameterUpdate {
  /** Gradient after clipping, f32. */
  readonly gradient: Tensor;
  /** Value before the update, f32. */
  readonly parameter: Tensor;
  readonly slots: Slots;
  /** Path in the tree of parameters, such as `dense_1/kernel`. */
  readonly path: string;
  /** Position among the parameters, for values that `shared` computed for each. */
  readonly index: number;
  /** The option weightDecay; 0 if the path is excluded. Only rules with `ownsWeightDecay` apply it. */
  readonly weightDecay: number;
}

/** Everything of one update: all parameters together. */
export interface Update {
  /** Number of this update, 1 for the first; f32 scalar. */
  readonly count: Tensor;
  /** f32 scalar. */
  readonly learningRate: Tensor;
  /** State of the rule's own, as `scalars` began it. */
  readonly scalars: Scalars;
  readonly parameters: readonly ParameterUpdate[];
  /**
   * Loss (f32 scalar) and gradients at other values of the parameters, in their order. Only for rules with `needsLoss`.
   * Each call adds a forward and a backward pass to the compiled step.
   */
  readonly lossAndGradients: (parameters: readonly Tensor[]) => { readonly loss: Tensor; readonly gradients: readonly Tensor[] };
}

/** The result of a rule for one parameter: a step to subtract, or the new value itself. */
export type RuleResult = { readonly delta: Tensor; readonly slots: Slots } | { readonly parameter: Tensor; readonly slots: Slots };

/**
 * Shared: values that `shared` computes once per update, for all parameters.
 *
 * A rule must be pure: it only builds a graph.
 */
export interface Rule<Shared> {
  readonly name: string;
  /** First values of the slots of one parameter. Every parameter has slots of the same names; their shapes are free. */
  slots(parameter: Tensor, path: string): Slots;
  /** First values of scalars that all parameters share, such as a running product. */
  readonly scalars?: Readonly<Record<string, number>>;
  /** The rule applies weight decay itself. Otherwise each update first subtracts learningRate * weightDecay * parameter. */
  readonly ownsWeightDecay?: boolean;
  /** The rule keeps an average of the parameters in its slot `average`, which model.swapAverages() uses. */
  readonly ownsAverage?: boolean;
  /** The rule evaluates the loss at other parameters than the present ones. */
  readonly needsLoss?: boolean;
  /** Computed once per update, and not once per parameter or element. */
  shared(update: Update): Shared;
  /** New values of `scalars`. */
  nextScalars?(update: Update, shared: Shared): Scalars;
  step(parameter: ParameterUpdate, shared: Shared): RuleResult;
}

/** Slots of the parameter's shape, filled with numbers: `slotsLike({ firstMoment: 0 })`. */
export const slotsLike =
  (values: Readonly<Record<string, number>>): Rule<unknown>['slots'] =>
  ({ shape }) =>
    // f32 for every dtype of the parameter: in f16 a second moment would underflow.
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, full(shape, value)]));

/** A tensor of its own with the values of a parameter, in f32: a slot must not share the parameter's memory. */
export const copyOf = (parameter: Tensor): Tensor => mul(cast(parameter, 'f32'), 1);

/** The shared value of rules that need the learning rate only. */
export const onlyLearningRate = ({ learningRate }: Update): Tensor => learningRate;
