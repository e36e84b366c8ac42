// Random graphs on the GPU against the CPU in f64. Choices between elements are left out: where two values differ by a rounding only, each side
// is right in its own way.
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { readAll, setDevice } from '../../src/engine/index.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { alias, scalar } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { type Recipe, inputTypes, inputValues, isSmooth, outputsOf, recipe } from '../support/randomGraphs.ts';

beforeAll(async () => {
  await setDevice('webgpu');
});

const count = 30;
const steps = 8;
const recipes = fc.sample(recipe, { numRuns: count, seed: 20261122 });

const inputs = (): Tensor[] =>
  inputValues().map((data, i) => {
    const { shape, dtype = 'f32' } = inputTypes[i];
    return alias(typeof data === 'number' ? scalar(data) : hostTensor({ shape, dtype }, data));
  });

const smooth = (made: Recipe): Recipe => ({ ...made, steps: made.steps.filter(([maker]) => isSmooth(maker)).slice(0, steps) });

test(`${count} random graphs`, { timeout: 600_000 }, async () => {
  const graphs = recipes.map((made) => outputsOf(smooth(made), inputs()));
  const expected = graphs.map((outputs) => interpret(outputs, { mode: 'f64' }));
  const actual = await readAll(graphs.flat());
  let next = 0;
  graphs.forEach((outputs, graph) => {
    outputs.forEach((_, output) => {
      const [gpu, cpu] = [actual[next++], expected[graph][output]];
      expect(gpu.length).toBe(cpu.length);
      const bound = 1e-4 * Math.max(1, ...Array.from(cpu, Math.abs));
      gpu.forEach((value: number, i: number) => {
        if (!(Math.abs(value - cpu[i]) <= bound))
          expect.fail(`graph ${graph}, output ${output}, element ${i}: ${value} instead of ${cpu[i]}`);
      });
    });
  });
});
