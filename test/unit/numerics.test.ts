// Numerically awkward arguments on the CPU, in f32 as a user gets it.
import { expect, test } from 'vitest';
import * as o from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { noteGradients } from '../support/findings.ts';
import { complaintAbout, detectable, detected, numericCases, subnormalHalves } from '../tables/numerics.ts';

test.each([...numericCases, ...subnormalHalves].map((numeric) => [numeric.name, numeric] as const))('%s', (_, numeric) => {
  expect(complaintAbout(numeric, interpret([numeric.build()])[0])).toBe('');
  if (numeric.name.startsWith('gradient of')) noteGradients(1);
});

test.each(Object.keys(detected) as ('isNaN' | 'isInf' | 'isFinite')[])('%s', (name) => {
  expect(Array.from(interpret([o[name](o.tensor(detectable))])[0])).toEqual(detected[name]);
});

test('a large mean does not make a small variance inexact in normalisations', () => {
  const x = o.tensor([9999, 10001, 9999, 10001], [1, 4]);
  const [y] = interpret([o.batchNorm(x, o.full([4], 1e4), o.ones([4]), { epsilon: 0 })]);
  expect(Array.from(y)).toEqual([-1, 1, -1, 1]);
});

test('normalisations say what is wrong', () => {
  const x = o.zeros([2, 3, 4]);
  const four = o.ones([4]);
  const expectError = (call: () => unknown, text: string): void => expect(call).toThrow(text);
  expectError(() => o.batchNorm(x, o.ones([3]), four), 'batchNorm: mean is [3] for an input [2,3,4]; it must be [4]');
  expectError(() => o.batchNorm(x, four, o.ones([1])), 'batchNorm: variance is [1] for an input [2,3,4]; it must be [4]');
  expectError(() => o.batchNorm(x, four, four, { gamma: o.ones([2, 4]) }), 'batchNorm: gamma is [2,4] for an input [2,3,4]');
  expectError(() => o.batchNorm(o.scalar(1), four, four), 'batchNorm: axis -1 is outside a tensor of rank 0');
  expectError(() => o.layerNorm(x, { axis: 3 }), 'layerNorm: axis 3 is outside a tensor of rank 3; use -3 to 2');
  expectError(() => o.layerNorm(x, { axis: [1, 1] }), 'layerNorm: axis [1,1] names an axis twice');
  expectError(() => o.layerNorm(x, { beta: o.ones([3]) }), 'layerNorm: beta is [3] for an input [2,3,4]; it must be [4]');
  expectError(() => o.layerNorm(x, { epsilon: -1 }), 'layerNorm: epsilon -1 is no small number; use one from 0 on, such as 1e-3');
  expectError(() => o.layerNorm(x, { eps: 1 } as object), "layerNorm: unknown option 'eps'; it takes axis, gamma, beta, epsilon");
  expectError(() => o.groupNorm(x, { groups: 3 }), 'groupNorm: 3 groups of 4 channels ([2,3,4]); groups must divide the channels');
  expectError(() => o.groupNorm(x, {} as { groups: number }), 'groupNorm: undefined groups of 4 channels');
  expectError(() => o.groupNorm(four, { groups: 2 }), 'groupNorm: takes [batch, .., channels], got [4]');
  expectError(() => o.groupNorm(x, { groups: 2, gamma: o.ones([2]) }), 'groupNorm: gamma is [2] for an input [2,3,4]; it must be [4]');
  expectError(() => o.instanceNorm(o.zeros([2, 4])), 'instanceNorm: takes [batch, .., channels] with positions between, got [2,4]');
  expectError(() => o.rmsNorm(x, { gamma: o.ones([3]) }), 'rmsNorm: gamma is [3] for an input [2,3,4]; it must be [4]');
  expectError(() => o.rmsNorm(o.scalar(1)), 'rmsNorm: axis -1 is outside a tensor of rank 0');
  expectError(() => o.rmsNorm('x' as unknown as number), 'rmsNorm: operand 0 is the text "x"');
  expect(o.layerNorm(o.zeros([0, 4])).shape).toEqual([0, 4]);
  expect(o.layerNorm(o.zeros([3], 'i32')).dtype).toBe('f32');
});

test('the mean of halves is in their range where their sum is not', () => {
  const halves = o.cast(o.full([80, 80], 3600), 'f16');
  expect([o.mean(halves).dtype, ...interpret([o.mean(halves)])[0]]).toEqual(['f16', 3600]);
});
