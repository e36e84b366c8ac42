// Layers around the kernel of another layer on the GPU, against PyTorch: three compiled steps of training, then inference.
import { afterAll, expect, test } from 'vitest';
import { leavesOf } from '../../src/core/tree.ts';
import { compile, setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { startWrapper, wrapperCases, wrapperInference, wrapperStep } from '../support/wrapperCases.ts';

afterAll(() => setDevice('auto'));

test('outputs, gradients and state of normalized kernels', async () => {
  await setDevice('webgpu');
  let worst = 0;
  const compare = async (found: Tensor, expected: readonly number[], what: string): Promise<void> => {
    const values = await found.data();
    expect(values.length, what).toBe(expected.length);
    const size = Math.max(1, ...expected.map(Math.abs));
    const error = expected.reduce((most, value, i) => Math.max(most, Math.abs(values[i] - value) / size), 0);
    // NaN is not at most the limit.
    if (!(error <= 1e-5)) expect.fail(`${what}: ${error}`);
    worst = Math.max(worst, error);
  };
  for (const one of wrapperCases) {
    const title = `${one.wrapper} of ${one.layer}`;
    const running = startWrapper(one, Float32Array);
    const step = compile((x: Tensor, variables: typeof running.variables) => wrapperStep(running, x, variables, Float32Array));
    let { variables } = running;
    for (const { output, gradients } of one.steps) {
      const found = await step(running.x, variables);
      await compare(found.output, output, `${title}: output`);
      const slopes: Readonly<Record<string, Tensor>> = found.gradients;
      for (const [name, values] of Object.entries(gradients)) await compare(slopes[name], values, `${title}: gradient of ${name}`);
      variables = found.variables;
    }
    for (const { path, value } of leavesOf(variables.state)) {
      const expected = one.state[path.split('.').at(-1)!];
      if (expected) await compare(value as Tensor, expected, title + path);
    }
    const infer = compile((x: Tensor, held: typeof variables) => wrapperInference(running, x, held));
    await compare(await infer(running.x, variables), one.inference, `${title}: inference`);
  }
  console.log(`worst error of ${wrapperCases.length} wrappers: ${worst.toExponential(1)}`);
});
