// Optimizers: pure functions from gradients, state and parameters to new parameters and state, over trees of tensors. The step count, the
// learning rate, clipping, weight decay, gradient accumulation and averaging are the same for all and are in this file. A rule (rule.ts)
// changes one parameter. Optimizers use ops and not the compiler: inside a compiled training step they become a few fused kernels.
import type { Config } from '../core/config.ts';
import { ArgumentError, ShapeError } from '../core/errors.ts';
import { formatShape } from '../core/shape.ts';
import { mapTree } from '../core/tree.ts';
import { building } from '../graph/reads.ts';
import { withScope } from '../graph/scope.ts';
import { Tensor } from '../graph/tensor.ts';
import { add, cast, div, equal, mul, scalar, sub, where, zeros } from '../ops/index.ts';
import { clipGradients } from './clipping.ts';
import { keepSlots } from './keepState.ts';
import { type OptimizerSettings, checkExclusions, excludes } from './optimizerOptions.ts';
import { type ParameterLeaf, matchLeaves, parameterLeaves } from './parameterTree.ts';
import { type ParameterUpdate, type Rule, type RuleResult, type Slots, type Update, copyOf } from './rule.ts';
import type { Schedule } from './schedules/index.ts';

/**
 * `step` (i32, number of updates done) and `learningRate` (f32: the last one used; a callback may replace it if the optimizer has no schedule).
 * Then the optimizer's slots by name, such as `firstMoment`, each a tree like the parameters, and its scalars.
 */
export interface OptimizerState {
  readonly step: Tensor;
  readonly learningRate: Tensor;
  readonly [slot: string]: unknown;
}

/** The loss (f32 scalar) and its gradients at a tree of parameters. */
export type LossAndGradients = (parameters: unknown) => { readonly loss: Tensor; readonly gradients: unknown };

export interface UpdateOptions {
  /** Required by optimizers with `needsLoss`, such as ones that look at a second point. */
  readonly lossAndGradients?: LossAndGradients;
  /** Required by optimizers with `needsSampleGradients`: a tree like the parameters, with the samples along the first axis of each leaf. */
  readonly sampleGradients?: unknown;
}

export interface Optimizer {
  readonly name: string;
  /** Plain data from which fromConfig() makes the optimizer again. Optimizers of the user's own have none. */
  readonly config?: Config;
  /** Options that all optimizers share, such as the learning rate. Optimizers of the user's own may have none. */
  readonly settings?: OptimizerSettings;
  /** True for optimizers whose update() must be given lossAndGradients. */
  readonly needsLoss?: boolean;
  /** True for optimizers whose update() must be given sampleGradients. */
  readonly needsSampleGradients?: boolean;
  /**
   * State for a tree of parameters. With `previous`, the step count, the learning rate, and the slots of parameters that were there before are
   * kept: freezing a layer leaves the slots of the others as they are.
   */
  init(parameters: unknown, previous?: OptimizerState): OptimizerState;
  /** One update. `gradients` is a tree like `parameters`. Inputs are not changed. */
  update<P>(gradients: unknown, state: OptimizerState, parameters: P, options?: UpdateOptions): { parameters: P; state: OptimizerState };
}

/** @throws ArgumentError if the loss is not among the options of update(). */
export function requireLoss(name: string, { lossAndGradients }: UpdateOptions): LossAndGradients {
  if (lossAndGradients) return lossAndGradients;
  throw new ArgumentError(
    `${name}: update() needs the loss; pass { lossAndGradients: (parameters) => ({ loss, gradients }) } as the fourth argument`,
  );
}

/** Names in the state that no slot and no scalar may have. */
const reserved = ['step', 'learningRate', 'average', 'accumulated', 'accumulatedSteps'];

