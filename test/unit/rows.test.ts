// Row kernels: that groups over the same rows become one, that others do not, and what the kernel's text looks like. Numbers are compared on
// the CPU by simulation here, and on GPUs in test/gpu/rows.test.ts.
import { describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { compileGraph } from '../../src/compiler/index.ts';
import { sizeOf } from '../../src/core/shape.ts';
import type { Target } from '../../src/graph/op.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { add, exp, layerNorm, logSoftmax, matmul, max, mul, oneHot, softmax, sub, sum, transpose, where } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { type InputType, gpuTarget, graphOf, softwareTarget, values } from '../support/graphs.ts';
import { simulate } from '../support/simulate.ts';

type Make = (...inputs: Tensor[]) => readonly Tensor[];

const compile = (types: readonly InputType[], fn: Make, target: Target = softwareTarget, fusion = true) =>
  compileGraph(graphOf(types, fn), { name: 'rows', target, fusion });

const kernels = (types: readonly InputType[], fn: Make, target?: Target) =>
  compile(types, fn, target).dispatches.map(({ ops }) => ops.join(' '));

const crossEntropy = (x: Tensor, y: Tensor): Tensor[] => {
  const loss = sum(sum(where(oneHot(y, x.shape[1], 'bool'), mul(logSoftmax(x), -1), 0), { axis: -1 }));
  return [loss, gradients(loss, [x])[0]];
};

const normalised = (x: Tensor, gamma: Tensor, beta: Tensor): Tensor[] => {
  const y = layerNorm(x, { gamma, beta });
  return [y, ...gradients(sum(mul(y, x)), [x, gamma, beta])];
};

describe('groups over the same rows become one kernel', () => {
  test.each([
    ['softmax', [{ shape: [8, 30] }], (x: Tensor) => [softmax(x)], 1],
    ['softmax of a batch of matrices', [{ shape: [2, 8, 30] }], (x: Tensor) => [softmax(x)], 1],
    ['softmax of one row', [{ shape: [30] }], (x: Tensor) => [softmax(x)], 1],
    // The loss of the rows leaves the kernel as well; their sum is another.
    ['cross-entropy and its gradient', [{ shape: [8, 30] }, { shape: [8], dtype: 'i32' }], crossEntropy, 2],
    // Forward and backward over rows, and the sums for scale and shift over columns in one kernel.
    ['normalisation and its gradients', [{ shape: [8, 30] }, { shape: [30] }, { shape: [30] }], normalised, 2],
  ] as [string, InputType[], Make, number][])('%s', (_, types, fn, count) => {
    expect(kernels(types, fn)).toHaveLength(count);
    expect(kernels(types, fn, gpuTarget)).toHaveLength(count);
    for (const target of [softwareTarget, gpuTarget]) {
      for (const fusion of [true, false]) {
        const graph = graphOf(types, fn);
        const program = compileGraph(graph, { name: 'rows', target, fusion });
        const inputs = types.map(({ shape, dtype }, i) =>
          dtype === 'i32' ? Int32Array.from({ length: sizeOf(shape) }, (__, j) => (j * 7) % 30) : values(sizeOf(shape), i + 1),
        );
        const expected = interpret(graph.outputs, { feeds: new Map(graph.inputs.map((input, i) => [input, inputs[i]])) });
        simulate(program, inputs).forEach((data, i) => expect([...data]).toEqual([...expected[i]]));
      }
    }
  });

  test('with fusion switched off each op is a kernel', () => {
    expect(compile([{ shape: [8, 30] }], (x) => [softmax(x)], softwareTarget, false).dispatches.map(({ ops }) => ops)).toEqual([
      ['max'],
      ['sub'],
      ['exp'],
      ['sum'],
      ['div'],
    ]);
  });

  test('a causal mask is counted, not stored', () => {
    const program = compile([{ shape: [4, 6] }, { shape: [4], dtype: 'i32' }], (x, y) => [where(oneHot(y, 6, 'bool'), x, 0)]);
    expect(program.dispatches.map(({ ops }) => ops)).toEqual([['equal', 'where']]);
    expect(program.slots).toHaveLength(3);
  });

  test('sums along columns that do not need one another', () => {
    expect(kernels([{ shape: [50, 7] }, { shape: [50, 7] }], (a, b) => [sum(a, { axis: 0 }), sum(mul(a, b), { axis: 0 })])).toEqual([
      'sum mul sum',
    ]);
  });

  test('single numbers that do not need one another', () => {
    expect(kernels([{ shape: [50] }, { shape: [] }], (a, step) => [sum(a), add(step, 1)])).toHaveLength(1);
  });
});

describe('what stays apart', () => {
  test.each([
    [
      'a transposed read',
      [{ shape: [8, 8] }],
      (x: Tensor) => {
        const e = exp(x);
        return [e, sub(e, max(transpose(e), { axis: 1, keepDims: true }))];
      },
      2,
    ],
    ['values along the other axis', [{ shape: [8, 8] }], (x: Tensor) => [sub(x, max(x, { axis: 1 }))], 2],
    ['rows too long for one invocation', [{ shape: [2, 40_000] }], (x: Tensor) => [softmax(x)], 6],
    [
      'reductions with a product between them',
      [{ shape: [8, 8] }],
      (x: Tensor) => {
        const p = softmax(x);
        return [sum(matmul(p, p), { axis: 1 })];
      },
      3,
    ],
    [
      'sums that need one another',
      [{ shape: [8, 8] }],
      (x: Tensor) => {
        const columns = sum(x, { axis: 0 });
        return [columns, sum(mul(x, sum(columns)), { axis: 0 })];
      },
      3,
    ],
  ] as [string, InputType[], Make, number][])('%s', (_, types, fn, count) => {
    expect(kernels(types, fn)).toHaveLength(count);
  });

  test('a sum whose kernel also stores a rearranged copy, and another of the same rows', () => {
    const types = [{ shape: [2, 4, 30] }, { shape: [2, 4] }];
    const graph = graphOf(types, (x, y) => {
      const doubled = mul(y, 2);
      return [transpose(doubled), add(doubled, sum(x, { axis: 2 })), max(x, { axis: 2 })];
    });
    const inputs = types.map(({ shape }, i) => values(sizeOf(shape), i + 1));
    const expected = interpret(graph.outputs, { feeds: new Map(graph.inputs.map((input, i) => [input, inputs[i]])) });
    for (const target of [softwareTarget, gpuTarget]) {
      const program = compileGraph(graph, { name: 'rows', target });
      simulate(program, inputs).forEach((data, i) => expect([...data]).toEqual([...expected[i]]));
    }
  });

  test('a kernel that would bind too many buffers', () => {
    const types = Array.from({ length: 12 }, () => ({ shape: [8, 30] }));
    const program = compile(types, (...inputs) => inputs.map((x) => sum(exp(x), { axis: 1 })));
    for (const { bindings } of program.dispatches) expect(bindings.length).toBeLessThanOrEqual(softwareTarget.maxStorageBuffers);
    expect(program.dispatches.length).toBeGreaterThan(1);
  });
});

test('a kernel of many reductions stays within the workgroup memory of every device', () => {
  const deep = (x: Tensor) => [Array.from({ length: 75 }).reduce<Tensor>((y) => sub(y, max(y, { axis: 1, keepDims: true })), x)];
  const bytes = compile([{ shape: [8, 100] }], deep, gpuTarget).dispatches.map(
    ({ wgsl }) => 4 * [...wgsl.matchAll(/var<workgroup> \w+: array<\w+, (\d+)>/g)].reduce((total, [, size]) => total + Number(size), 0),
  );
  expect(Math.max(...bytes)).toBeGreaterThan(0);
  expect(Math.max(...bytes)).toBeLessThanOrEqual(16384);
});

test('a value of the row that replaces one is stored when the whole workgroup has read that', () => {
  const graph = graphOf([{ shape: [8, 100] }, { shape: [8, 1] }], (x, running) => {
    const next = add(mul(sum(x, { axis: 1, keepDims: true }), 0.01), running);
    return [sub(x, next), next];
  });
  const { dispatches, outputs } = compileGraph(graph, { name: 'rows', target: gpuTarget, donations: [{ input: 1, output: 1 }] });
  expect([dispatches.length, outputs[1].inPlaceOf]).toEqual([1, 1]);
  // Read after the last barrier of the sum, stored by the first invocation.
  expect(dispatches[0].wgsl).toMatch(
    /workgroupBarrier\(\);(?![^]*workgroupBarrier)[^]*= (out\d)\[row\];[^]*storageBarrier\(\);\n *if \(first == 0u\) \{\n *\1\[row\]/,
  );
});

test('a result may take the place of the rows it is made from, stored in the last loop', () => {
  const graph = graphOf([{ shape: [8, 30] }], (x) => [softmax(x)]);
  const program = compileGraph(graph, { name: 'rows', target: softwareTarget, donations: [{ input: 0, output: 0 }] });
  expect(program.outputs[0].inPlaceOf).toBe(0);
  expect(program.dispatches[0].bindings).toHaveLength(1);
  const x = values(240);
  const [expected] = interpret(graph.outputs, { feeds: new Map([[graph.inputs[0], x]]) });
  expect([...simulate(program, [x.slice()])[0]]).toEqual([...expected]);
});

test('but not of what other rows still read', () => {
  // The columns' sums are read by every row.
  const graph = graphOf([{ shape: [30, 30] }, { shape: [30] }], (x, b) => [add(sum(add(x, b), { axis: 1 }), 1)]);
  const program = compileGraph(graph, { name: 'rows', target: softwareTarget, donations: [{ input: 1, output: 0 }] });
  expect(program.outputs[0].inPlaceOf).toBeUndefined();
});

test.each([
  ['a product reads whole rows for every element', (x: Tensor) => [matmul(x, x)]],
  ['a transposed read', (x: Tensor) => [add(transpose(x), exp(x))]],
  ['a result that is stored rearranged', (x: Tensor) => [transpose(exp(x))]],
] as [string, Make][])('nothing takes the place of what is read elsewhere: %s', (_, fn) => {
  const graph = graphOf([{ shape: [30, 30] }], fn);
  const program = compileGraph(graph, { name: 'rows', target: softwareTarget, donations: [{ input: 0, output: 0 }] });
  expect(program.outputs[0].inPlaceOf).toBeUndefined();
});

test('no value waits in memory that the kernel reads again', () => {
  const graph = graphOf([{ shape: [8, 30] }], (x) => [mul(softmax(x), x)]);
  const program = compileGraph(graph, { name: 'rows', target: softwareTarget, donations: [{ input: 0, output: 0 }] });
  expect([program.dispatches.length, program.outputs[0].inPlaceOf]).toEqual([1, 0]);
  expect(program.dispatches[0].wgsl.match(/out0\[index\] =/g)).toHaveLength(1);
});

test.each(['cpu', 'gpu'] as const)('the text for a %s', async (processor) => {
  const program = compile([{ shape: [8, 100] }], (x) => [softmax(x)], { ...softwareTarget, processor });
  await expect(program.dispatches[0].wgsl).toMatchFileSnapshot(`./wgsl/softmax${processor === 'cpu' ? 'Cpu' : 'Gpu'}.wgsl`);
});
