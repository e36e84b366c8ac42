// What an optimizer is: a pure function from gradients, state and parameters to new state and parameters, over trees of tensors. The step
// count, the learning rate, clipping, weight decay and averaging are the same for all and live here; a rule says only what happens to one
// parameter. Optimizers know ops, not the compiler: inside a compiled training step they become a few fused kernels.
import { isFloat } from '../core/dtype.ts';
import type { Config } from '../core/config.ts';
import { ArgumentError, DtypeError, ShapeError } from '../core/errors.ts';
import { formatShape, sameShape } from '../core/shape.ts';
import { leavesOf, mapTree } from '../core/tree.ts';
import { building } from '../graph/reads.ts';
import { withScope } from '../graph/scope.ts';
import { Tensor, hostTensor } from '../graph/tensor.ts';
import { add, cast, equal, full, mul, sub, where } from '../ops/index.ts';
import { clipGradients } from './clipping.ts';
import type { OptimizerSettings } from './optimizerOptions.ts';
import type { Schedule } from './schedules.ts';

/**
 * `step` (i32, updates done) and `learningRate` (f32, the last one used, or the next one where it is a plain number: a callback may replace
 * it), then the optimizer's slots by name, such as `firstMoment`, each a tree like the parameters.
 */
export interface OptimizerState {
  readonly step: Tensor;
  readonly learningRate: Tensor;
  readonly [slot: string]: unknown;
}

export interface Optimizer {
  readonly name: string;
  readonly config?: Config;
  /** State for a tree of parameters, before the first update. */
  init(parameters: unknown): OptimizerState;
  /** One update. `gradients` is a tree like `parameters`. Inputs are not changed. */
  update<P>(gradients: unknown, state: OptimizerState, parameters: P): { parameters: P; state: OptimizerState };
}

export type Slots = Readonly<Record<string, Tensor>>;

/** Scalars that are the same for all parameters of an update. */
export interface Update {
  /** 1 at the first update; f32. */
  readonly count: Tensor;
  readonly learningRate: Tensor;
}

export interface Rule<Scalars> {
  readonly name: string;
  /** Initial value of each slot's elements. */
  readonly slots: Readonly<Record<string, number>>;
  /** Computed once an update, not once a parameter or an element. */
  scalars(update: Update): Scalars;
  /** The step to take away from one parameter, and its new slots. All f32. */
  step(gradient: Tensor, slots: Slots, scalars: Scalars): { delta: Tensor; slots: Slots };
}

/** Makes an optimizer of its rule. */
export function makeOptimizer<Scalars>(rule: Rule<Scalars>, settings: OptimizerSettings): Optimizer {
  const { name } = rule;
  const { learningRate, weightDecay, emaDecay } = settings;
  const initialSlots = { ...rule.slots, ...(emaDecay === undefined ? {} : { average: 0 }) };

  const scheduled = (step: Tensor): Tensor => building(`optimizers.${name}: learningRate`, () => (learningRate as Schedule)(step));

  const init = (parameters: unknown): OptimizerState =>
    withScope(name, () => {
      parameterLeaves(name, parameters);
      const step = hostTensor({ shape: [], dtype: 'i32' }, Int32Array.of(0));
      const rate =
        typeof learningRate === 'number' ? hostTensor({ shape: [], dtype: 'f32' }, Float32Array.of(learningRate)) : scheduled(step);
      const slots = Object.entries(initialSlots).map(([slot, value]) => [slot, mapTree(parameters, (p) => filled(p as Tensor, value))]);
      return { step, learningRate: rate, ...(Object.fromEntries(slots) as Record<string, unknown>) };
    });

  const update = <P>(gradients: unknown, state: OptimizerState, parameters: P): { parameters: P; state: OptimizerState } =>
    withScope(name, () => {
      const leaves = parameterLeaves(name, parameters);
      const given = matchLeaves(name, 'gradients', gradients, leaves);
      const slotLeaves = Object.keys(initialSlots).map((slot) => [slot, matchLeaves(name, `state.${slot}`, state[slot], leaves)] as const);
      const rate = typeof learningRate === 'number' ? state.learningRate : scheduled(state.step);
      const step = add(state.step, 1);
      const scalars = rule.scalars({ count: cast(step, 'f32'), learningRate: rate });
      // 1 - learningRate * weightDecay, once.
      const keep = weightDecay ? sub(1, mul(rate, weightDecay)) : undefined;
      // The first average is the first parameter itself, not a share of it.
      const averageDecay = emaDecay === undefined ? undefined : where(equal(state.step, 0), 0, emaDecay);

      const clipped = clipGradients(
        given.map((g) => cast(g, 'f32')),
        settings,
      );
      const updated = leaves.map(({ value }, i): { parameter: Tensor; slots: Slots } => {
        const slots = Object.fromEntries(slotLeaves.map(([slot, tensors]) => [slot, tensors[i]]));
        const taken = rule.step(clipped[i], slots, scalars);
        const parameter = cast(value, 'f32');
        const next = sub(keep ? mul(parameter, keep) : parameter, taken.delta);
        const average = averageDecay && { average: add(mul(slots.average, averageDecay), mul(next, sub(1, averageDecay))) };
        return { parameter: cast(next, value.dtype), slots: { ...taken.slots, ...average } };
      });
      const treeOf = (pick: (i: number) => Tensor): unknown => {
        let i = 0;
        return mapTree(parameters, () => pick(i++));
      };
      const slotTrees = Object.keys(initialSlots).map((slot) => [slot, treeOf((i) => updated[i].slots[slot])]);
      return {
        parameters: treeOf((i) => updated[i].parameter) as P,
        state: { step, learningRate: rate, ...(Object.fromEntries(slotTrees) as Record<string, unknown>) },
      };
    });

  return { name, init, update };
}

/** Slots are f32 whatever the parameter is: in f16 a second moment would vanish. */
const filled = (parameter: Tensor, value: number): Tensor => full(parameter.shape, value);

interface Leaf {
  readonly path: string;
  readonly value: Tensor;
}

function parameterLeaves(name: string, parameters: unknown): Leaf[] {
  return leavesOf(parameters).map(({ path, value }) => {
    if (!(value instanceof Tensor))
      throw new ArgumentError(`${name}: parameters${path} is ${describe(value)}; parameters are a tree of tensors`);
    if (!isFloat(value.dtype))
      throw new DtypeError(`${name}: parameters${path} is ${value.dtype}${formatShape(value.shape)}; only floats can be trained`);
    return { path, value };
  });
}

/** The tensors of a tree that must look like the parameters'. */
function matchLeaves(name: string, what: string, tree: unknown, parameters: readonly Leaf[]): Tensor[] {
  const found = new Map(leavesOf(tree).map(({ path, value }) => [path, value]));
  const known = new Set(parameters.map(({ path }) => path));
  for (const path of found.keys()) {
    if (!known.has(path)) throw new ArgumentError(`${name}: ${what}${path} has no parameter; it must be a tree like the parameters`);
  }
  return parameters.map(({ path, value: parameter }) => {
    const value = found.get(path);
    if (!(value instanceof Tensor)) {
      throw new ArgumentError(`${name}: ${what}${path} is ${describe(value)}; it must be a tree of tensors like the parameters`);
    }
    if (!sameShape(value.shape, parameter.shape)) {
      throw new ShapeError(
        `${name}: ${what}${path} is ${formatShape(value.shape)}, its parameter ${formatShape(parameter.shape)}; they must have one shape`,
      );
    }
    return value;
  });
}

const describe = (value: unknown): string => (value === undefined ? 'missing' : value === null ? 'null' : typeof value);
