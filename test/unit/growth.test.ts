// Twice the graph, about twice the work, from tracing to the finished program.
import { describe, expect, test, vi } from 'vitest';
import { gradients } from '../../src/autodiff/gradients.ts';
import { checkpoint } from '../../src/autodiff/index.ts';
import { compileGraph } from '../../src/compiler/index.ts';
import { traceFunction } from '../../src/engine/traceFunction.ts';
import { topological } from '../../src/graph/graph.ts';
import { definedOps } from '../../src/graph/op.ts';
import { type Tensor, nextSerial } from '../../src/graph/tensor.ts';
import { alias, matmul, sum, tanh, tensor, transpose, zeros } from '../../src/ops/index.ts';
import { countedWork } from '../support/countedWork.ts';
import { graphOf, softwareTarget } from '../support/graphs.ts';
import { longGraphNames, longGraphs } from '../support/longGraphs.ts';

describe('tracing and compiling', () => {
  test.each(longGraphNames)('%s', (name) => {
    const workFor = (n: number): number =>
      countedWork(() => {
        const { graph, donations } = longGraphs[name](n);
        compileGraph(graph, { name, target: softwareTarget, donations });
      }).work;
    // A kernel takes up to 160 nodes, and is looked at with each: a chain grows evenly from there on.
    const n = name === 'elementwise chain' ? 400 : 80;
    workFor(4); // what is made once
    const work = workFor(n);
    expect(workFor(2 * n) / work).toBeLessThan(2.25);
  });
});

test('gradients do not visit nodes older than the tensors they are taken of', () => {
  const before = tanh(zeros([4]));
  let visits = 0;
  const { inputs } = before.node!;
  Object.defineProperty(before.node!, 'inputs', { get: () => (visits++, inputs) });
  const x = alias(tanh(before));
  const loss = sum(tanh(x).mul(before));
  // Whether a factor may be infinite is computed once for each node, for any number of gradients.
  expect(gradients(loss, [x])).toHaveLength(1);
  visits = 0;
  expect(gradients(loss, [x])).toHaveLength(1);
  expect(visits).toBe(0);
  // A leaf may be read anywhere.
  gradients(loss, [tensor([1, 2])]);
  expect(visits).toBeGreaterThan(0);
});

test('a traced function that takes nothing from outside is not built a second time', () => {
  const outside = tensor([1, 2]);
  const nodesMade = (fn: (x: Tensor) => Tensor): number => {
    const since = nextSerial();
    traceFunction(fn, [zeros([2])], 'fn', new Set());
    return nextSerial() - since - nodesOfZeros;
  };
  const before = nextSerial();
  zeros([2]);
  const nodesOfZeros = nextSerial() - before;
  expect(nodesMade((x) => tanh(tanh(x)))).toBe(3);
  expect(nodesMade((x) => tanh(tanh(x).mul(outside)))).toBeGreaterThan(2 * 4);
});

test('equal products are planned once, different ones separately', () => {
  const { lowering } = definedOps().get('matmul')!;
  if (lowering.kind !== 'kernel') throw new Error('matmul is a kernel');
  const plan = vi.spyOn(lowering, 'plan');
  const plansOf = (...products: [a: readonly number[], b: readonly number[], transposed?: boolean][]): number => {
    const types = products.flatMap(([a, b]) => [{ shape: a }, { shape: b }]);
    const graph = graphOf(types, (...inputs) =>
      products.map(([, , transposed], i) => matmul(transposed ? transpose(inputs[2 * i]) : inputs[2 * i], inputs[2 * i + 1])),
    );
    plan.mockClear();
    compileGraph(graph, { name: 'products', target: softwareTarget });
    return plan.mock.calls.length;
  };
  expect(plansOf([[8, 8], [8, 8]], [[8, 8], [8, 8]], [[8, 8], [8, 8]])).toBe(1); // prettier-ignore
  expect(plansOf([[8, 8], [8, 8]], [[8, 8], [8, 8], true], [[4, 8], [8, 8]])).toBe(3); // prettier-ignore
  plan.mockRestore();
});

test('the gradients of one checkpoint wait for each other without an edge for each pair', () => {
  const edgesFor = (n: number): number => {
    const parameters = Array.from({ length: n }, () => alias(zeros([4])));
    const loss = checkpoint((p: readonly Tensor[]) => sum(p.reduce((a, b) => tanh(a.mul(b)))))(parameters);
    return topological(gradients(loss, parameters)).reduce((edges, { inputs }) => edges + inputs.length, 0);
  };
  expect(edgesFor(200) / edgesFor(100)).toBeLessThan(2.1);
});