/** Makes an optimizer of a rule. `settings` are the checked options that all optimizers share. */
export function makeOptimizer<Shared>(rule: Rule<Shared>, settings: OptimizerSettings): Optimizer {
  const { name, scalars: firstScalars = {} } = rule;
  const { learningRate, weightDecay = 0, excludeFromWeightDecay, emaDecay, gradientAccumulationSteps: accumulation = 1 } = settings;
  const isExcluded = excludes(excludeFromWeightDecay);
  const scheduled = (step: Tensor): Tensor => building(`optimizers.${name}: learningRate`, () => (learningRate as Schedule)(step));

  /** Slots of one parameter before its first update, in the order of the state. */
  const firstSlots = ({ value, path }: ParameterLeaf): Slots => {
    const slots = rule.slots(value, path);
    for (const slot of [...Object.keys(slots), ...Object.keys(firstScalars)]) {
      if (reserved.includes(slot) && !(slot === 'average' && rule.ownsAverage))
        throw new ArgumentError(`optimizers.${name}: a slot is called '${slot}'; choose another name than ${reserved.join(', ')}`);
    }
    return {
      ...slots,
      ...(emaDecay !== undefined && { average: copyOf(value) }),
      ...(accumulation > 1 && { accumulated: zeros(value.shape) }),
    };
  };

  const init = (parameters: unknown, previous?: OptimizerState): OptimizerState =>
    withScope(name, () => {
      const leaves = parameterLeaves(name, parameters);
      if (!previous && leaves.length > 0) checkExclusions(`optimizers.${name}`, excludeFromWeightDecay, leaves.map(({ path }) => path)); // prettier-ignore
      const first = leaves.map(firstSlots);
      const names = slotNames(name, leaves, first);
      const step = scalar(0, 'i32');
      const rate = typeof learningRate === 'number' ? scalar(learningRate) : scheduled(step);
      const fresh: OptimizerState = {
        step,
        learningRate: rate,
        ...treesOf(parameters, names, (i, slot) => first[i][slot]),
        ...Object.fromEntries(Object.entries(firstScalars).map(([key, value]) => [key, scalar(value)])),
        ...(accumulation > 1 && { accumulatedSteps: scalar(0, 'i32') }),
      };
      return previous ? keepPrevious(fresh, previous, names) : fresh;
    });

  const update = <P>(
    gradients: unknown,
    state: OptimizerState,
    parameters: P,
    { lossAndGradients }: UpdateOptions = {},
  ): { parameters: P; state: OptimizerState } =>
    withScope(name, () => {
      if (rule.needsLoss) requireLoss(name, { lossAndGradients });
      if ((state as unknown) === undefined || (state as unknown) === null) {
        throw new ArgumentError(`${name}: state is missing; pass update(gradients, state, parameters) what init(parameters) returned`);
      }
      const leaves = parameterLeaves(name, parameters);
      const given = matchLeaves(name, 'gradients', gradients, leaves);
      const first = leaves.map(firstSlots);
      const names = slotNames(name, leaves, first);
      const slotLeaves = names.map((slot) =>
        matchLeaves(
          name,
          `state.${slot}`,
          state[slot],
          leaves,
          first.map((slots) => slots[slot]),
        ),
      );
      const slotsBefore = leaves.map((_, i) => Object.fromEntries(names.map((slot, s) => [slot, slotLeaves[s][i]])));
      const rate = typeof learningRate === 'number' ? state.learningRate : scheduled(state.step);
      const step = add(state.step, 1);

      const sums = accumulation > 1 ? given.map((g, i) => add(slotsBefore[i].accumulated, cast(g, 'f32'))) : undefined;
      const ready = sums?.map((g) => div(g, accumulation)) ?? given.map((g) => cast(g, 'f32'));
      const clipped = clipGradients(
        ready,
        leaves.map(({ value }) => value),
        settings,
      );
      const context: Update = {
        count: cast(step, 'f32'),
        learningRate: rate,
        scalars: Object.fromEntries(Object.keys(firstScalars).map((key) => [key, scalarOf(name, state, key)])),
        parameters: leaves.map(({ value, path }, index): ParameterUpdate => ({
          gradient: clipped[index],
          parameter: cast(value, 'f32'),
          slots: slotsBefore[index],
          path,
          index,
          weightDecay: isExcluded(path) ? 0 : weightDecay,
        })),
        lossAndGradients: (values) => lossAt(name, lossAndGradients!, parameters, leaves, values),
      };
      const shared = rule.shared(context);
      // 1 - learningRate * weightDecay, once.
      const keep = weightDecay && !rule.ownsWeightDecay ? sub(1, mul(rate, weightDecay)) : undefined;
      // The average after the first update is the parameter itself. Keras does the same.
      const averageDecay = emaDecay === undefined ? undefined : where(equal(state.step, 0), 0, emaDecay);

      const updated = context.parameters.map((one): { parameter: Tensor; slots: Slots } => {
        const result = rule.step(one, shared);
        const next = nextParameter(result, keep && one.weightDecay ? mul(one.parameter, keep) : one.parameter);
        const average = averageDecay && { average: add(mul(one.slots.average, averageDecay), mul(next, sub(1, averageDecay))) };
        return { parameter: cast(next, leaves[one.index].value.dtype), slots: { ...result.slots, ...average } };
      });
      const scalars = rule.nextScalars?.(context, shared) ?? {};
      const next: OptimizerState = {
        step,
        learningRate: rate,
        ...treesOf(parameters, names, (i, slot) => updated[i].slots[slot]),
        ...scalars,
      };
      if (!sums) return { parameters: treeOf(parameters, (i) => updated[i].parameter) as P, state: next };

      // Updates that only accumulate compute the new values too, and keep the old ones.
      const accumulated = add(state.accumulatedSteps as Tensor, 1);
      const isDue = equal(accumulated, accumulation);
      const chosen = (after: Tensor, before: Tensor): Tensor => where(isDue, after, before);
      return {
        parameters: treeOf(parameters, (i) => chosen(updated[i].parameter, leaves[i].value)) as P,
        state: {
          step: chosen(step, state.step),
          learningRate: chosen(rate, state.learningRate),
          ...treesOf(parameters, names, (i, slot) =>
            slot === 'accumulated' ? where(isDue, 0, sums[i]) : chosen(updated[i].slots[slot], slotsBefore[i][slot]),
          ),
          ...Object.fromEntries(Object.entries(scalars).map(([key, value]) => [key, chosen(value, context.scalars[key])])),
          accumulatedSteps: where(isDue, 0, accumulated),
        },
      };
    });

  return { name, settings, ...(rule.needsLoss && { needsLoss: true }), init, update };
}

