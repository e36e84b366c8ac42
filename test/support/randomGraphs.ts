// Random graphs: recipes that fast-check can shrink, and the graphs that they make.
import fc from 'fast-check';
import { checkpoint, gradients } from '../../src/autodiff/index.ts';
import { OmbreError } from '../../src/core/errors.ts';
import { sizeOf } from '../../src/core/shape.ts';
import type { Graph } from '../../src/graph/graph.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import {
  add,
  any,
  arange,
  cast,
  concat,
  exp,
  flip,
  gather,
  greater,
  layerNorm,
  logSoftmax,
  matmul,
  max,
  mean,
  mul,
  neg,
  relu,
  reshape,
  sigmoid,
  slice,
  softmax,
  sub,
  sum,
  tanh,
  transpose,
  where,
} from '../../src/ops/index.ts';
import { type InputType, graphOf, values } from './graphs.ts';

const typesOf = (rows: number, columns: number): readonly InputType[] => [
  { shape: [rows, columns] },
  { shape: [rows, columns] },
  { shape: [columns] },
  { shape: [rows, 1] },
  { shape: [], scalar: true },
  { shape: [columns, rows] },
  { shape: [3], dtype: 'i32' }, // indices for gather
];

/** Inputs of every random graph. */
export const inputTypes = typesOf(4, 6);
/** Inputs with rows long enough for one workgroup each. */
export const wideInputTypes = typesOf(5, 70);
/** Inputs that take several workgroups. */
export const largeInputTypes = typesOf(130, 70);

type Make = (a: Tensor, b: Tensor, places: Tensor) => Tensor;

/** Bounded functions, so that values stay in the range in which f32 is precise. */
const smooth: readonly Make[] = [
  (a) => tanh(a),
  (a) => neg(a),
  (a) => relu(a),
  (a) => sigmoid(a),
  (a) => exp(neg(mul(a, a))),
  (a, b) => add(a, b),
  (a, b) => sub(a, b),
  (a, b) => mul(tanh(a), b),
  (a) => sum(a, { axis: 0 }),
  (a) => mean(a, { axis: -1, keepDims: true }),
  (a) => sum(a),
  (a) => transpose(a),
  (a) => reshape(a, [a.size]),
  (a) => reshape(a, [a.shape[a.rank - 1], a.size / a.shape[a.rank - 1]]),
  (a) => slice(a, [0], [a.shape[0]], [2]),
  (a) => flip(a, 0),
  (a, b) => concat([a, b], 0),
  (a, b) => tanh(matmul(a, transpose(b))),
  (a, b) => tanh(matmul(a, b)),
  (a, _, places) => gather(a, places, { axis: 0 }),
  (a, b) => checkpoint((p: Tensor, q: Tensor) => tanh(sub(mul(sigmoid(p), q), mean(tanh(p), { axis: 0, keepDims: true }))))(a, b),
  (a) => softmax(a),
  (a) => logSoftmax(a, { axis: 0 }),
  (a) => layerNorm(a, { epsilon: 0.25 }),
  (a, b) => sum(mul(tanh(a), b), { axis: 0, keepDims: true }),
  (a, b) => add(a, sum(tanh(b), { axis: -1, keepDims: true })),
  (a, b) => add(mul(a, 0.75), mul(mean(b, { axis: -1, keepDims: true }), 0.25)),
];

/** If two values differ only by rounding, these may choose either. */
const choosing: readonly Make[] = [
  (a, b) => where(greater(a, b), a, tanh(b)),
  (a) => max(a, { axis: 0, keepDims: true }),
  (a, b) => where(any(greater(a, b), { axis: -1, keepDims: true }), a, tanh(b)),
  (a) => cast(sum(cast(mul(tanh(a), 64), 'i32'), { axis: -1, keepDims: true }), 'f32'),
  (a) => cast(softmax(cast(tanh(a), 'f16')), 'f32'),
  (a) => cast(tanh(a), 'f16'),
  (a) => sub(a, max(a, { axis: -1, keepDims: true })),
  // The position decides which element is above the diagonal.
  (a) => where(greater(iotaOf(a, 0), iotaOf(a, -1)), a, 0.5),
];

const iotaOf = (a: Tensor, axis: number): Tensor =>
  axis === 0 ? reshape(arange(a.shape[0]), [a.shape[0], ...a.shape.slice(1).map(() => 1)]) : arange(a.shape[a.rank - 1] ?? 1);

const makers = [...smooth, ...choosing];

/** Small errors before these stay small after them. */
export const isSmooth = (maker: number): boolean => maker < smooth.length;

export interface Recipe {
  steps: [number, number, number][];
  wanted: number[];
  donate: number;
  limit: number;
  differentiate: boolean;
}

export const recipe = fc.record<Recipe>({
  steps: fc.array(fc.tuple(fc.nat(makers.length - 1), fc.nat(40), fc.nat(40)), { minLength: 1, maxLength: 30 }),
  wanted: fc.array(fc.nat(40), { minLength: 1, maxLength: 4 }),
  donate: fc.nat(63),
  limit: fc.integer({ min: 4, max: 10 }),
  differentiate: fc.boolean(),
});

/** Builds the graph of a recipe. A step whose operands do not fit is left out. */
export function outputsOf({ steps, wanted, differentiate }: Recipe, inputs: readonly Tensor[]): Tensor[] {
  const places = inputs[6];
  const pool = inputs.slice(0, 6);
  for (const [maker, a, b] of steps) {
    try {
      const made = makers[maker](pool[a % pool.length], pool[b % pool.length], places);
      if (made.size <= 4096) pool.push(made);
    } catch (error) {
      if (!(error instanceof OmbreError)) throw error; // else the shapes do not fit
    }
  }
  const outputs = wanted.map((i) => pool[pool.length - 1 - (i % pool.length)]);
  if (!differentiate) return outputs;
  const loss = sum(mul(outputs[0], outputs[0]));
  const parameters = inputs.slice(0, 3);
  return [...outputs, loss, ...gradients(loss, parameters).map((gradient, i) => sub(parameters[i], mul(gradient, 0.01)))];
}

export const build = (made: Recipe): Graph => graphOf(inputTypes, (...inputs) => outputsOf(made, inputs));

/** Values for the inputs: arrays, and a number for the scalar. */
export const inputValues = (types = inputTypes): (Float32Array | Int32Array | number)[] =>
  types.map(({ shape, scalar, dtype }, i) => (scalar ? 0.375 : dtype ? Int32Array.of(2, 0, 2) : values(sizeOf(shape), i + 1)));
