// Dropout at rates 0, 0.5 and 1, as an op and as a layer, on a GPU stack.
import { beforeAll, expect, test } from 'vitest';
import { setDevice } from '../../src/engine/index.ts';
import { dropout, tensor } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import { checkDropout, checkDropoutLast, checkDropoutLayer } from '../support/dropoutCases.ts';

beforeAll(() => setDevice('webgpu'));

test.each([0, 0.5, 1])('rate %d: values and gradients', checkDropout);
test('a layer of rate 1', checkDropoutLayer);
test('a last layer of rate 1', checkDropoutLast);
test('a share just below 1 drops all but a few', async () => {
  const y = await dropout(tensor(new Float32Array(10000).fill(1)), { rate: 0.999, seed: 1 }).data();
  const kept = Array.from(y).filter((v) => v !== 0);
  expect(kept.length).toBeGreaterThan(0);
  expect(kept.length).toBeLessThan(40);
  for (const v of kept) expect(v).toBeCloseTo(1000, 1);
});
