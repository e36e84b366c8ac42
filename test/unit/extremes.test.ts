// Norms, spreads and normalisations far from 1 on the CPU: over f32 as a user gets it, and in f64.
import { expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { topological } from '../../src/graph/graph.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import * as o from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { complaintAbout, extremeResults, extremes } from '../tables/extremes.ts';

const inF32 = await extremeResults((tensors) => interpret(tensors));
const inF64 = await extremeResults((tensors) => interpret(tensors, { mode: 'f64' }));

test.each(extremes.map((golden) => [golden.name, golden] as const))('%s', (name, golden) => {
  expect(complaintAbout(golden, inF32.get(name)!, [2e-6, 1e-5, 2e-4])).toBe('');
  expect(complaintAbout(golden, inF64.get(name)!, [1e-8, 1e-8, 1e-7])).toBe('');
});

test("the gradient of a norm scales each element by integer arithmetic and divides only the row's numbers", () => {
  const x = placeholder([7, 5], 'f32', { position: 0 });
  const [slope] = gradients(o.sum(o.norm(x, { axis: 1 })), [x]);
  const ofElements = topological([slope]).filter(({ types: [{ shape }] }) => shape.join() === '7,5');
  const names = ofElements.map(({ op }) => op.name).filter((name) => !/broadcast|reshape|placeholder/.test(name));
  // A compiler that may turn x / y * g into x * (g / y) forms a number beyond f32.
  expect(names).toEqual(['scaleByPower', 'mul']);
});
