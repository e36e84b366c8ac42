// Activations are functions of outputs. Those of the library have names, which configs store.
import type { Tensor } from '../graph/tensor.ts';

/** A function of a layer's outputs, of the same shape. */
export type Activation = (x: Tensor) => Tensor;

const names = new WeakMap<Activation, string>();

/** An activation of the library. Configs store its name. */
/* @__NO_SIDE_EFFECTS__ */
export function activation(name: string, fn: Activation): Activation {
  names.set(fn, name);
  return fn;
}

/** The name of an activation of the library; undefined for any other function. */
export const activationName = (fn: Activation): string | undefined => names.get(fn);
