// Different optimizers for different parameters.
import type { Configured } from '../../core/config.ts';
import { kindOf } from '../../core/optionKinds.ts';
import { type OptionsOf, declareOptions, required, withConfig } from '../../core/options.ts';
import { childPath, isBranch, leavesOf, mapTree, variablePath } from '../../core/tree.ts';
import { withScope } from '../../graph/scope.ts';
import type { LossAndGradients, Optimizer, OptimizerState, UpdateOptions } from '../optimizer.ts';
import { pathPattern } from '../optimizerOptions.ts';
import { sgd } from '../rules/sgd.ts';
import { described, optimizerKind } from './wrap.ts';

/** Optimizers by pattern. */
type ByPattern = Readonly<Record<string, Optimizer>>;

export const multiOptimizerOptions = declareOptions('optimizers.multiOptimizer', {
  /** Optimizers by a regular expression that is searched in a parameter's path, such as `encoder/dense_1/kernel`. The first match counts. */
  optimizers: required(
    kindOf<ByPattern>({
      rule: "a record of optimizers by regular expression, such as { 'embedding': optimizers.sgd() }",
      accepts: (value): value is ByPattern =>
        typeof value === 'object' &&
        value !== null &&
        !Array.isArray(value) &&
        Object.keys(value).length > 0 &&
        Object.entries(value).every(([pattern, one]) => pathPattern.accepts(pattern) && optimizerKind.accepts(one)),
    }),
    { embedding: sgd() },
  ),
  /** The optimizer of all other parameters. model.learningRate is its rate. */
  otherwise: required(optimizerKind, sgd()),
});
export type MultiOptimizerOptions = OptionsOf<typeof multiOptimizerOptions>;

/**
 * Several optimizers, each for the parameters whose paths match its pattern. Clipping by a global norm counts the gradients of one optimizer.
 *
 *     optimizers.multiOptimizer({ optimizers: { '^encoder/': optimizers.sgd({ learningRate: 1e-4 }) }, otherwise: optimizers.adam() })
 */
export function multiOptimizer(given: MultiOptimizerOptions): Configured<Optimizer> {
  const settings = multiOptimizerOptions.read(given);
  const { optimizers: byPattern, otherwise } = settings;
  const members: readonly Member[] = [
    ...Object.entries(byPattern).map(([pattern, optimizer], i) => ({ prefix: `${i}:`, pattern: new RegExp(pattern), optimizer })),
    { prefix: '', pattern: /^/, optimizer: otherwise },
  ];
  /** The parts of a tree by optimizer; undefined for an optimizer without a leaf. */
  const partsOf = (tree: unknown): unknown[] =>
    members.map((member) => prune(tree, (path) => members.find(({ pattern }) => pattern.test(path)) === member));
  const optimizer: Optimizer = {
    ...described('multiOptimizer', otherwise),
    ...(members.some(({ optimizer: { needsLoss } }) => needsLoss) && { needsLoss: true }),
    init: (parameters, previous) =>
      withScope('multiOptimizer', () => {
        const parts = partsOf(parameters);
        return joined(
          members.map((member, i) => prefixed(member, member.optimizer.init(parts[i] ?? {}, previous && ownState(member, previous)))),
        );
      }),
    update: <P>(gradients: unknown, state: OptimizerState, parameters: P, { lossAndGradients }: UpdateOptions = {}) =>
      withScope('multiOptimizer', () => {
        const [parts, given_] = [partsOf(parameters), partsOf(gradients)];
        const results = members.map((member, i) => {
          const own = ownState(member, state);
          if (parts[i] === undefined) return { member, parameters: {}, state: own };
          const atPart: LossAndGradients | undefined =
            lossAndGradients &&
            ((part) => {
              const { loss, gradients: all } = lossAndGradients(replaced(parameters, [part]));
              return { loss, gradients: partsOf(all)[i] };
            });
          return { member, ...member.optimizer.update(given_[i], own, parts[i], { lossAndGradients: atPart }) };
        });
        return {
          parameters: replaced(
            parameters,
            results.map((result) => result.parameters),
          ) as P,
          state: joined(results.map((result) => prefixed(result.member, result.state))),
        };
      }),
  };
  return withConfig(optimizer, multiOptimizerOptions, settings);
}

interface Member {
  /** Start of the names in the state that belong to this optimizer. */
  readonly prefix: string;
  readonly pattern: RegExp;
  readonly optimizer: Optimizer;
}

const prefixed = ({ prefix }: Member, state: OptimizerState): Record<string, unknown> =>
  Object.fromEntries(Object.entries(state).map(([name, value]) => [prefix + name, value]));

const joined = (states: readonly Record<string, unknown>[]): OptimizerState => Object.assign({}, ...states) as OptimizerState;

function ownState({ prefix }: Member, state: OptimizerState): OptimizerState {
  const own = Object.entries(state).filter(([name]) => (prefix ? name.startsWith(prefix) : !/^\d+:/.test(name)));
  return Object.fromEntries(own.map(([name, value]) => [name.slice(prefix.length), value])) as OptimizerState;
}

/** The leaves whose paths are kept, in records of the tree's form; undefined if there are none. */
function prune(tree: unknown, keep: (path: string) => boolean, path = ''): unknown {
  if (!isBranch(tree)) return keep(variablePath(path)) ? tree : undefined;
  const kept = Object.entries(tree)
    .map(([name, child]) => [name, prune(child, keep, childPath(path, name))] as const)
    .filter(([, child]) => child !== undefined);
  return kept.length > 0 ? Object.fromEntries(kept) : undefined;
}

/** The tree with the leaves of its parts in their places. */
function replaced(tree: unknown, parts: readonly unknown[]): unknown {
  const found = new Map(parts.flatMap(leavesOf).map(({ path, value }) => [variablePath(path), value]));
  return mapTree(tree, (value, path) => found.get(variablePath(path)) ?? value);
}
