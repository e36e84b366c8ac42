// Integer arithmetic at the ends of its range, and the gamma functions at awkward points, on the GPU.
import { beforeAll, expect, test } from 'vitest';
import type { HostArray } from '../../src/core/dtype.ts';
import { readAll, setDevice } from '../../src/engine/index.ts';
import * as o from '../../src/ops/index.ts';
import golden from '../golden/special.json';
import { noteVectors } from '../support/findings.ts';
import { awkwardComplaint, awkwardFunctions, floatDivision, integerCases } from '../tables/numbers.ts';

const names = Object.keys(awkwardFunctions) as (keyof typeof awkwardFunctions)[];
let integers: HostArray[];
let functions: HostArray[];

beforeAll(async () => {
  await setDevice('webgpu');
  integers = await readAll(
    integerCases.map(({ dtype, call, a, b }) => call(o.tensor(a, [a.length], dtype), o.tensor(b, [b.length], dtype))),
  );
  functions = await readAll(names.map((name) => awkwardFunctions[name](o.tensor(golden.awkward[name].x.map(Number)))));
});

test.each(integerCases.map(({ name, expected }, i) => [name, expected, i] as const))('%s at the ends', (_, expected, i) => {
  expect(Array.from(integers[i])).toEqual(expected);
});

test.each(names.map((name, i) => [name, i] as const))('%s at awkward points', (name, i) => {
  const { x, y } = golden.awkward[name];
  const complaints = x.map((at, k) => awkwardComplaint(name, Number(at), functions[i][k], Math.fround(Number(y[k]))));
  expect(complaints.filter(Boolean)).toEqual([]);
  noteVectors(1);
});

test('truncated division of floats keeps signs, zeros and infinities as C does', async () => {
  const [quotient, remainder] = await readAll([o.truncDiv(...floatDivision.operands()), o.fmod(...floatDivision.operands())]);
  expect(Array.from(quotient, (v) => v + 0)).toEqual(floatDivision.quotients);
  expect(Array.from(remainder, (v) => v + 0)).toEqual(floatDivision.remainders);
});
