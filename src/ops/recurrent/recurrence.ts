// Recurrences of simple, LSTM and GRU cells over all steps in one op. The gradient computes the gates of all steps at once, from the states
// that the op returns, and then runs a linear recurrence.
import { ArgumentError, ShapeError, checkOptions } from '../../core/errors.ts';
import { didYouMean } from '../../core/nearest.ts';
import { type Shape, formatShape, sameShape } from '../../core/shape.ts';
import { type OpDefinition, defineOp } from '../../graph/op.ts';
import { type Tensor, apply } from '../../graph/tensor.ts';
import { checkTensor, inWords } from '../operands/arguments.ts';
import { mul } from '../elementwise/arithmetic.ts';
import { cast } from '../elementwise/cast.ts';
import { notEqual } from '../elementwise/comparison.ts';
import { where } from '../elementwise/select.ts';
import { ones, zeros } from '../create/create.ts';
import { operand } from '../operands/operands.ts';
import { sum } from '../reduce/reduce.ts';
import { stack } from '../shape/rearrange.ts';
import { broadcastTo, expandDims, reshape, transpose } from '../shape/shape.ts';
import { sliceAxis } from '../shape/slice.ts';
import { type Cell, type CellName, type GateFunctionName, cells, gateFunctions } from './cells.ts';
import { batchRecurrence, gateGradients, linearSteps, partOf, product, productGradient } from './linear.ts';
import { type LinearAttributes, type RecurrenceAttributes, planRecurrence } from './plan.ts';
import { recurrenceReference } from './reference.ts';

/**
 * x [batch, time, gates, units], kernel [kernels, units, gates · units], initial [batch, states, units], mask f32 [batch, time], scale
 * [batch, units], bias [kernels, units] -> [batch, time + 1, states, units]. The batch consists of equal groups, one for each kernel.
 */
const recurrenceOp: OpDefinition<RecurrenceAttributes> = defineOp<RecurrenceAttributes>({
  name: 'recurrence',
  infer: ([x, , initial]) => {
    const [batch, states, units] = initial.shape;
    return [{ shape: [batch, x.shape[1] + 1, states, units], dtype: 'f32' }];
  },
  batch: (context) => batchRecurrence(context, [1, 5]),
  vjp({ inputs, outputs: [found], cotangents: [g], needs, attributes }) {
    if (!g) return inputs.map(() => undefined);
    const [x, kernel, , mask, scale, bias] = inputs;
    const [batch, time, gates, units] = x.shape;
    const cell: Cell = cells[attributes.cell];
    const { states } = cell;
    const { scaled } = attributes;
    const before = sliceAxis(found, 1, 0, time);
    const h = partOf(before, 0);
    const left = scaled ? mul(h, expandDims(scale, 1)) : h;
    const y = reshape(product(left, kernel), x.shape);
    const perGate = (t: Tensor): Tensor[] => Array.from({ length: gates }, (_, gate) => partOf(t, gate));
    const [kernels] = kernel.shape;
    const { A, K, D, F, entering } = cell.factors({
      x: perGate(x),
      y: perGate(y),
      h,
      c: partOf(before, states - 1),
      bias: reshape(broadcastTo(expandDims(bias, 1), [kernels, (batch / kernels) * time, units]), h.shape),
      activation: gateFunctions[attributes.activation],
      recurrentActivation: gateFunctions[attributes.recurrentActivation],
    });
    // A step that is left out passes gradients of the state on, and has no others.
    const counts = broadcastTo(expandDims(notEqual(mask, 0), 2), h.shape);
    const counted = (t: Tensor): Tensor => where(counts, t, 0);
    const kept = (t: Tensor): Tensor => where(counts, t, 1);
    const gateFactors = stack(A.map(counted), 2);
    const stateFactors = stack([kept(K), ...(D && F ? [counted(D), kept(F)] : [])], 2);
    const linear: LinearAttributes = { gates, states, scaled, backwards: true };
    const gradients = linearSteps(g, { gateFactors, stateFactors }, transpose(kernel, [0, 2, 1]), scale, linear);
    const after = sliceAxis(gradients, 1, 1, time);
    const v = gateGradients({ gateFactors, stateFactors }, after, linear);
    const flat = reshape(v, [batch, time, gates * units]);
    const dh = partOf(after, 0);
    const dx = (): Tensor =>
      entering === undefined
        ? v
        : stack(
            entering.map((slope, gate) => (slope ? mul(counted(slope), dh) : partOf(v, gate))),
            2,
          );
    const dBias = (): Tensor => sum(reshape(partOf(v, gates - 1), [kernels, (batch / kernels) * time, units]), { axis: 1 });
    return [
      needs[0] ? dx() : undefined,
      needs[1] ? productGradient(left, flat, kernels) : undefined,
      needs[2] ? reshape(sliceAxis(gradients, 1, 0, 1), [batch, states, units]) : undefined,
      undefined,
      needs[4] && scaled ? sum(mul(h, product(flat, kernel, true)), { axis: 1 }) : undefined,
      needs[5] && attributes.cell === 'gru' ? dBias() : undefined,
    ];
  },
  reference: recurrenceReference,
  lowering: { kind: 'kernel', epilogue: false, plan: planRecurrence },
});

