// Errors of every op, from the rows of test/tables/errors.ts. After an error nothing is half-changed.
import { describe, expect, test } from 'vitest';
import '../../src/ops/methods.ts';
import * as ops from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { errorRows, functionOfError } from '../tables/errors.ts';
import type { Fault } from '../tables/errorRow.ts';

const thrownBy = (call: () => unknown): unknown => {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
};

const groups = [...new Set(errorRows.map(({ op }) => op))].map((op) => [op, errorRows.filter((row) => row.op === op)] as const);

describe('errors name the op, what came, the rule and the fix', () => {
  test.each(groups)('%s', (op, rows) => {
    for (const { call, type, message, fault } of rows) {
      const error = thrownBy(call);
      const text = error instanceof Error ? error.message : String(error);
      const fits = typeof message === 'string' ? text.startsWith(message) : message.test(text);
      if (!(error instanceof type) || !fits) expect.fail(`${op}, ${fault}: ${String(error)} instead of ${type.name}: ${String(message)}`);
    }
  });
});

test('every exported op has rows, and no row is of something else', () => {
  const exported = Object.keys(ops);
  const covered = new Set(errorRows.map(functionOfError));
  expect(exported.filter((name) => !covered.has(name))).toEqual([]);
  expect([...covered].filter((name) => !exported.includes(name))).toEqual([]);
  const methods = new Set(errorRows.map(({ op }) => op).filter((op) => op.startsWith('random.')));
  expect(Object.keys(ops.random).filter((name) => !methods.has(`random.${name}`))).toEqual([]);
});

/** The faults that ops have in common and must show a row for; operands, axes and options are tested for all that take them. */
const required: Readonly<Partial<Record<Fault, string>>> = {
  size:
    'add sub mul div pow mod floorDiv maximum minimum atan2 equal notEqual greater greaterEqual less lessEqual logicalAnd logicalOr logicalXor ' +
    'prelu where clip concat stack split reshape broadcastTo squeeze pad glu matmul einsum tensordot conv1d conv2d conv3d conv2dTranspose ' +
    'depthwiseConv2d maxPool1d maxPool2d maxPool3d avgPool1d avgPool2d avgPool3d batchNorm layerNorm groupNorm rmsNorm takeAlongAxis scatterAdd ' +
    'scaledDotProductAttention tensor zeros ones full eye',
  rank:
    'matmul outer einsum conv1d conv2d conv3d conv2dTranspose depthwiseConv2d maxPool1d maxPool2d maxPool3d avgPool1d avgPool2d avgPool3d ' +
    'globalAvgPool upsample2d batchNorm groupNorm instanceNorm rmsNorm scaledDotProductAttention diagonal triL triU sort argSort topK slice ' +
    'gather embedding takeAlongAxis concat unstack softmax',
  dtype:
    'add sub mul div pow mod floorDiv maximum minimum atan2 equal notEqual greater greaterEqual less lessEqual prelu where clip cast concat matmul ' +
    'outer einsum tensordot conv1d conv2d conv3d conv2dTranspose depthwiseConv2d maxPool1d maxPool2d maxPool3d avgPool1d avgPool2d avgPool3d ' +
    'gather embedding takeAlongAxis scatterAdd scaledDotProductAttention tensor scalar zeros ones full arange eye oneHot',
  empty:
    'max min argMax argMin norm logSumExp softmax logSoftmax concat stack pad gather embedding takeAlongAxis scatterAdd conv2d conv2dTranspose ' +
    'depthwiseConv2d globalAvgPool upsample2d scaledDotProductAttention',
  index: 'gather embedding takeAlongAxis scatterAdd scatterAlongAxis gatherNd scatterNd',
};

test.each(Object.entries(required))('rows for %s', (fault, names) => {
  const found = new Set(errorRows.filter((row) => row.fault === fault).map(functionOfError));
  expect(names.split(' ').filter((name) => !found.has(name))).toEqual([]);
});

test('a refused call draws no random numbers', () => {
  const draw = (): number[] => Array.from(interpret([ops.random.uniform([4])])[0]);
  ops.setSeed(5);
  const untouched = draw();
  ops.setSeed(5);
  const refusals = errorRows.filter(({ op }) => op.startsWith('random.') || op === 'dropout' || op === 'setSeed');
  expect(refusals.length).toBeGreaterThan(20);
  for (const { call } of refusals) expect(thrownBy(call)).toBeDefined();
  expect(draw()).toEqual(untouched);
});

test('computed indices outside the axis are clamped to it; known ones are refused', () => {
  const run = (t: ReturnType<typeof ops.tensor>): number[] => Array.from(interpret([t])[0]);
  const table = ops.tensor([[1, 2], [3, 4], [5, 6]]); // prettier-ignore
  const known = ops.tensor([-1, 1, 9], [3], 'i32');
  const computed = ops.add(known, 0);
  expect(run(ops.gather(table, computed))).toEqual([1, 2, 3, 4, 5, 6]);
  expect(run(ops.embedding(table, computed))).toEqual([1, 2, 3, 4, 5, 6]);
  expect(run(ops.takeAlongAxis(table, ops.reshape(computed, [3, 1]), { axis: 0 }))).toEqual([1, 2, 3, 4, 5, 6]);
  expect(run(ops.scatterAdd(table, computed, ops.ones([3, 2])))).toEqual([2, 3, 4, 5, 6, 7]);
  expect(run(ops.oneHot(computed, 3))).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 0]);
  expect(run(ops.oneHot(known, 3))).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 0]);
  expect(run(ops.oneHot(ops.tensor([0.5, 2]), 3))).toEqual([0, 0, 0, 0, 0, 1]);
  expect(() => ops.gather(table, known)).toThrow(
    'gather: index -1 at [0] is outside axis 0 of [3,2]; use 0 to 2, 2 for the one counted from the end',
  );
  // Nothing was done to the indices: they are good where the axis is longer.
  expect(() => ops.gather(table, ops.tensor([2], [1], 'u32'))).not.toThrow();
  expect(run(ops.gather(ops.arange(10), ops.slice(known, [1])))).toEqual([1, 9]);
});