const nextParameter = (result: RuleResult, parameter: Tensor): Tensor =>
  'delta' in result ? sub(parameter, result.delta) : result.parameter;

/** Names of the slots, the same for every parameter. */
function slotNames(name: string, leaves: readonly ParameterLeaf[], slots: readonly Slots[]): string[] {
  const [names, ...others] = slots.map((one) => Object.keys(one));
  const odd = others.findIndex((other) => other.join() !== names.join());
  if (odd < 0) return names ?? [];
  throw new ArgumentError(
    `optimizers.${name}: ${leaves[odd + 1].path} has the slots ${others[odd].join(', ')}, but ${leaves[0].path} has ${names.join(', ')}; ` +
      'every parameter needs slots of the same names',
  );
}

/** A tree like the parameters, from the position of each leaf. */
function treeOf(parameters: unknown, pick: (i: number) => Tensor): unknown {
  let i = 0;
  return mapTree(parameters, () => pick(i++));
}

const treesOf = (parameters: unknown, names: readonly string[], pick: (i: number, slot: string) => Tensor): Record<string, unknown> =>
  Object.fromEntries(names.map((slot) => [slot, treeOf(parameters, (i) => pick(i, slot))]));

/** The fresh state with all values of `previous` that still have a place. */
function keepPrevious(fresh: OptimizerState, previous: OptimizerState, slots: readonly string[]): OptimizerState {
  const entries = Object.entries(fresh).map(([name, value]) => {
    if (!slots.includes(name)) return [name, previous[name] ?? value];
    return [name, keepSlots(value, previous[name])];
  });
  return Object.fromEntries(entries) as OptimizerState;
}

function scalarOf(name: string, state: OptimizerState, key: string): Tensor {
  const value = state[key];
  if (value instanceof Tensor && value.rank === 0) return value;
  const got = value instanceof Tensor ? `a tensor ${formatShape(value.shape)}` : value === undefined ? 'missing' : typeof value;
  throw new ShapeError(`${name}: state.${key} is ${got}; it must be a scalar tensor`);
}

/** Loss and gradients at other values of the parameters. */
function lossAt(
  name: string,
  lossAndGradients: LossAndGradients,
  parameters: unknown,
  leaves: readonly ParameterLeaf[],
  values: readonly Tensor[],
): { loss: Tensor; gradients: Tensor[] } {
  const at = treeOf(parameters, (i) => cast(values[i], leaves[i].value.dtype));
  const { loss, gradients } = lossAndGradients(at);
  const given = matchLeaves(name, 'lossAndGradients().gradients', gradients, leaves);
  return { loss, gradients: given.map((g) => cast(g, 'f32')) };
}
