// Each pass by itself, and the whole compiler against the plain graph. Programs are simulated on the CPU, with scratch memory filled with
// NaN.
import { describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { compileGraph, printProgram, simplify } from '../../src/compiler/index.ts';
import { isPositional } from '../../src/compiler/positional.ts';
import { sizeOf } from '../../src/core/shape.ts';
import { type Graph, attributesKey, printGraph, topological } from '../../src/graph/graph.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import {
  add,
  arange,
  argMax,
  broadcastTo,
  concat,
  exp,
  logSoftmax,
  matmul,
  max,
  mean,
  mul,
  neg,
  pad,
  random,
  relu,
  reshape,
  sigmoid,
  slice,
  softmax,
  square,
  sub,
  sum,
  tanh,
  transpose,
} from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { simulate } from '../support/simulate.ts';
import { type InputType, gpuTarget, graphOf, softwareTarget, values } from '../support/graphs.ts';

const ops = (graph: Graph): string[] => topological(graph.outputs).map((node) => node.op.name);
const compileFor = (graph: Graph, donations = [] as { input: number; output: number }[]) =>
  compileGraph(graph, { name: 'test', target: softwareTarget, donations });

/** Simulated program and interpreted graph give the same bits: both round every op the same way. */
function expectSame(
  types: readonly InputType[],
  fn: (...inputs: Tensor[]) => readonly Tensor[],
  donations: { input: number; output: number }[] = [],
) {
  for (const target of [softwareTarget, gpuTarget]) {
    const graph = graphOf(types, fn);
    const program = compileGraph(graph, { name: 'test', target, donations });
    const inputs = types.map(({ shape, scalar }, i) => (scalar ? 0.37 : values(sizeOf(shape), i + 1)));
    const feeds = new Map(
      graph.inputs.map((input, i) => [input, typeof inputs[i] === 'number' ? Float32Array.of(inputs[i]) : inputs[i]] as const),
    );
    const expected = interpret(graph.outputs, { feeds });
    const got = simulate(program, inputs);
    got.forEach((data, i) => expect([...data], printProgram(program)).toEqual([...expected[i]]));
  }
}

describe('simplify', () => {
  test('merges equal subexpressions', () => {
    const graph = graphOf([{ shape: [4] }], (x) => [add(exp(x), exp(x))]);
    expect(ops(simplify(graph))).toEqual(['placeholder', 'exp', 'add']);
  });

  test('folds constants and drops identities', () => {
    const graph = graphOf([{ shape: [4] }], (x) => [mul(add(x, 0), 1)]);
    expect(ops(simplify(graph))).toEqual(['placeholder']);
    const folded = graphOf([{ shape: [4] }], (x) => [mul(x, broadcastTo(mul(broadcastTo(neg(neg(sub(x, x))), [4]), 0), [4]))]);
    expect(ops(simplify(folded)).length).toBeLessThan(ops(folded).length);
  });

  test('distinguishes 0 from -0, and infinities and NaN from each other', () => {
    const keys = [0, -0, NaN, Infinity, -Infinity, null].map((value) => attributesKey({ value }));
    expect(new Set(keys).size).toBe(keys.length);
    const padded = (x: Tensor): Tensor[] => [0, -0, 0].map((value) => pad(x, [[1, 0]], { value }));
    const graph = graphOf([{ shape: [2] }], padded);
    expect(ops(simplify(graph))).toEqual(['placeholder', 'pad', 'pad']);
  });

  test('keeps random numbers of different draws apart', () => {
    const graph = graphOf([{ shape: [4] }], (x) => [add(add(x, random.uniform([4])), random.uniform([4]))]);
    expect(ops(simplify(graph)).filter((name) => name === 'randomBits')).toHaveLength(2);
  });
});

