// einsum beyond the tables: random equations against plain loops, the order of contraction, copies, bad input.
import { expect, test } from 'vitest';
import { RandomStream } from '../../src/core/random.ts';
import { stridesOf } from '../../src/core/shape.ts';
import { type Graph, topological } from '../../src/graph/graph.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { compileGraph } from '../../src/compiler/index.ts';
import { bestOrder } from '../../src/ops/matmul/contract.ts';
import { einsum, tensordot } from '../../src/ops/index.ts';
import { gpuTarget } from '../support/graphs.ts';
import { dataOf, expectClose, indices, random, valuesOf } from './kernelChecks.ts';

const input = (...shape: number[]): Tensor => placeholder(shape, 'f32', { position: 0 });

/** The sum over all labels, one after another. */
function naive(terms: readonly string[], output: string, sizes: Readonly<Record<string, number>>, operands: readonly Tensor[]): number[] {
  const labels = [...new Set(terms.join(''))];
  const outputShape = [...output].map((label) => sizes[label]);
  const result = new Array<number>(outputShape.reduce((a, b) => a * b, 1)).fill(0);
  const position = (text: string, shape: readonly number[], at: readonly number[]): number =>
    stridesOf(shape).reduce((flat, stride, axis) => flat + stride * at[labels.indexOf(text[axis])], 0);
  for (const at of indices(labels.map((label) => sizes[label]))) {
    const product = operands.reduce((so, x, i) => so * dataOf(x)[position(terms[i], x.shape, at)], 1);
    result[position(output, outputShape, at)] += product;
  }
  return result;
}

test('300 random equations of one to four operands are what plain loops say', () => {
  const stream = RandomStream.fromSeed(11);
  const below = (n: number): number => Math.floor(stream.uniform() * n);
  const sizes = { a: 2, b: 3, c: 1, d: 2, e: 4 };
  for (let trial = 0; trial < 300; trial++) {
    const letters = (most: number): string => Array.from({ length: below(most + 1) }, () => 'abcde'[below(5)]).join('');
    const terms = Array.from({ length: 1 + below(4) }, () => letters(3));
    const output = [...new Set(terms.join(''))].filter(() => stream.uniform() < 0.5).join('');
    const operands = terms.map((text) => random([...text].map((label) => sizes[label as keyof typeof sizes])));
    const y = einsum(`${terms.join(',')}->${output}`, ...operands);
    expect(y.shape).toEqual([...output].map((label) => sizes[label as keyof typeof sizes]));
    expectClose(valuesOf(y), naive(terms, output, sizes, operands), 1e-9);
  }
});

test('sizes of 0', () => {
  expect(einsum('ij,jk->ik', input(2, 0), input(0, 3)).shape).toEqual([2, 3]);
  expect(valuesOf(einsum('ij,jk->ik', random([2, 0]), random([0, 3])))).toEqual([0, 0, 0, 0, 0, 0]);
  expect(einsum('bi,bi->b', input(0, 3), input(0, 3)).shape).toEqual([0]);
});

test('the order of contraction is that of least work', () => {
  const sizes = new Map(Object.entries({ a: 10, b: 1000, c: 10, d: 1000 }));
  // (ab bc) cd costs 10^5 + 10^5, ab (bc cd) 10^7 + 10^7.
  expect(bestOrder([['a', 'b'], ['b', 'c'], ['c', 'd']], ['a', 'd'], sizes)).toEqual([[0, 1], 2]); // prettier-ignore
  expect(bestOrder([['b', 'c'], ['c', 'd'], ['d', 'a']], ['b', 'a'], sizes)).toEqual([0, [1, 2]]); // prettier-ignore
  // A chain too long to search: the result is the same for any order.
  const matrices = Array.from({ length: 10 }, () => random([2, 2]));
  const chain = einsum('ab,bc,cd,de,ef,fg,gh,hi,ij,jk->ak', ...matrices);
  const pairs = matrices.reduce((so, m) => einsum('ij,jk', so, m));
  expectClose(valuesOf(chain), valuesOf(pairs));
});

test('transposes before a product are views: attention over [batch, time, heads, depth] copies nothing', () => {
  const [q, k] = [0, 1].map((position) => placeholder([2, 16, 4, 8], 'f32', { position }));
  const graph: Graph = { inputs: [q, k], outputs: [einsum('bqhd,bkhd->bhqk', q, k)] };
  expect(compileGraph(graph, { name: 'einsum', target: gpuTarget }).dispatches).toHaveLength(1);
  expect(topological(graph.outputs).filter((node) => node.op.name === 'matmul')).toHaveLength(1);
});

test('says what is wrong', () => {
  const a = input(2, 3);
  const expectError = (call: () => unknown, text: string): void => expect(call).toThrow(text);
  expectError(() => einsum('ij,jk->ik', a), "einsum: 'ij,jk->ik': names 2 operands, 1 were given; separate them by commas");
  expectError(() => einsum('ijk', a), "einsum: 'ijk': 'ijk' names 3 axes, operand 0 is [2,3]; name every axis, or use '...' for the rest");
  expectError(() => einsum('i', a), "'i' names 1 axes, operand 0 is [2,3]");
  expectError(() => einsum('ijk...', a), "'ijk...' names 3 axes, operand 0 is [2,3]");
  expectError(() => einsum('i...j...', a), "more than one '...'");
  expectError(() => einsum('ij->i->j', a), "has more than one '->'");
  expectError(() => einsum('i1->i', a), "'1' is no label; use letters");
  expectError(() => einsum('ij->ii', a), "the output names 'i' twice");
  expectError(() => einsum('ij->ik', a), "the output's 'k' is in no input; a new axis is made by expandDims(x, axis)");
  expectError(() => einsum('ij->i...', input(2, 3), a), 'names 1 operands, 2 were given');
  expectError(
    () => einsum('ij,jk->ik', a, input(4, 5)),
    "einsum: 'ij,jk->ik': 'j' has sizes 3 and 4 in [2,3], [4,5]; equal labels need equal sizes, or 1",
  );
  expectError(() => einsum('...i,...i->...', input(2, 3), input(4, 3)), "'...' has sizes 2 and 4 in [2,3], [4,3]");
  expectError(() => einsum('ii', a), "'i' has sizes 2 and 3");
  expectError(() => einsum('ii->i', input(1, 3)), "the diagonal 'ii' of [1,3] runs over sizes 1 and 3; they must be equal");
  expectError(() => einsum('i'), "einsum: 'i': takes tensors after the equation");
  expectError(
    () => einsum(a as unknown as string, a),
    "einsum: the first argument is a tensor f32[2,3]; it is the equation, such as 'ij,jk->ik'",
  );
  expectError(() => tensordot(a, input(4, 5), 1), 'tensordot: axis 1 of [2,3] and axis 0 of [4,5] are paired; their sizes must be equal');
  expectError(() => tensordot(a, a, 3), 'tensordot: 3 axes of [2,3] and [2,3]; use a whole number from 0 to 2');
  expectError(() => tensordot(a, a, [[0, 1], 0]), 'tensordot: 2 axes of the first and 1 of the second of [2,3] and [2,3]; name pairs');
  expectError(() => tensordot(a, a, [2, 0]), 'tensordot: axis 2 is outside a tensor of rank 2');
  expectError(() => tensordot(a, a, [[0, 0], [0, 1]]), 'tensordot: axis [0,0] names an axis twice'); // prettier-ignore
});
