// Activations by the names that layers take. Defaults are Keras's: 'gelu' is the exact one, 'geluTanh' the approximation by tanh.
import { type Kind, named } from '../core/optionKinds.ts';
import type { Tensor } from '../graph/tensor.ts';
import {
  elu,
  exp,
  gelu,
  hardShrink,
  hardSigmoid,
  hardSwish,
  hardTanh,
  leakyRelu,
  linear,
  logSigmoid,
  logSoftmax,
  mish,
  relu,
  relu6,
  selu,
  sigmoid,
  silu,
  softShrink,
  softmax,
  softplus,
  softsign,
  sparsePlus,
  sparseSigmoid,
  sparsemax,
  squareplus,
  tanh,
  tanhShrink,
  threshold,
} from '../ops/index.ts';

export type Activation = (x: Tensor) => Tensor;

const activations = {
  linear: (x) => linear(x),
  relu: (x) => relu(x),
  relu6: (x) => relu6(x),
  leakyRelu: (x) => leakyRelu(x),
  elu: (x) => elu(x),
  selu: (x) => selu(x),
  gelu: (x) => gelu(x, { approximate: false }),
  geluTanh: (x) => gelu(x, { approximate: true }),
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
  hardShrink: (x) => hardShrink(x),
  softShrink: (x) => softShrink(x),
  threshold: (x) => threshold(x),
  squareplus: (x) => squareplus(x),
  sparsePlus: (x) => sparsePlus(x),
  sparseSigmoid: (x) => sparseSigmoid(x),
  exponential: (x) => exp(x),
  softplus: (x) => softplus(x),
  softsign: (x) => softsign(x),
  softmax: (x) => softmax(x, { axis: -1 }),
  logSoftmax: (x) => logSoftmax(x, { axis: -1 }),
  sparsemax: (x) => sparsemax(x, { axis: -1 }),
} satisfies Record<string, Activation>;

export type ActivationName = keyof typeof activations;

/** An activation, by its name or as a function. */
export const activationKind: Kind<ActivationName | Activation, Activation> = /* @__PURE__ */ named<ActivationName, Activation>({
  names: () => Object.keys(activations) as ActivationName[],
  find: (name) => activations[name],
  // An activation from the table is written as its name.
  toConfig: (fn) => Object.entries(activations).find(([, known]) => known === fn)?.[0] ?? fn,
});
