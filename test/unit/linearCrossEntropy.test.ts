// linearCrossEntropy computes the logits in chunks. Its values and gradients are those of sparseCategoricalCrossentropy on the whole logits.
import { describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { type Tensor, tensorsIn } from '../../src/graph/tensor.ts';
import { compileGraph } from '../../src/compiler/index.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import { topological } from '../../src/graph/graph.ts';
import { checkpoint, grad, layers, losses, sequential, tensor } from '../../src/index.ts';
import type { Loss } from '../../src/losses/index.ts';
import { add, alias, matmul, relu, reshape, transpose } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { gpuTarget } from '../support/graphs.ts';

const wave = (shape: number[], k: number): Tensor =>
  tensor(
    Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.fround(Math.sin(1.7 * i + k))),
    shape,
  );
const [samples, features, classes] = [6, 5, 11];
const labels = tensor([3, 0, 10, 7, 7, 2], undefined, 'i32');

type Make = (x: Tensor, kernel: Tensor, bias: Tensor) => Tensor;
const logitsOf: Record<string, Make> = {
  'with a bias': (x, kernel, bias) => add(matmul(x, kernel), bias),
  'without a bias': (x, kernel) => matmul(x, kernel),
  'of a transposed table': (x, kernel) => matmul(x, transpose(alias(transpose(kernel)))),
  'with a bias before the product': (x, kernel, bias) => add(bias, matmul(x, kernel)),
};

/** Loss and gradients of x, kernel and bias, in f64. */
function compute(loss: Loss, make: Make, targets = labels, weight?: Tensor): number[][] {
  const leaves = [alias(wave([samples, features], 0.3)), alias(wave([features, classes], 1.1)), alias(wave([classes], 2.2))];
  const value = loss(targets, make(leaves[0], leaves[1], leaves[2]), weight);
  return interpret([value, ...gradients(value, leaves)], { mode: 'f64' }).map((data) => Array.from(data));
}

function expectEqual(actual: readonly number[][], expected: readonly number[][]): void {
  actual.forEach((values, i) => values.forEach((x, j) => expect(x, `output ${i}, element ${j}`).toBeCloseTo(expected[i][j], 11)));
}

const settings: [string, object][] = [
  ['plain', {}],
  ['labelSmoothing', { labelSmoothing: 0.2 }],
  ['ignoreClass', { ignoreClass: 7 }],
  ['sum', { reduction: 'sum' }],
  ['meanWithSampleWeight', { reduction: 'meanWithSampleWeight' }],
];

describe.each(Object.entries(logitsOf))('logits %s', (_, make) => {
  test.each(settings)('%s', (__, options) => {
    const whole = losses.sparseCategoricalCrossentropy({ fromLogits: true, ...options });
    for (const weight of [undefined, tensor([1, 2, 0, 0.5, 1, 3])]) {
      const expected = compute(whole, make, labels, weight);
      for (const chunkSize of [1, 4, 11, 100]) {
        expectEqual(compute(losses.linearCrossEntropy({ chunkSize, ...options }), make, labels, weight), expected);
      }
    }
  });
});

test('a gradient of a gradient', () => {
  const second = (loss: Loss): number[] => {
    const x = alias(wave([samples, features], 0.3));
    const kernel = alias(wave([features, classes], 1.1));
    const [first] = gradients(loss(labels, matmul(x, kernel)), [kernel]);
    const [again] = gradients(matmul(reshape(first, [1, first.size]), reshape(first, [first.size, 1])), [x]);
    return Array.from(interpret([again], { mode: 'f64' })[0]);
  };
  expectEqual([second(losses.linearCrossEntropy({ chunkSize: 4 }))], [second(losses.sparseCategoricalCrossentropy({ fromLogits: true }))]);
});

test('large logits do not overflow, and an index outside of the classes gives 0', () => {
  const x = tensor([[1e4], [-1e4], [1]]);
  const kernel = tensor([[1, -1, 0.5]]);
  const loss = losses.linearCrossEntropy({ reduction: 'none', chunkSize: 2 });
  const leaf = alias(x);
  const value = loss(tensor([1, 1, 3], undefined, 'i32'), matmul(leaf, kernel));
  const [values, gradient] = interpret(
    [value, gradients(value, [leaf])[0]].map((one) => one),
    { mode: 'f32' },
  );
  expect(Array.from(values)).toEqual([2e4, 0, 0]);
  expect(Array.from(gradient)).toEqual([2, 0, 0]);
});

test('NaN in samples that do not count reaches neither the value nor the gradients', () => {
  const x = alias(tensor([[1, 2], [NaN, Infinity]])); // prettier-ignore
  const kernel = alias(wave([2, 5], 0.2));
  const loss = losses.linearCrossEntropy({ chunkSize: 2 })(tensor([1, 2], undefined, 'i32'), matmul(x, kernel), tensor([1, 0]));
  const outputs = interpret([loss, ...gradients(loss, [x, kernel])], { mode: 'f64' });
  expect(outputs.flatMap((data) => Array.from(data)).every(Number.isFinite)).toBe(true);
});

