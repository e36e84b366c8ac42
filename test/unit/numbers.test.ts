// Integer arithmetic at the ends of its range, and the gamma functions at awkward points, on the CPU in f32 as a user gets it.
import { expect, test } from 'vitest';
import * as o from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import golden from '../golden/special.json';
import { noteVectors } from '../support/findings.ts';
import { awkwardComplaint, awkwardFunctions, floatDivision, integerCases } from '../tables/numbers.ts';

test.each(integerCases.map((each) => [each.name, each] as const))('%s at the ends', (_, { dtype, call, a, b, expected }) => {
  const y = call(o.tensor(a, [a.length], dtype), o.tensor(b, [b.length], dtype));
  expect(y.dtype).toBe(dtype);
  expect(Array.from(interpret([y])[0])).toEqual(expected);
});

test('truncated division of floats keeps signs, zeros and infinities as C does', () => {
  const [quotient, remainder] = interpret([o.truncDiv(...floatDivision.operands()), o.fmod(...floatDivision.operands())]);
  expect(Array.from(quotient, (v) => v + 0)).toEqual(floatDivision.quotients);
  expect(Array.from(remainder, (v) => v + 0)).toEqual(floatDivision.remainders);
});

test('bits of bools are logic, and shifts of bools are of i32', () => {
  const yes = o.tensor([true, false]);
  expect([o.bitwiseAnd(yes, yes).dtype, o.bitwiseNot(yes).dtype, o.leftShift(yes, yes).dtype]).toEqual(['bool', 'bool', 'i32']);
  expect(Array.from(interpret([o.leftShift(yes, 3)])[0])).toEqual([8, 0]);
});

test.each(Object.keys(awkwardFunctions) as (keyof typeof awkwardFunctions)[])('%s at awkward points', (name) => {
  const { x, y } = golden.awkward[name];
  const at = x.map(Number);
  const [found] = interpret([awkwardFunctions[name](o.tensor(at))]);
  expect(at.map((each, i) => awkwardComplaint(name, each, found[i], Math.fround(Number(y[i])))).filter(Boolean)).toEqual([]);
  noteVectors(1);
});
