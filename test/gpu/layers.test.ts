// Layers of several ops on the GPU against PyTorch: outputs and gradients of cases of test/support/layerCases.ts, as one compiled function.
// Other layers call one op, whose kernels have tests of their own.
import { afterAll, expect, test } from 'vitest';
import { valueAndGrad } from '../../src/autodiff/index.ts';
import { leavesOf } from '../../src/core/tree.ts';
import { compile, setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { noteDifference } from '../support/findings.ts';
import { layerCases, makeCase, runCase, titleOf } from '../support/layerCases.ts';

afterAll(() => setDevice('auto'));

const composed =
  'depthwiseConv1d separableConv2d conv1dTranspose groupNormalization rmsNormalization unitNormalization relu prelu transformerDecoder groupQueryAttention randomZoom colorJitter'.split(
    ' ',
  );
const cases = layerCases.filter(({ name, options }) => composed.includes(name) || JSON.stringify(options).includes('circular'));

test('outputs and gradients of layers', async () => {
  await setDevice('webgpu');
  const made = cases.map((one) => makeCase(one, Float32Array));
  const run = compile((values: { inputs: readonly Tensor[]; parameters: Readonly<Record<string, Tensor>> }[]) =>
    values.map((value, i) => {
      let output!: Tensor;
      const [, gradients] = valueAndGrad(({ inputs, parameters }: typeof value) => {
        const result = runCase(made[i].layer, cases[i].training, inputs, parameters, made[i].weights);
        output = result.output;
        return result.total;
      })(value);
      return { output, gradients };
    }),
  );
  const results = await run(made.map(({ inputs, parameters }) => ({ inputs, parameters })));
  const errors = await Promise.all(
    cases.map(async (one, i) => {
      const found = [results[i].output, ...leavesOf(results[i].gradients).map(({ value }) => value as Tensor)];
      const expected = [one.output, ...one.gradients];
      const each = await Promise.all(
        found.map(async (tensor, k) => {
          const values = await tensor.data();
          const size = Math.max(1, ...expected[k].map(Math.abs));
          return expected[k].map((value, j) => Math.abs(values[j] - value) / size);
        }),
      );
      return [titleOf(one), each.flat().reduce((a, b) => (b <= a ? a : b), 0)] as const;
    }),
  );
  for (const [what, error] of errors) noteDifference('layers', what, [error], [0]);
  // NaN is not at most the limit.
  expect(errors.filter(([, error]) => !(error <= 1e-5))).toEqual([]);
  console.log(`worst error of ${errors.length} layers: ${Math.max(...errors.map(([, error]) => error)).toExponential(1)}`);
});
