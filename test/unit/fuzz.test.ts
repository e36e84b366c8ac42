// Random graphs. The compiled program, simulated with scratch memory filled with NaN, must give the bits of the plain graph after any
// fusion, reordering, sharing of memory and writing in place. No dispatch may bind more than the device allows. OMBRE_GRAPHS is the number
// of graphs.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileGraph, printProgram } from '../../src/compiler/index.ts';
import { sameShape } from '../../src/core/shape.ts';
import { printGraph } from '../../src/graph/graph.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { simulate } from '../support/simulate.ts';
import { gpuTarget, softwareTarget } from '../support/graphs.ts';
import { type Recipe, build, inputTypes, inputValues, recipe } from '../support/randomGraphs.ts';

function check(made: Recipe): void {
  const graph = build(made);
  const free = new Set(graph.outputs.keys());
  const donations = graph.inputs.flatMap((input, i) => {
    if (!(made.donate & (1 << i)) || inputTypes[i].scalar) return [];
    const output = [...free].find((o) => graph.outputs[o].dtype === input.dtype && sameShape(graph.outputs[o].shape, input.shape));
    if (output === undefined) return [];
    free.delete(output);
    return [{ input: i, output }];
  });
  const data = inputValues();
  const feeds = new Map(graph.inputs.map((input, i) => [input, typeof data[i] === 'number' ? Float32Array.of(data[i]) : data[i]] as const));
  const expected = interpret(graph.outputs, { feeds });
  for (const target of [softwareTarget, gpuTarget]) {
    const program = compileGraph(graph, { name: 'fuzz', target: { ...target, maxStorageBuffers: made.limit }, donations });
    for (const { bindings, label } of program.dispatches) {
      expect(bindings.length, `${label}: buffers bound`).toBeLessThanOrEqual(made.limit);
    }
    const got = simulate(program, data);
    got.forEach((result, i) =>
      expect([...result], `output ${i}\n${printGraph(graph)}\n${printProgram(program)}`).toEqual([...expected[i]]),
    );
  }
}

const count = Number(process.env.OMBRE_GRAPHS ?? 2000);
// Between two tests the collector finds what the finished graphs held: in one go 10,000 of them fill the heap.
const part = 500;
const parts = Array.from({ length: Math.ceil(count / part) }, (_, i) => [i * part + 1, Math.min(count, (i + 1) * part)] as const);

test.each(parts)(`random graphs %i to %i of ${count}`, { timeout: 60_000 + 60 * part }, (first, last) => {
  fc.assert(fc.property(recipe, check), { numRuns: last - first + 1, seed: 20261121 + first });
});

test('a gradient that recomputation waits for is not computed on the way into what comes after it', () => {
  const steps: [number, number, number][] = [
    [9, 12, 9],
    [20, 38, 30],
  ];
  check({ steps, wanted: [24, 38, 5, 30], donate: 23, limit: 6, differentiate: true });
});
