// Reduction 'meanWithSampleWeight': the sum of the weighted losses divided by the sum of the weights, as Keras's mean_with_sample_weight.
import { describe, expect, test } from 'vitest';
import { layers, losses, sequential, tensor } from '../../src/index.ts';
import { gradients } from '../../src/autodiff/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import type { Loss } from '../../src/losses/index.ts';
import { alias } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';

const reduction = 'meanWithSampleWeight';
const compute = (...outputs: Tensor[]): number[][] => interpret(outputs, { mode: 'f64' }).map((data) => Array.from(data));
const close = (actual: number, expected: number): void => expect(actual).toBeCloseTo(expected, 12);

const targets = tensor([[1, 0], [0, 1], [1, 1], [0, 1]]); // prettier-ignore
const predictions = tensor([[0.5, 0.25], [0.5, 0.75], [0.25, 0.5], [0.125, 0.5]]); // prettier-ignore
const weights = [2, 0.5, 0, 1];
const weighted = tensor(weights);

describe('the mean over the weights', () => {
  const pairs: [string, (of: { reduction: 'meanWithSampleWeight' | 'none' | 'sum' }) => Loss][] = [
    ['meanSquaredError', (of) => losses.meanSquaredError(of)],
    ['huber', (of) => losses.huber(of)],
    ['binaryCrossentropy', (of) => losses.binaryCrossentropy(of)],
    ['categoricalCrossentropy', (of) => losses.categoricalCrossentropy(of)],
  ];
  test.each(pairs)('%s', (_, make) => {
    const x = alias(predictions);
    const loss = make({ reduction })(targets, x, weighted);
    const each = make({ reduction: 'none' })(targets, x);
    const total = weights.reduce((a, b) => a + b);
    const [[value], terms, gradient, ofTerms] = compute(loss, each, gradients(loss, [x])[0], gradients(make({ reduction: 'sum' })(targets, x, weighted), [x])[0]); // prettier-ignore
    close(value, terms.reduce((sum, term, i) => sum + term * weights[i], 0) / total);
    gradient.forEach((g, i) => close(g, ofTerms[i] / total));
  });

  test('without weights it is the mean', () => {
    const [[a], [b]] = compute(losses.huber({ reduction })(targets, predictions), losses.huber()(targets, predictions));
    expect(a).toBe(b);
  });

  test('weights that are all 0 give 0, and a gradient of 0', () => {
    const x = alias(predictions);
    const loss = losses.meanSquaredError({ reduction })(targets, x, tensor([0, 0, 0, 0]));
    const [value, gradient] = compute(loss, gradients(loss, [x])[0]);
    expect([...value, ...gradient]).toEqual(new Array(9).fill(0));
  });

  test('masked steps, an ignored class and class weights', () => {
    const labels = tensor([0, 1, 1, 7], undefined, 'i32');
    const logits = tensor([[0, 0], [0, 1], [0, 0], [5, 1]]); // prettier-ignore
    const terms = [Math.LN2, Math.log(1 + Math.exp(-1)), Math.LN2];
    const ignoring = losses.sparseCategoricalCrossentropy({ fromLogits: true, ignoreClass: 7, reduction });
    const mask = tensor([true, true, false, true]);
    const classes = losses.sparseCategoricalCrossentropy({ fromLogits: true, ignoreClass: 7, classWeight: [3, 0.5], reduction });
    const w = tensor([2, 1, 4, 9]);
    const [[ignored], [masked], [byClass]] = compute(
      ignoring(labels, logits, w),
      ignoring.masked(mask, labels, logits, w),
      classes(labels, logits, w),
    );
    close(ignored, (2 * terms[0] + terms[1] + 4 * terms[2]) / 7);
    close(masked, (2 * terms[0] + terms[1]) / 3);
    close(byClass, (6 * terms[0] + 0.5 * terms[1] + 2 * terms[2]) / (6 + 0.5 + 2));
  });

  test('a loss over several outputs', () => {
    const [anchor, positive, negative] = [tensor([[0, 0], [1, 0]]), tensor([[1, 0], [1, 1]]), tensor([[0, 1], [3, 0]])]; // prettier-ignore
    const outputs = { anchor, positive, negative };
    const each = losses.tripletMargin({ reduction: 'none', margin: 3 })(undefined, outputs);
    const loss = losses.tripletMargin({ reduction, margin: 3 })(undefined, outputs, tensor([1, 3]));
    const [[a, b], [value]] = compute(each, loss);
    close(value, (a + 3 * b) / 4);
  });
});

test('the loss of an epoch is the mean over the weights of all batches', async () => {
  const x = Array.from({ length: 7 }, (_, i) => [i - 2]);
  const y = Float32Array.from({ length: 7 }, (_, i) => (i % 3) - 1);
  const sampleWeight = [1, 5, 0, 2, 0.5, 3, 7];
  const model = sequential([layers.dense({ units: 1, kernelInitializer: 'ones', inputShape: [1] })]);
  model.compile({ optimizer: 'sgd', loss: losses.meanSquaredError({ reduction }) });
  const { loss } = await model.evaluate(x, y, { batchSize: 3, sampleWeight });
  const total = sampleWeight.reduce((a, b) => a + b);
  const expected = sampleWeight.reduce((sum, w, i) => sum + w * (x[i][0] - y[i]) ** 2, 0) / total;
  expect(loss).toBeCloseTo(expected, 5);
});
