// Parts of optimizers that change another optimizer.
import { ArgumentError } from '../../core/errors.ts';
import { type Kind, objectWith } from '../../core/optionKinds.ts';
import { leavesOf, mapTree } from '../../core/tree.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Optimizer, OptimizerState } from '../optimizer.ts';
import { keepSlots } from '../keepState.ts';
import { copyOf } from '../rule.ts';

/** The option that takes the optimizer to change. */
export const optimizerKind: Kind<Optimizer> = /* @__PURE__ */ objectWith<Optimizer>(
  'an optimizer such as optimizers.adam()',
  'init',
  'update',
);

/** Settings of the inner optimizer that the outer one has too. */
export const described = (
  name: string,
  { settings, needsLoss, needsSampleGradients }: Optimizer,
): Pick<Optimizer, 'name' | 'settings' | 'needsLoss' | 'needsSampleGradients'> => ({
  name,
  ...(settings && { settings }),
  ...(needsLoss && { needsLoss }),
  ...(needsSampleGradients && { needsSampleGradients }),
});

/** The state of an inner optimizer, and one more tree that starts as a copy of the parameters. */
export function stateWithCopy(
  name: string,
  slot: string,
  inner: Optimizer,
  parameters: unknown,
  previous: OptimizerState | undefined,
): OptimizerState {
  const state = inner.init(parameters, previous);
  if (slot in state) {
    throw new ArgumentError(`optimizers.${name}: the optimizer ${inner.name} has a slot '${slot}' of its own; wrap another optimizer`);
  }
  const copies = mapTree(parameters, (value) => copyOf(value as Tensor));
  return { ...state, [slot]: previous ? keepSlots(copies, previous[slot]) : copies };
}

/** Trees of one form, leaf by leaf. */
export function zipTrees(fn: (...leaves: Tensor[]) => Tensor, first: unknown, ...others: readonly unknown[]): unknown {
  const rest = others.map((tree) => leavesOf(tree).map(({ value }) => value as Tensor));
  let i = 0;
  return mapTree(first, (value) => {
    const made = fn(value as Tensor, ...rest.map((leaves) => leaves[i]));
    i++;
    return made;
  });
}
