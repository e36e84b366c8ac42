// Cells of recurrences, with what an op needs of them: sizes, one step on the CPU, and the derivatives of all steps in terms of other ops.
import trigonometrySource from '../../../shaders/trigonometry.wgsl?raw';
import { provideFunctions } from '../../wgsl/index.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { add, mul, sub } from '../elementwise/arithmetic.ts';
import { hardSigmoid, relu } from '../elementwise/activations.ts';
import { cast } from '../elementwise/cast.ts';
import { greater, less, logicalAnd } from '../elementwise/comparison.ts';
import { sigmoid } from '../elementwise/exponential.ts';
import { tanh } from '../elementwise/trigonometric.ts';
import { onesLike, zerosLike } from '../create/create.ts';

provideFunctions('trigonometry', trigonometrySource);

/** A function of gates: on the CPU, in WGSL, as an op, and its slope as a function of its value. */
export interface GateFunction {
  readonly host: (x: number) => number;
  readonly wgsl: (x: string) => string;
  readonly value: (x: Tensor) => Tensor;
  readonly slope: (y: Tensor) => Tensor;
}

const hostSigmoid = (x: number): number => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));

export const gateFunctions = {
  // y = x, dy = dx
  linear: { host: (x) => x, wgsl: (x) => x, value: (x) => x, slope: (y) => onesLike(y) },
  // dy = (1 - y²) dx
  tanh: { host: Math.tanh, wgsl: (x) => `safeTanh(${x})`, value: (x) => tanh(x), slope: (y) => sub(1, mul(y, y)) },
  // dy = y (1 - y) dx
  sigmoid: { host: hostSigmoid, wgsl: (x) => `sigmoid(${x})`, value: (x) => sigmoid(x), slope: (y) => mul(y, sub(1, y)) },
  // dy = [y > 0] dx
  relu: {
    host: (x) => (x <= 0 ? 0 : x),
    wgsl: (x) => `select(${x}, 0.0, (bitcast<u32>(${x}) - 0x80000000u) <= 0x7f800000u)`,
    value: (x) => relu(x),
    slope: (y) => cast(greater(y, 0), 'f32'),
  },
  // y = clip(x / 6 + 1/2, 0, 1), dy = [0 < y < 1] dx / 6
  hardSigmoid: {
    host: (x) => (x <= -3 ? 0 : x >= 3 ? 1 : (x + 3) / 6),
    wgsl: (x) => `safeClip((${x} + 3.0) / 6.0, 0.0, 1.0)`,
    value: (x) => hardSigmoid(x),
    slope: (y) => mul(cast(logicalAnd(greater(y, 0), less(y, 1)), 'f32'), 1 / 6),
  },
} satisfies Record<string, GateFunction>;

export type GateFunctionName = keyof typeof gateFunctions;

/** All steps at once, each tensor [batch, time, units]. */
interface Steps {
  /** Inputs of the gates. */
  readonly x: readonly Tensor[];
  /** State before the step times the recurrent kernel. */
  readonly y: readonly Tensor[];
  /** Output and memory before the step. */
  readonly h: Tensor;
  readonly c: Tensor;
  /** Recurrent bias of the candidate. */
  readonly bias: Tensor;
  readonly activation: GateFunction;
  readonly recurrentActivation: GateFunction;
}

/**
 * Factors of the gradients of a step. dh and dc are the gradients of output and memory after it, dh' and dc' those before it:
 *
 *     m = dc + D dh                          of the memory, which the output reads
 *     v = A m, that of the last gate A dh    of the product y, by gate; of cells without a memory, all are A dh
 *     dh' = K dh + v kernel^T,  dc' = F m
 */
export interface Factors {
  readonly A: readonly Tensor[];
  readonly K: Tensor;
  readonly D?: Tensor;
  readonly F?: Tensor;
  /** Factors of dh that give the gradients of x where they differ from v, by gate. */
  readonly entering?: readonly (Tensor | undefined)[];
}

/** Numbers of one step and one unit, in a cell's order of gates. */
export type HostStep = (
  x: readonly number[],
  y: readonly number[],
  state: { readonly h: number; readonly c: number; readonly bias: number },
  activation: (x: number) => number,
  recurrentActivation: (x: number) => number,
) => readonly [h: number, c: number];

export interface Cell {
  readonly gates: number;
  /** Number of states: the output, and the memory of an LSTM. */
  readonly states: 1 | 2;
  /** Number of the cell in the kernel. */
  readonly code: number;
  readonly hostStep: HostStep;
  readonly factors: (steps: Steps) => Factors;
}

export const cells = {
  // h' = f(x + y)
  simple: {
    gates: 1,
    states: 1,
    code: 0,
    hostStep: ([x], [y], _, f) => [f(x + y), 0],
    factors({ x: [x], y: [y], h, activation: f }) {
      return { A: [f.slope(f.value(add(x, y)))], K: zerosLike(h) };
    },
  },
  // i, f, o = s(x + y), g = a(x + y), c' = f c + i g, h' = o a(c')
  lstm: {
    gates: 4,
    states: 2,
    code: 1,
    hostStep(x, y, { c }, a, s) {
      const next = s(x[1] + y[1]) * c + s(x[0] + y[0]) * a(x[2] + y[2]);
      return [s(x[3] + y[3]) * a(next), next];
    },
    factors({ x, y, c, activation: a, recurrentActivation: s }) {
      const [i, f, o] = [0, 1, 3].map((gate) => s.value(add(x[gate], y[gate])));
      const g = a.value(add(x[2], y[2]));
      const out = a.value(add(mul(f, c), mul(i, g)));
      const A = [mul(g, s.slope(i)), mul(c, s.slope(f)), mul(i, a.slope(g)), mul(out, s.slope(o))];
      return { A, K: zerosLike(c), D: mul(o, a.slope(out)), F: f };
    },
  },
  // z, r = s(x + y), n = a(x + r (y + bias)), h' = z h + (1 - z) n
  gru: {
    gates: 3,
    states: 1,
    code: 2,
    hostStep(x, y, { h, bias }, a, s) {
      const z = s(x[0] + y[0]);
      return [z * h + (1 - z) * a(x[2] + s(x[1] + y[1]) * (y[2] + bias)), 0];
    },
    factors({ x, y, h, bias, activation: a, recurrentActivation: s }) {
      const [z, r] = [0, 1].map((gate) => s.value(add(x[gate], y[gate])));
      const candidate = add(y[2], bias);
      const n = a.value(add(x[2], mul(r, candidate)));
      const dn = mul(sub(1, z), a.slope(n));
      const A = [mul(sub(h, n), s.slope(z)), mul(mul(dn, candidate), s.slope(r)), mul(dn, r)];
      return { A, K: z, entering: [undefined, undefined, dn] };
    },
  },
} satisfies Record<string, Cell>;

export type CellName = keyof typeof cells;
