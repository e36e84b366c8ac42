// Random graphs: the compiled program, simulated over poisoned scratch, must give the bits of the plain graph, whatever was fused, reordered,
// placed in shared memory or written in place; and no dispatch may bind more than the device allows.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { compileGraph, printProgram } from '../../src/compiler/index.ts';
import { OmbreError } from '../../src/core/errors.ts';
import { sameShape, sizeOf } from '../../src/core/shape.ts';
import { type Graph, printGraph } from '../../src/graph/graph.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import {
  add,
  concat,
  exp,
  flip,
  gather,
  greater,
  matmul,
  max,
  mean,
  mul,
  neg,
  relu,
  reshape,
  sigmoid,
  slice,
  sub,
  sum,
  tanh,
  transpose,
  where,
} from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { simulate } from '../../src/runtime/simulate.ts';
import { type InputType, gpuTarget, graphOf, softwareTarget, values } from '../support/graphs.ts';

const inputTypes: readonly InputType[] = [
  { shape: [4, 6] },
  { shape: [4, 6] },
  { shape: [6] },
  { shape: [4, 1] },
  { shape: [], scalar: true },
  { shape: [6, 4] },
  { shape: [3], dtype: 'i32' }, // places to gather from
];

type Make = (a: Tensor, b: Tensor, places: Tensor) => Tensor;

/** Bounded functions, so that values stay where f32 arithmetic says something. */
const makers: readonly Make[] = [
  (a) => tanh(a),
  (a) => neg(a),
  (a) => relu(a),
  (a) => sigmoid(a),
  (a) => exp(neg(mul(a, a))),
  (a, b) => add(a, b),
  (a, b) => sub(a, b),
  (a, b) => mul(tanh(a), b),
  (a, b) => where(greater(a, b), a, tanh(b)),
  (a) => sum(a, { axis: 0 }),
  (a) => mean(a, { axis: -1, keepDims: true }),
  (a) => max(a, { axis: 0, keepDims: true }),
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
];

interface Recipe {
  steps: [number, number, number][];
  wanted: number[];
  donate: number;
  limit: number;
  differentiate: boolean;
}

const recipe = fc.record<Recipe>({
  steps: fc.array(fc.tuple(fc.nat(makers.length - 1), fc.nat(40), fc.nat(40)), { minLength: 1, maxLength: 30 }),
  wanted: fc.array(fc.nat(40), { minLength: 1, maxLength: 4 }),
  donate: fc.nat(63),
  limit: fc.integer({ min: 4, max: 10 }),
  differentiate: fc.boolean(),
});

/** Follows the recipe; a step whose operands do not fit is left out. */
function build({ steps, wanted, differentiate }: Recipe): Graph {
  return graphOf(inputTypes, (...inputs) => {
    const places = inputs[6];
    const pool = inputs.slice(0, 6);
    for (const [maker, a, b] of steps) {
      try {
        const made = makers[maker](pool[a % pool.length], pool[b % pool.length], places);
        if (made.size <= 4096) pool.push(made);
      } catch (error) {
        if (!(error instanceof OmbreError)) throw error; // else: these two do not go together
      }
    }
    const outputs = wanted.map((i) => pool[pool.length - 1 - (i % pool.length)]);
    if (!differentiate) return outputs;
    const loss = sum(mul(outputs[0], outputs[0]));
    const parameters = inputs.slice(0, 3);
    return [...outputs, loss, ...gradients(loss, parameters).map((gradient, i) => sub(parameters[i], mul(gradient, 0.01)))];
  });
}

function check(made: Recipe): void {
  const graph = build(made);
  const free = new Set(graph.outputs.keys());
  const donations = graph.inputs.flatMap((input, i) => {
    if (!(made.donate & (1 << i)) || inputTypes[i].scalar) return [];
    const output = [...free].find((o) => graph.outputs[o].dtype === input.dtype && sameShape(graph.outputs[o].shape, input.shape));
    if (output === undefined) return [];
    free.delete(output);
    return [{ input: i, output }];
  });
  const data = inputTypes.map(({ shape, scalar, dtype }, i) =>
    scalar ? 0.375 : dtype ? Int32Array.of(2, 0, 2) : values(sizeOf(shape), i + 1),
  );
  const feeds = new Map(graph.inputs.map((input, i) => [input, typeof data[i] === 'number' ? Float32Array.of(data[i]) : data[i]] as const));
  const expected = interpret(graph.outputs, { feeds });
  for (const target of [softwareTarget, gpuTarget]) {
    const program = compileGraph(graph, { name: 'fuzz', target: { ...target, maxStorageBuffers: made.limit }, donations });
    for (const { bindings, label } of program.dispatches) {
      expect(bindings.length, `${label}: buffers bound`).toBeLessThanOrEqual(made.limit);
    }
    const got = simulate(program, data);
    got.forEach((result, i) =>
      expect([...result], `output ${i}\n${printGraph(graph)}\n${printProgram(program)}`).toEqual([...expected[i]]),
    );
  }
}

test('400 random graphs', () => {
  fc.assert(fc.property(recipe, check), { numRuns: 400, seed: 20261122 });
});