describe('fuse', () => {
  const dispatchesOf = (fn: (x: Tensor) => readonly Tensor[]) => compileFor(graphOf([{ shape: [60] }], fn)).dispatches;
  const dispatches = (types: readonly InputType[], fn: (...inputs: Tensor[]) => readonly Tensor[]) =>
    compileFor(graphOf(types, fn)).dispatches.map(({ ops }) => ops);

  test('an elementwise chain of any length is one kernel', () => {
    expect(dispatches([{ shape: [100] }], (x) => [tanh(add(mul(x, 2), exp(neg(x))))])).toHaveLength(1);
  });

  test('several outputs of one kernel', () => {
    const program = compileFor(graphOf([{ shape: [100] }], (x) => [exp(x), add(exp(x), 1), square(x)]));
    expect(program.dispatches).toHaveLength(2); // square(x) shares an input, not a value, with the others
    expect(program.dispatches[0].bindings.filter(({ access }) => access === 'read_write')).toHaveLength(2);
  });

  test('elementwise ops before and after a reduction', () => {
    const fused = dispatches([{ shape: [8, 300] }], (x) => [mul(sum(square(x), { axis: 1 }), 0.5)]);
    expect(fused).toEqual([['square', 'sum', 'mul']]);
  });

  test('whole rows are loaded four items at a time on a CPU', () => {
    const inQuads = (types: readonly InputType[], fn: (...inputs: Tensor[]) => readonly Tensor[], target = softwareTarget) =>
      compileGraph(graphOf(types, fn), { name: 'quads', target }).dispatches[0].wgsl.includes('fn quad(');
    const whole = [{ shape: [8, 300] }];
    const sums = (x: Tensor): readonly Tensor[] => [sum(square(x), { axis: 1 })];
    expect(inQuads(whole, sums)).toBe(true);
    expect(inQuads([{ shape: [8, 300] }, { shape: [300] }], (x, b) => [sum(mul(x, b), { axis: 1 })])).toBe(true);
    expect(inQuads(whole, sums, gpuTarget)).toBe(false);
    expect(inQuads([{ shape: [8, 302] }], sums)).toBe(false);
    expect(inQuads(whole, (x) => [sum(x, { axis: 0 })])).toBe(false);
    expect(inQuads([{ shape: [20, 20] }], (x) => [sum(mul(x, transpose(x)), { axis: 1 })])).toBe(false);
    expect(inQuads([{ shape: [8, 300], dtype: 'f16' }], sums)).toBe(false);
    expect(inQuads(whole, (x) => [sum(transpose(x))])).toBe(false);
  });

  test('a value that others read too is not computed in a reduction', () => {
    // Not along rows, which make a row kernel: see rows.test.ts.
    const fused = dispatches([{ shape: [8, 300] }], (x) => [sum(exp(x), { axis: 0 }), exp(x)]);
    expect(fused).toEqual([['exp'], ['sum']]);
  });

  test('bias and activation after a product', () => {
    const fused = dispatches([{ shape: [32, 20] }, { shape: [20, 10] }, { shape: [10] }], (x, w, b) => [relu(add(matmul(x, w), b))]);
    expect(fused).toEqual([['matmul', 'add', 'relu']]);
  });

  test('a rearranging copy is stored by the kernel that makes the values', () => {
    const types = [{ shape: [2, 5, 6] }, { shape: [2, 6, 4] }, { shape: [4] }];
    const heads = (a: Tensor, b: Tensor, c: Tensor): readonly Tensor[] => [
      reshape(transpose(add(matmul(a, b), c), [1, 0, 2]), [5, 8]),
      reshape(transpose(tanh(a), [2, 0, 1]), [60]),
    ];
    expect(dispatches(types, heads)).toEqual([
      ['matmul', 'add', 'copy'],
      ['tanh', 'copy'],
    ]);
    expectSame(types, heads);
    // The reader of the copy reads it in another order. It is another kernel, which may not overwrite memory that the first still writes.
    const followed = (a: Tensor, b: Tensor): readonly Tensor[] => {
      const moved = reshape(transpose(matmul(a, b), [0, 2, 1]), [40]);
      return [moved, exp(moved)];
    };
    expect(dispatches(types.slice(0, 2), followed)).toEqual([['matmul', 'copy'], ['exp']]);
    expectSame(types.slice(0, 2), followed);
    // Parts and repetitions are no rearrangement.
    expect(dispatches([{ shape: [6, 6] }], (x) => [reshape(slice(transpose(exp(x)), [1, 0], [6, 6]), [30])])).toEqual([['exp'], ['copy']]);
    expect(dispatches([{ shape: [6] }], (x) => [reshape(broadcastTo(exp(x), [6, 6]), [36])])).toEqual([['exp'], ['copy']]);
    expectSame([{ shape: [6, 6] }], (x) => [reshape(transpose(exp(x)), [36])], [{ input: 0, output: 0 }]);
  });

  test('what follows a product is stored by four where all of it is walked in the order of the elements', async () => {
    const blockOf = (types: readonly InputType[], fn: (...inputs: Tensor[]) => readonly Tensor[]): string => {
      const [{ wgsl }, ...others] = compileFor(graphOf(types, fn)).dispatches;
      expect(others).toEqual([]);
      return /^\/\/ epilogue\n[\s\S]*^\/\/ end epilogue\n/m.exec(wgsl)![0];
    };
    const product = [{ shape: [32, 20] }, { shape: [20, 16] }];
    const momentum = blockOf(
      [...product, { shape: [32, 16] }, { shape: [16] }, { shape: [32, 1] }, { shape: [], scalar: true }],
      (x, y, velocity, row, column, rate) => {
        const next = add(mul(velocity, 0.9), matmul(x, y));
        return [next, sub(add(row, column), mul(next, rate))];
      },
    );
    await expect(momentum).toMatchFileSnapshot('./wgsl/epilogueQuads.wgsl');
    const turned = blockOf([...product, { shape: [16, 32] }], (x, y, t) => [add(matmul(x, y), transpose(t))]);
    expect(turned).toContain('fn store4(index: u32, value: vec4<f32>) {\n  for (var i = 0u; i < 4u; i++) { store(index + i, value[i]); }');
    const narrow = blockOf([{ shape: [32, 20] }, { shape: [20, 15] }, { shape: [15] }], (x, y, b) => [add(matmul(x, y), b)]);
    expect(narrow).not.toContain('store4');
  });

  test('a broadcast of a reduction is computed after the reduction', () => {
    const fused = dispatches([{ shape: [8, 30] }], (x) => [sub(x, max(x, { axis: 0, keepDims: true }))]);
    expect(fused).toEqual([['max'], ['sub']]);
  });

  test('pulling values into a reduction does not make the kernel before it write more', () => {
    const [first] = dispatchesOf((x) => {
      const parts = [1, 2, 3, 4, 5].map((i) => tanh(mul(x, i)));
      const product = parts.reduce((a, b) => mul(a, b));
      return [sum(parts.reduce((a, b) => add(a, b), product)), sum(product)];
    });
    expect(first.bindings.filter(({ access }) => access === 'read_write')).toHaveLength(2);
  });

  test('no group both feeds and needs another', () => {
    // a and c could be one kernel but for the sum between them.
    const fused = dispatches([{ shape: [10, 3] }], (x) => {
      const a = exp(x);
      return [add(a, broadcastTo(sum(a, { axis: 0 }), [10, 3]))];
    });
    expect(fused).toEqual([['exp'], ['sum'], ['add']]);
  });
});

