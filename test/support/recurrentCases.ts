// Recurrent layers with given weights: the cases of test/golden/recurrentLayers.json, and a cell as a formula.
import { gradients } from '../../src/autodiff/index.ts';
import type { HostArray } from '../../src/core/dtype.ts';
import { leavesOf } from '../../src/core/tree.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Layer, type Masks, NetworkPass, type Tensors, networkOf } from '../../src/nn/index.ts';
import { add, sin, sum } from '../../src/ops/index.ts';
import { f, valuesOf } from '../tables/row.ts';

export interface LayerCase {
  readonly shapes: readonly (readonly number[])[];
  readonly results: readonly (readonly number[])[];
  readonly gradients: readonly (readonly number[])[];
}

export interface Built {
  readonly feeds: Map<Tensor, HostArray>;
  readonly results: readonly Tensor[];
  readonly gradients: readonly Tensor[];
}

/**
 * Results of a layer over placeholders, and the gradients of the sum of their sines. Shapes are those of the inputs, then of kernel,
 * recurrent kernel and bias of each owner of weights.
 */
export function buildCase(layer: Layer, shapes: LayerCase['shapes'], mode: 'f32' | 'f64' = 'f64'): Built {
  const tensors = shapes.map((shape, position) => placeholder(shape, 'f32', { position }));
  const feeds = new Map(tensors.map((tensor, k) => [tensor, valuesOf(f(shapes[k], -1, 1), k, mode)]));
  const network = networkOf(layer);
  const owners = network.owners.filter(({ layer: { kind } }) => !/^(bidirectional|rnn|stackedRnnCells)$/.test(kind));
  const first = tensors.length - 3 * owners.length;
  const [x, ...initial] = tensors.slice(0, first);
  const parameters = Object.fromEntries(network.owners.map(({ name }) => [name, {}]));
  owners.forEach(({ name }, i) => {
    const [kernel, recurrentKernel, bias] = tensors.slice(first + 3 * i);
    parameters[name] = { kernel, recurrentKernel, bias };
  });
  const state = Object.fromEntries(network.owners.map(({ name }) => [name, {}]));
  const { outputs } = new NetworkPass(network, { parameters, state }).run(initial.length ? [x, ...initial] : x, false);
  const results = leavesOf(outputs).map(({ value }) => value as Tensor);
  const loss = results.map((result) => sum(sin(result))).reduce((a, b) => add(a, b));
  return { feeds, results, gradients: gradients(loss, tensors) };
}

/** Outputs of a layer for a batch and a mask. */
export function outputsOf(layer: Layer, x: Tensors, { mask, training = false }: { mask?: Masks; training?: boolean } = {}): Tensors {
  const { parameters, state } = layer.variables.value!;
  return layer.call({ parameters, state }, x, { training, mask }).outputs;
}

type Vector = readonly number[];

export interface Weights {
  readonly kernel: readonly Vector[];
  readonly recurrentKernel: readonly Vector[];
  readonly bias: Vector | readonly Vector[];
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
/** x [n] times a matrix [n, m] */
const times = (x: Vector, matrix: readonly Vector[]): number[] =>
  matrix[0].map((_, j) => x.reduce((total, value, i) => total + value * matrix[i][j], 0));

/** All states [time][states][units] of one sequence. A step whose mask is not true keeps the states. */
export function formula(
  kind: 'simpleRnn' | 'lstm' | 'gru' | 'gru resetBefore',
  sequence: readonly Vector[],
  { kernel, recurrentKernel, bias }: Weights,
  mask: readonly boolean[],
): number[][][] {
  const units = recurrentKernel.length;
  const [inputBias, recurrentBias] = kind === 'gru' ? (bias as readonly Vector[]) : [bias as Vector, recurrentKernel[0].map(() => 0)];
  let states = kind === 'lstm' ? [new Array<number>(units).fill(0), new Array<number>(units).fill(0)] : [new Array<number>(units).fill(0)];
  return sequence.map((x, t) => {
    if (!mask[t]) return states;
    const [h, c] = states;
    const X = times(x, kernel).map((value, j) => value + inputBias[j]);
    const Y = times(h, recurrentKernel).map((value, j) => value + recurrentBias[j]);
    const at = (gate: number, j: number): number => X[gate * units + j] + Y[gate * units + j];
    const each = (value: (j: number) => number): number[] => h.map((_, j) => value(j));
    if (kind === 'simpleRnn') states = [each((j) => Math.tanh(at(0, j)))];
    else if (kind === 'lstm') {
      const memory = each((j) => sigmoid(at(1, j)) * c[j] + sigmoid(at(0, j)) * Math.tanh(at(2, j)));
      states = [each((j) => sigmoid(at(3, j)) * Math.tanh(memory[j])), memory];
    } else {
      const reset = h.map((value, j) => sigmoid(at(1, j)) * value);
      const before = times(
        reset,
        recurrentKernel.map((row) => row.slice(2 * units)),
      );
      const candidate = (j: number): number => (kind === 'gru' ? sigmoid(at(1, j)) * Y[2 * units + j] : before[j]);
      states = [each((j) => sigmoid(at(0, j)) * h[j] + (1 - sigmoid(at(0, j))) * Math.tanh(X[2 * units + j] + candidate(j)))];
    }
    return states;
  });
}
