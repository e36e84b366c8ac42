// The mathematics of the built-in cells over their parameters: one step made of ops, and what the op `recurrence` takes for all steps.
import type { RandomStream } from '../../../core/random.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import { type CellName, type GateFunctionName, add, concat, matmul, mul, ones, slice, split, sub } from '../../../ops/index.ts';
import { type Activation, activationName } from '../../activation.ts';
import type { Constraint } from '../../constraints.ts';
import type { Initializer } from '../../initializers.ts';
import type { TensorRecord } from '../../layer.ts';
import type { Regularizer } from '../../regularizers.ts';

/** Settings of any cell. Those that a cell does not have are undefined. */
export interface CellSettings {
  readonly units: number;
  readonly activation: Activation;
  readonly recurrentActivation?: Activation;
  readonly useBias: boolean;
  readonly unitForgetBias?: boolean;
  readonly resetAfter?: boolean;
  readonly kernelInitializer: Initializer;
  readonly recurrentInitializer: Initializer;
  readonly biasInitializer: Initializer;
  readonly kernelRegularizer: Regularizer | undefined;
  readonly recurrentRegularizer: Regularizer | undefined;
  readonly biasRegularizer: Regularizer | undefined;
  readonly kernelConstraint: Constraint | undefined;
  readonly recurrentConstraint: Constraint | undefined;
  readonly biasConstraint: Constraint | undefined;
  readonly dropout: number;
  readonly recurrentDropout: number;
}

/** A cell with its settings. Parameters are kernel [features, gates · units], recurrentKernel [units, gates · units] and bias. */
export interface Cell {
  readonly name: CellName;
  readonly settings: CellSettings;
  readonly stateSize: readonly number[];
  build(features: number, random: RandomStream): TensorRecord;
  /** x kernel with all biases that are added to it: [.., features] -> [.., gates · units] */
  project(parameters: TensorRecord, x: Tensor): Tensor;
  /** States after a step, the output first. `scale` [batch, units] multiplies the output before it enters the recurrent product. */
  step(parameters: TensorRecord, projected: Tensor, states: readonly Tensor[], scale: Tensor | undefined): readonly Tensor[];
  /** Options of the op `recurrence`, or undefined if it does not have these functions. */
  readonly fused: { readonly activation: GateFunctionName; readonly recurrentActivation: GateFunctionName } | undefined;
  /** Bias of a GRU's candidate that the reset gate multiplies. */
  recurrentBias(parameters: TensorRecord): Tensor | undefined;
}

/** Rules of the parameters, for the definition of a layer. */
export function cellRules(settings: CellSettings) {
  const { kernelRegularizer, recurrentRegularizer, biasRegularizer, kernelConstraint, recurrentConstraint, biasConstraint } = settings;
  return {
    regularizers: { kernel: kernelRegularizer, recurrentKernel: recurrentRegularizer, bias: biasRegularizer },
    constraints: { kernel: kernelConstraint, recurrentKernel: recurrentConstraint, bias: biasConstraint },
  };
}

const fusable: Readonly<Record<GateFunctionName, true>> = { linear: true, tanh: true, sigmoid: true, relu: true, hardSigmoid: true };

/** Name of an activation that the op `recurrence` has. */
function gateFunction(activation: Activation): GateFunctionName | undefined {
  const name = activationName(activation);
  return name !== undefined && Object.hasOwn(fusable, name) ? (name as GateFunctionName) : undefined;
}

const scaled = (h: Tensor, scale: Tensor | undefined): Tensor => (scale ? mul(h, scale) : h);
const withBias = (x: Tensor, bias: Tensor | undefined): Tensor => (bias ? add(x, bias) : x);
/** Columns of a vector or a matrix. */
const columns = (x: Tensor, begin: number, end: number): Tensor =>
  x.rank === 1 ? slice(x, [begin], [end]) : slice(x, [0, begin], [x.shape[0], end]);

interface Parts {
  readonly name: CellName;
  readonly gates: number;
  readonly states: 1 | 2;
  readonly settings: CellSettings;
  readonly step: Cell['step'];
  readonly isFused?: boolean;
  readonly bias?: (random: RandomStream) => Tensor;
  /** Bias that is added to x kernel. */
  readonly inputBias?: (bias: Tensor) => Tensor;
  readonly recurrentBias?: Cell['recurrentBias'];
}