describe('programs', () => {
  test('views: slices, transposes, broadcasts, reshapes of views', () => {
    expectSame([{ shape: [4, 6] }, { shape: [6] }], (x, b) => [
      add(transpose(slice(x, [1, 0], [4, 6])), 1),
      reshape(transpose(x), [3, 8]),
      matmul(transpose(x), slice(x, [0, 1], [4, 4])),
      add(slice(x, [0, 0], [4, 6], [2, 3]), slice(b, [0], [2])),
      sum(transpose(x), { axis: 0 }),
    ]);
  });

  test('softmax and its gradient', () => {
    expectSame([{ shape: [5, 7] }], (x) => [softmax(x), ...gradients(sum(square(logSoftmax(x))), [x])]);
  });

  test('a training step in place', () => {
    const types = [
      { shape: [16, 12] },
      { shape: [12, 8] },
      { shape: [8] },
      { shape: [8, 4] },
      { shape: [16, 4] },
      { shape: [], scalar: true },
    ];
    const step = (x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, y: Tensor, rate: Tensor): Tensor[] => {
      const loss = mean(square(sub(matmul(sigmoid(add(matmul(x, w1), b1)), w2), y)));
      const parameters = [w1, b1, w2];
      return [loss, ...gradients(loss, parameters).map((gradient, i) => sub(parameters[i], mul(gradient, rate)))];
    };
    const donations = [
      { input: 1, output: 1 },
      { input: 2, output: 2 },
      { input: 3, output: 3 },
    ];
    expectSame(types, step, donations);
    const program = compileFor(graphOf(types, step), donations);
    expect(program.outputs.map(({ inPlaceOf }) => inPlaceOf)).toEqual([undefined, 1, 2, 3]);
  });

  test('a donated input that a later kernel still needs is not overwritten early', () => {
    // The new w is ready before the product that reads the old one.
    expectSame([{ shape: [6, 6] }, { shape: [6, 6] }], (w, x) => [add(w, 1), matmul(matmul(x, x), w)], [{ input: 0, output: 0 }]);
  });

  test('a donated input that is read together with its successor keeps its memory', () => {
    const types = [{ shape: [6, 6] }];
    const step = (w: Tensor): Tensor[] => {
      const next = tanh(w);
      return [next, matmul(next, w)];
    };
    expectSame(types, step, [{ input: 0, output: 0 }]);
    expect(compileFor(graphOf(types, step), [{ input: 0, output: 0 }]).outputs[0].inPlaceOf).toBeUndefined();
  });

  test('donated inputs that change places are copied', () => {
    expectSame([{ shape: [6] }, { shape: [6] }], (a, b) => [b, a], [
      { input: 0, output: 0 },
      { input: 1, output: 1 },
    ]);
  });

  test('results that are inputs, constants, views or one another', () => {
    expectSame([{ shape: [3, 4] }, { shape: [], scalar: true }], (x, s) => [
      x,
      transpose(x),
      reshape(x, [12]),
      add(x, 1),
      add(x, 1),
      s,
      slice(x, [1, 0], [2, 4]),
    ]);
  });

  test('empty tensors', () => {
    expectSame([{ shape: [0, 4] }], (x) => [add(x, 1), sum(x, { axis: 0 }), sum(x), concat([x, x], 0), matmul(transpose(x), x)]);
  });

  test('reductions long enough to be cut into chunks', () => {
    const program = compileFor(graphOf([{ shape: [70001] }], (x) => [max(neg(x))]));
    expect(program.dispatches.map(({ label }) => label)).toEqual(['neg + max (1 of 2)', 'neg + max (2 of 2)']);
    expectSame([{ shape: [70001] }], (x) => [max(neg(x)), sum(reshape(x, [70001, 1]), { axis: 0 })]);
  });

  test('a long arg-reduction binds no more buffers than there are, the places of its first pass included', () => {
    const types = Array.from({ length: 9 }, () => ({ shape: [70001] }));
    const fn = (...xs: Tensor[]): Tensor[] => [argMax(xs.reduce((a, b) => add(a, b)))];
    const { dispatches } = compileFor(graphOf(types, fn));
    expect(Math.max(...dispatches.map(({ bindings }) => bindings.length))).toBeLessThanOrEqual(softwareTarget.maxStorageBuffers);
    const [last] = dispatches.slice(-1);
    expect(last.label).toMatch(/argMax \(2 of 2\)$/);
    expectSame(types, fn);
  });

  test('generated WGSL reads as if written by hand', () => {
    const program = compileFor(graphOf([{ shape: [32, 10] }, { shape: [10] }], (x, b) => [relu(add(mul(x, 0.5), b))]));
    expect(program.dispatches[0].wgsl).toMatchInlineSnapshot(`
      "// mul + add + relu  f32[32,10]
      struct Params { size: u32, chunk: u32, size0_1: u32 }
      @group(0) @binding(0) var<uniform> params: Params;

      @group(0) @binding(1) var<storage, read_write> out0: array<f32>;
      @group(0) @binding(2) var<storage, read> in0: array<f32>;
      @group(0) @binding(3) var<storage, read> in1: array<f32>;

      @compute @workgroup_size(64)
      fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
        let first = (id.y * (groups.x * 64u) + id.x) * params.chunk;
        let end = min(first + params.chunk, params.size);
        for (var index = first; index < end; index++) {
          let x0 = in0[index];
          let v0: f32 = (x0 * 0.5f);
          let i0_0 = index / params.size0_1;
          let i0_1 = index - i0_0 * params.size0_1;
          let x1 = in1[i0_1];
          let v1: f32 = (v0 + x1);
          let v2: f32 = select(v1, 0.0, (bitcast<u32>(v1) - 0x80000000u) <= 0x7f800000u);
          out0[index] = v2;
        }
      }
      "
    `);
  });

  test('the printed form has dispatches, memory positions and outputs', () => {
    const program = compileFor(graphOf([{ shape: [4, 8] }, { shape: [8, 2] }], (x, w) => [mean(square(matmul(x, w)))]));
    expect(printProgram(program)).toMatchInlineSnapshot(`
      "program test: 2 dispatches, arenas 256 + 256 bytes, peak 708 bytes
        0  matmul + square (matmul_direct)  (1x1x1)  a=input1 b=input0 -> out0=a0+0
        1  sum + div  (1x1x1)  in0=a0+0 -> out0=a1+0
      output 0: f32[] in a1+0"
    `);
  });
});

