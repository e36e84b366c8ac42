// The option of layers that takes an activation.
import { namedEntries } from '../core/names.ts';
import { type Kind, named } from '../core/optionKinds.ts';
import { type Activation, activationName } from './activation.ts';
import type * as activations from './activations.ts';

export type ActivationName = keyof typeof activations;

/**
 * An activation, by its name or as a function. `defaults` are the activations that the layer's default and example name: a program without
 * names has them too.
 */
/* @__NO_SIDE_EFFECTS__ */
export function activationKind(
  defaults: Partial<Readonly<Record<ActivationName, Activation>>>,
): Kind<ActivationName | Activation, Activation> {
  const table = (): Readonly<Partial<Record<string, Activation>>> => {
    const known = namedEntries('activations') as [string, Activation][];
    return known.length ? Object.fromEntries(known) : defaults;
  };
  return named<ActivationName, Activation>({
    names: () => Object.keys(table()) as ActivationName[],
    find: (name) => table()[name]!,
    hint: (value) =>
      typeof value === 'string' && namedEntries('activations').length === 0
        ? `; 'ombre/lean' has no other names: write activations.NAME, or import 'ombre' in place of 'ombre/lean'`
        : '',
    // An activation of the library is written as its name.
    toConfig: (fn) => activationName(fn) ?? fn,
  });
}