function cellOf({ name, gates, states, settings, step, isFused = true, bias, inputBias, recurrentBias }: Parts): Cell {
  const { units, activation, recurrentActivation, useBias, kernelInitializer, recurrentInitializer, biasInitializer } = settings;
  const width = gates * units;
  const names = {
    activation: gateFunction(activation),
    recurrentActivation: recurrentActivation ? gateFunction(recurrentActivation) : 'sigmoid',
  };
  return {
    name,
    settings,
    stateSize: new Array<number>(states).fill(units),
    build: (features, random) => ({
      kernel: kernelInitializer([features, width], random),
      recurrentKernel: recurrentInitializer([units, width], random),
      ...(useBias && { bias: bias ? bias(random) : biasInitializer([width], random) }),
    }),
    project({ kernel, bias: added }, x) {
      return withBias(matmul(x, kernel), useBias ? (inputBias ? inputBias(added) : added) : undefined);
    },
    step,
    fused: isFused && names.activation && names.recurrentActivation ? (names as Cell['fused']) : undefined,
    recurrentBias: (parameters) => (useBias ? recurrentBias?.(parameters) : undefined),
  };
}

/** h' = activation(x kernel + h recurrentKernel + bias) */
export const simpleCell = (settings: CellSettings): Cell =>
  cellOf({
    name: 'simple',
    gates: 1,
    states: 1,
    settings,
    step: ({ recurrentKernel }, projected, [h], scale) => [settings.activation(add(projected, matmul(scaled(h, scale), recurrentKernel)))],
  });

/** Gates i, f, g, o in this order. */
export function lstmCell(settings: CellSettings & { readonly recurrentActivation: Activation }): Cell {
  const { units, activation, recurrentActivation, biasInitializer, unitForgetBias } = settings;
  return cellOf({
    name: 'lstm',
    gates: 4,
    states: 2,
    settings,
    bias: (random) =>
      unitForgetBias
        ? concat([biasInitializer([units], random), ones([units]), biasInitializer([2 * units], random)])
        : biasInitializer([4 * units], random),
    step({ recurrentKernel }, projected, [h, c], scale) {
      const [i, f, g, o] = split(add(projected, matmul(scaled(h, scale), recurrentKernel)), 4, -1);
      const memory = add(mul(recurrentActivation(f), c), mul(recurrentActivation(i), activation(g)));
      return [mul(recurrentActivation(o), activation(memory)), memory];
    },
  });
}

/** Gates z, r and the candidate in this order. */
export function gruCell(settings: CellSettings & { readonly recurrentActivation: Activation }): Cell {
  const { units, activation, recurrentActivation, biasInitializer, resetAfter = true } = settings;
  const width = 3 * units;
  /** Bias of the candidate, [units]. */
  const recurrentBias = ({ bias }: TensorRecord): Tensor | undefined =>
    resetAfter ? slice(bias, [1, 2 * units], [2, width]).reshape([units]) : undefined;
  return cellOf({
    name: 'gru',
    gates: 3,
    states: 1,
    settings,
    isFused: resetAfter,
    bias: (random) => biasInitializer(resetAfter ? [2, width] : [width], random),
    inputBias(bias) {
      if (!resetAfter) return bias;
      // The recurrent biases of z and r are added to those of the inputs.
      const [ofInputs, ofOutputs] = [0, 1].map((i) => slice(bias, [i, 0], [i + 1, width]).reshape([width]));
      const ofGates = add(columns(ofInputs, 0, 2 * units), columns(ofOutputs, 0, 2 * units));
      return concat([ofGates, columns(ofInputs, 2 * units, width)]);
    },
    recurrentBias,
    step(parameters, projected, [h], scale) {
      const { recurrentKernel, bias } = parameters;
      const [xz, xr, xn] = split(projected, 3, -1);
      const left = scaled(h, scale);
      const [ofGates, ofCandidate] = [columns(recurrentKernel, 0, 2 * units), columns(recurrentKernel, 2 * units, width)];
      const [yz, yr, yn] = split(matmul(left, resetAfter ? recurrentKernel : ofGates), resetAfter ? 3 : 2, -1);
      const z = recurrentActivation(add(xz, yz));
      const r = recurrentActivation(add(xr, yr));
      const reset = resetAfter ? mul(r, withBias(yn, bias && recurrentBias(parameters))) : matmul(mul(r, left), ofCandidate);
      return [add(mul(z, h), mul(sub(1, z), activation(add(xn, reset))))];
    },
  });
}
