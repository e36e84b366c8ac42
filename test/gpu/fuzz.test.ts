// Random graphs on the GPU against the CPU in f64. Choices between elements are left out: if two values differ only by rounding, both
// choices are right.
import fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { readAll } from '../../src/engine/index.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { alias, scalar } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { engineWith } from '../support/devices.ts';
import { noteError } from '../support/findings.ts';
import { type Recipe, inputTypes, inputValues, isSmooth, outputsOf, recipe, wideInputTypes } from '../support/randomGraphs.ts';

// OMBRE_GPU_GRAPHS says how many. A part of them is one program, whose pipelines are built in parallel.
const count = inject('gpuGraphs');
const part = 10;
/** Storage buffers that one kernel binds: as many as the device allows, as many as Chromium allows, as many as WebGPU promises. */
const limits = [{}, { maxStorageBuffers: 10 }, { maxStorageBuffers: 8 }];
const widths = ['narrow', 'wide'] as const;
const steps = 8;
const recipes = fc.sample(recipe, { numRuns: count, seed: 20261122 });
const parts = Array.from({ length: Math.ceil(count / part) }, (_, i) => recipes.slice(i * part, (i + 1) * part));

const inputs = (types: typeof inputTypes): Tensor[] =>
  inputValues(types).map((data, i) => {
    const { shape, dtype = 'f32' } = types[i];
    return alias(typeof data === 'number' ? scalar(data) : hostTensor({ shape, dtype }, data));
  });

const smooth = (made: Recipe): Recipe => ({ ...made, steps: made.steps.filter(([maker]) => isSmooth(maker)).slice(0, steps) });

test.each(parts.map((some, i) => [i * part + 1, i * part + some.length, limits[i % 3], widths[i % 2], some] as const))(
  `random graphs %i to %i of ${count} %j, %s`,
  async (first, _, limit, width, some) => {
    const { engine, runtime } = await engineWith(limit);
    const graphs = some.map((made) => outputsOf(smooth(made), inputs(width === 'wide' ? wideInputTypes : inputTypes)));
    const expected = graphs.map((outputs) => interpret(outputs, { mode: 'f64' }));
    const actual = await readAll(graphs.flat(), { engine });
    let next = 0;
    graphs.forEach((outputs, graph) => {
      outputs.forEach((_, output) => {
        const [gpu, cpu] = [actual[next++], expected[graph][output]];
        const what = `graph ${first + graph}, output ${output}`;
        expect(gpu.length, what).toBe(cpu.length);
        const bound = 1e-4 * Math.max(1, ...Array.from(cpu, Math.abs));
        gpu.forEach((value: number, i: number) => {
          const error = Math.abs(value - cpu[i]);
          noteError('random graphs', what, error, bound);
          if (!(error <= bound)) expect.fail(`${what}, element ${i}: ${value} instead of ${cpu[i]}`);
        });
      });
    });
    runtime.dispose();
  },
  600_000,
);
