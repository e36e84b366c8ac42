// Activations by the names that layers take. Defaults are Keras's: 'gelu' here is the exact one.
import { ArgumentError } from '../core/errors.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  elu,
  exp,
  gelu,
  hardSigmoid,
  hardSwish,
  hardTanh,
  leakyRelu,
  logSigmoid,
  logSoftmax,
  mish,
  relu,
  relu6,
  selu,
  sigmoid,
  silu,
  softmax,
  softplus,
  softsign,
  tanh,
  tanhShrink,
} from '../ops/index.ts';

export type Activation = (x: Tensor) => Tensor;

const activations = {
  linear: (x) => x,
  relu: (x) => relu(x),
  relu6: (x) => relu6(x),
  leakyRelu: (x) => leakyRelu(x),
  elu: (x) => elu(x),
  selu: (x) => selu(x),
  gelu: (x) => gelu(x, { approximate: false }),
  silu: (x) => silu(x),
  swish: (x) => silu(x),
  mish: (x) => mish(x),
  sigmoid: (x) => sigmoid(x),
  hardSigmoid: (x) => hardSigmoid(x),
  hardSwish: (x) => hardSwish(x),
  logSigmoid: (x) => logSigmoid(x),
  tanh: (x) => tanh(x),
  hardTanh: (x) => hardTanh(x),
  tanhShrink: (x) => tanhShrink(x),
  exponential: (x) => exp(x),
  softplus: (x) => softplus(x),
  softsign: (x) => softsign(x),
  softmax: (x) => softmax(x, { axis: -1 }),
  logSoftmax: (x) => logSoftmax(x, { axis: -1 }),
} satisfies Record<string, Activation>;

export type ActivationName = keyof typeof activations;

/** An activation from what a layer's option holds: a name, a function, or nothing for the linear one. */
export function resolveActivation(where: string, value: ActivationName | Activation | undefined): Activation {
  if (value === undefined) return activations.linear;
  if (typeof value === 'function') return value;
  if (!Object.hasOwn(activations, value)) {
    throw new ArgumentError(
      `${where}: unknown activation '${String(value)}'; it is one of ${Object.keys(activations).join(', ')}, or a function`,
    );
  }
  return activations[value];
}
