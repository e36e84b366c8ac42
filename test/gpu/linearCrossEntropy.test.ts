// linearCrossEntropy on this device, compared with sparseCategoricalCrossentropy of the whole logits on the CPU.
import { beforeAll, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { readAll, setDevice } from '../../src/engine/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { type Loss, losses } from '../../src/losses/index.ts';
import { add, alias, matmul, tensor } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { noteVectors } from '../support/findings.ts';

beforeAll(() => setDevice('webgpu'), 60_000);

const wave = (shape: readonly [number, number] | readonly [number], k: number): Tensor =>
  tensor(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(1.7 * i + k)),
    [...shape],
  );

/** The loss and its gradients of x, kernel and bias. */
function outputsOf(loss: Loss): Tensor[] {
  const leaves = [alias(wave([33, 20], 0.3)), alias(wave([20, 700], 1.1)), alias(wave([700], 2.2))];
  const targets = tensor(
    Array.from({ length: 33 }, (_, i) => (i * 97) % 700),
    undefined,
    'i32',
  );
  const value = loss(targets, add(matmul(leaves[0], leaves[1]), leaves[2]));
  return [value, ...gradients(value, leaves)];
}

test('values and gradients in chunks', async () => {
  const labelSmoothing = 0.1;
  const expected = interpret(outputsOf(losses.sparseCategoricalCrossentropy({ fromLogits: true, labelSmoothing })), { mode: 'f64' });
  const actual = await readAll(outputsOf(losses.linearCrossEntropy({ chunkSize: 256, labelSmoothing })));
  expected.forEach((values, i) => {
    const scale = Array.from(values).reduce((largest, x) => Math.max(largest, Math.abs(x)), 0);
    Array.from(values).forEach((x, j) => expect(Math.abs(Number(actual[i][j]) - x) / scale).toBeLessThanOrEqual(3e-6));
  });
  noteVectors(4);
}, 60_000);