export type { CellName, GateFunctionName };

export interface RecurrenceOptions {
  /** Cell that computes a step. @default 'simple' */
  readonly cell?: CellName;
  /** State before the first step, [batch, states, units]. @default zeros */
  readonly initialState?: Tensor;
  /** bool [batch, time]: true for steps that count. The other steps keep the state. @default all steps count */
  readonly mask?: Tensor;
  /** Factor of the output where it is multiplied by the recurrent kernel, [batch, units]: a dropout mask. @default ones */
  readonly recurrentScale?: Tensor;
  /** Bias of a GRU's candidate that is added before the reset gate multiplies it, [units]. @default zeros */
  readonly recurrentBias?: Tensor;
  /** Function of the candidate, and of an LSTM's memory. @default 'tanh' */
  readonly activation?: GateFunctionName;
  /** Function of the gates. @default 'sigmoid' */
  readonly recurrentActivation?: GateFunctionName;
}

const optionNames = ['cell', 'initialState', 'mask', 'recurrentScale', 'recurrentBias', 'activation', 'recurrentActivation'] as const;

/**
 * All steps of a recurrent cell. y = h U is the recurrent product, by gate; f is the activation, s the recurrent activation.
 *
 *     simple:  h' = f(x + y)
 *     lstm:    i, f, g, o in this order: c' = s(x_f + y_f) c + s(x_i + y_i) f(x_g + y_g),  h' = s(x_o + y_o) f(c')
 *     gru:     z, r, n in this order:    h' = z h + (1 - z) f(x_n + r (y_n + bias)),  z = s(x_z + y_z),  r = s(x_r + y_r)
 *
 * x [batch, time, gates · units] holds the inputs times their kernel, with biases; recurrentKernel [units, gates · units]. Returns f32
 * [batch, time + 1, states, units]: the initial state, then the state after each step. An LSTM has two states, h and c. The layers are
 * layers.simpleRnn, layers.lstm and layers.gru.
 * @throws ShapeError for shapes that do not fit, ArgumentError for an unknown cell or function.
 *
 *     const states = recurrence(x.matmul(kernel), recurrentKernel, { cell: 'lstm' });
 */
export function recurrence(x: Tensor, recurrentKernel: Tensor, options: RecurrenceOptions = {}): Tensor {
  const op = 'recurrence';
  checkOptions(op, options, optionNames);
  const { cell = 'simple', activation = 'tanh', recurrentActivation = 'sigmoid' } = options;
  checkName('cell', cell, Object.keys(cells));
  checkName('activation', activation, Object.keys(gateFunctions));
  checkName('recurrentActivation', recurrentActivation, Object.keys(gateFunctions));
  const float = (name: string, t: Tensor): Tensor => cast(operand(op, checkTensor(op, name, t), 'float'), 'f32');
  const [inputs, kernel] = [float('x', x), float('recurrentKernel', recurrentKernel)];
  const { gates, states } = cells[cell];
  const [batch, time, width] = inputs.shape;
  const [units] = kernel.shape;
  if (inputs.rank !== 3 || kernel.rank !== 2 || kernel.shape[1] !== gates * units || width !== gates * units) {
    throw new ShapeError(
      `${op}: x is ${formatShape(inputs.shape)}, recurrentKernel is ${formatShape(kernel.shape)}; ` +
        `'${cell}' takes x [batch, time, ${gates} units] and recurrentKernel [units, ${gates} units]`,
    );
  }
  const given = (name: 'initialState' | 'mask' | 'recurrentScale' | 'recurrentBias', shape: Shape, axes: string): Tensor | undefined => {
    if (options[name] === undefined) return undefined;
    const t = name === 'mask' ? cast(notEqual(checkTensor(op, name, options[name]), 0), 'f32') : float(name, options[name]);
    if (sameShape(t.shape, shape)) return t;
    throw new ShapeError(`${op}: ${name} is ${formatShape(t.shape)}; it must be ${axes} = ${formatShape(shape)}`);
  };
  const initial = given('initialState', [batch, states, units], '[batch, states, units]') ?? zeros([batch, states, units]);
  const mask = given('mask', [batch, time], '[batch, time]') ?? ones([batch, time]);
  const scale = given('recurrentScale', [batch, units], '[batch, units]') ?? ones([batch, units]);
  const bias = given('recurrentBias', [units], '[units]') ?? zeros([units]);
  return apply(
    recurrenceOp,
    [reshape(inputs, [batch, time, gates, units]), expandDims(kernel, 0), initial, mask, scale, expandDims(bias, 0)],
    { cell, activation, recurrentActivation, scaled: options.recurrentScale !== undefined },
  );
}

function checkName(name: string, value: unknown, known: readonly string[]): void {
  if (known.includes(value as string)) return;
  throw new ArgumentError(`recurrence: ${name} is ${inWords(value)}; it must be one of ${known.join(', ')}${didYouMean(value, known)}`);
}
