// Values that a kernel computes again instead of loading them.
import { expect, test } from 'vitest';
import { compileGraph } from '../../src/compiler/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { add, exp, mul, sub, sum } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { gpuTarget, graphOf, softwareTarget, values } from '../support/graphs.ts';
import { simulate } from '../support/simulate.ts';

/** Sums over columns and over rows. The second kernel needs a and b of the first, and both need twice. */
const sums = (x: Tensor): Tensor[] => {
  const y = exp(x);
  const twice = mul(y, 2);
  const [a, b] = [add(twice, 1), mul(twice, 3)];
  return [y, sum(mul(a, b), { axis: 0 }), sum(sub(a, b), { axis: 1 })];
};

test.each([softwareTarget, gpuTarget])('a value that two others need is computed before both ($processor)', (target) => {
  const graph = graphOf([{ shape: [4, 6] }], sums);
  const program = compileGraph(graph, { name: 'sums', target });
  expect(program.dispatches).toHaveLength(2);
  // The second kernel reads only y.
  expect(program.dispatches[1].bindings.filter(({ access }) => access === 'read')).toHaveLength(1);
  const x = values(24);
  const expected = interpret(graph.outputs, { feeds: new Map([[graph.inputs[0], x]]) });
  simulate(program, [x]).forEach((data, i) => expect([...data]).toEqual([...expected[i]]));
});