describe('the plan', () => {
  test('values that are not alive at the same time share memory', () => {
    const chain = graphOf([{ shape: [64, 64] }], (x) => {
      let h = x;
      for (let i = 0; i < 12; i++) h = matmul(h, x);
      return [h];
    });
    const { arenas, dispatches } = compileFor(chain);
    expect(dispatches).toHaveLength(12);
    // A product reads one value and writes another: two at a time, in two arenas.
    expect(arenas).toEqual([64 * 64 * 4, 64 * 64 * 4]);
  });

  test('no arena is larger than a binding: values that do not fit with others get another arena', () => {
    const types = [{ shape: [16, 16] }];
    const fn = (x: Tensor): Tensor[] => {
      const powers = [x];
      for (let i = 0; i < 8; i++) powers.push(matmul(mul(powers[i], 0.1), x));
      return [powers.reduceRight((a, b) => matmul(a, b)), ...powers.slice(1)];
    };
    const graph = graphOf(types, fn);
    const limit = 3 * 16 * 16 * 4 + 256;
    const program = compileGraph(graph, { name: 'test', target: { ...softwareTarget, maxBindingBytes: limit } });
    expect(compileFor(graph).arenas.some((bytes) => bytes > limit)).toBe(true); // without the limit an arena is larger
    expect(Math.max(...program.arenas)).toBeLessThanOrEqual(limit);
    const x = values(256);
    const expected = interpret(graph.outputs, { feeds: new Map([[graph.inputs[0], x]]) });
    simulate(program, [x]).forEach((data, i) => expect(data).toEqual(expected[i]));
  });

  test('a half-precision result begins at a whole word', () => {
    const graph = graphOf([{ shape: [9], dtype: 'f16' }], (x) => {
      const y = exp(x);
      return [slice(y, [1], [4]), slice(y, [2], [5]), slice(y, [3], [9])];
    });
    const { outputs, dispatches } = compileGraph(graph, { name: 'test', target: gpuTarget });
    expect(outputs.map(({ offset }) => offset)).toEqual([0, 2, 0]);
    expect(dispatches.map(({ ops: names }) => names.join())).toEqual(['exp', 'copy', 'copy']);
  });

  test('peak bytes are known before anything runs', () => {
    const { peakBytes } = compileFor(graphOf([{ shape: [256, 256] }], (x) => [matmul(x, x)]));
    expect(peakBytes).toBe(3 * 256 * 256 * 4); // input, scratch, result
  });
});

test('a deep graph compiles without recursion', () => {
  const graph = graphOf([{ shape: [4] }], (x) => {
    let h = x;
    for (let i = 0; i < 20000; i++) h = add(h, x);
    return [h];
  });
  expect(printGraph(simplify(graph)).split('\n')).toHaveLength(20002);
});

test('positional values are found in a deep graph too', () => {
  const deep = (first: Tensor, depth: number) => Array.from({ length: depth }).reduce<Tensor>((h) => mul(h, 3), first).node;
  expect([deep(arange(8), 3), deep(arange(8), 20000)].map(isPositional)).toEqual([true, false]);
  const [given] = graphOf([{ shape: [8], dtype: 'i32' }], (x) => [x]).inputs;
  expect(isPositional(deep(given, 20000))).toBe(false);
});