test('no tensor of the graph holds the logits of all classes', () => {
  const x = alias(wave([40, features], 0.3));
  const kernel = alias(wave([features, 500], 1.1));
  const sizesOf = (loss: Loss): number[] => {
    const value = loss(tensor(new Array<number>(40).fill(1), undefined, 'i32'), matmul(x, kernel));
    const nodes = topological([value, ...gradients(value, [x, kernel])]);
    return nodes.flatMap(({ types }) => types.map(({ shape }) => shape.reduce((a, b) => a * b, 1)));
  };
  expect(Math.max(...sizesOf(losses.linearCrossEntropy({ chunkSize: 100 })))).toBe(40 * 100);
  expect(Math.max(...sizesOf(losses.sparseCategoricalCrossentropy({ fromLogits: true })))).toBe(40 * 500);
});

test('chunks do not exist at once: a program needs memory for about one of them', () => {
  const [rows, count, chunkSize] = [256, 4096, 512];
  const inputs = [placeholder([rows, 8], 'f32', { position: 0 }), placeholder([8, count], 'f32', { position: 1 })];
  const targets = placeholder([rows], 'i32', { position: 2 });
  const logitBytes = rows * count * 4;
  const peakOf = (withGradients: boolean): number => {
    const loss = losses.linearCrossEntropy({ chunkSize })(targets, matmul(inputs[0], inputs[1]));
    const outputs = withGradients ? [loss, ...gradients(loss, inputs)] : [loss];
    return compileGraph({ inputs: [...inputs, targets], outputs }, { name: 'loss', target: gpuTarget }).peakBytes;
  };
  expect(peakOf(false)).toBeLessThan(logitBytes / 2);
  expect(peakOf(true)).toBeLessThan(logitBytes / 2);
});

describe('in a model', () => {
  const x = Array.from({ length: 8 }, (_, i) => [i % 5, (i * 3) % 5, (i * 2 + 1) % 5]);
  const y = x.map((row) => row.map((token) => (token + 1) % 5));
  const train = async (loss: Loss, dtypePolicy: 'float32' | 'mixedFloat16' = 'float32', maskZero = false): Promise<readonly number[]> => {
    const model = sequential([
      layers.embedding({ inputDim: 5, outputDim: 6, maskZero, inputShape: [3], embeddingsInitializer: 'glorotNormal' }),
      layers.dense({ units: 7, activation: 'tanh', kernelInitializer: 'orthogonal' }),
      layers.dense({ units: 5 }),
    ]);
    model.compile({ optimizer: 'adam', loss, dtypePolicy, seed: 1 });
    const sampleWeight = [1, 1, 0, 2, 1, 1, 1, 0.5];
    const { history } = await model.fit(x, y, { epochs: 3, batchSize: 3, shuffle: false, verbose: 0, seed: 1, sampleWeight });
    return history.loss;
  };
  const whole = losses.sparseCategoricalCrossentropy({ fromLogits: true });

  test.each([['float32', false], ['float32', true], ['mixedFloat16', false]] as const)('trains as with all logits: %s, masked %s', async (policy, maskZero) => {
    const [ours, theirs] = [await train(losses.linearCrossEntropy({ chunkSize: 2 }), policy, maskZero), await train(whole, policy, maskZero)]; // prettier-ignore
    ours.forEach((loss, epoch) => expect(loss).toBeCloseTo(theirs[epoch], policy === 'float32' ? 5 : 3));
  }); // prettier-ignore

  test('inside checkpoint and grad', () => {
    const x0 = wave([samples, features], 0.3);
    const fn = (loss: Loss) => grad((w: Tensor) => checkpoint((v: Tensor) => loss(labels, matmul(relu(x0), v)))(w));
    const kernel = wave([features, classes], 1.1);
    const [ours, theirs] = [losses.linearCrossEntropy({ chunkSize: 4 }), whole].map((loss) => Array.from(interpret(tensorsIn(fn(loss)(kernel)), { mode: 'f64' })[0])); // prettier-ignore
    expectEqual([ours], [theirs]);
  });
});

test.each([
  ['an activation', () => relu(matmul(wave([6, 5], 0), wave([5, 11], 0))), "losses.linearCrossEntropy: predictions [6,11] are the result of 'relu'"],
  ['data', () => wave([6, 11], 0), "losses.linearCrossEntropy: predictions [6,11] are the result of 'data'"],
  ['a sum with a residual', () => add(matmul(wave([6, 5], 0), wave([5, 11], 0)), wave([6, 11], 0)), "predictions [6,11] are the result of 'add'"],
] as const)('refuses %s', (_, logits, message) => {
  expect(() => losses.linearCrossEntropy()(labels, logits())).toThrow(message);
}); // prettier-ignore
