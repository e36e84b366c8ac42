// The training steps of the benchmarks as graphs of plain ops, for compiler tests without a GPU.
import { valueAndGrad } from '../../src/autodiff/index.ts';
import type { Donation } from '../../src/compiler/index.ts';
import { traceFunction } from '../../src/engine/traceFunction.ts';
import type { Graph } from '../../src/graph/graph.ts';
import type { Shape } from '../../src/core/shape.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { losses } from '../../src/losses/index.ts';
import {
  conv2d,
  embedding,
  gelu,
  layerNorm,
  matmul,
  maxPool2d,
  relu,
  reshape,
  scaledDotProductAttention,
  sigmoid,
  slice,
  split,
  tanh,
  transpose,
  zeros,
} from '../../src/ops/index.ts';
import { type Optimizer, optimizers } from '../../src/optim/index.ts';
import '../../src/ops/methods.ts';

export type Named = Readonly<Record<string, Tensor>>;

interface TrainingStep {
  readonly parameters: Readonly<Record<string, Shape>>;
  /** Shapes of the batch by name. `labels` and `tokens` are integers. */
  readonly batch: Readonly<Record<string, Shape>>;
  readonly loss: (parameters: Named, batch: Named) => Tensor;
  readonly optimizer?: Optimizer;
}

const crossentropy = (labels: Tensor, logits: Tensor): Tensor => losses.sparseCategoricalCrossentropy({ fromLogits: true })(labels, logits);

const dense = (p: Named, x: Tensor, i: number): Tensor => matmul(x, p[`kernel${i}`]).add(p[`bias${i}`]);

const perceptron = (units: readonly number[], batch: number): Pick<TrainingStep, 'parameters' | 'batch'> => ({
  parameters: Object.fromEntries(
    units.slice(1).flatMap((width, i): [string, Shape][] => [
      [`kernel${i}`, [units[i], width]],
      [`bias${i}`, [width]],
    ]),
  ),
  batch: { x: [batch, units[0]], labels: [batch] },
});

function layered(p: Named, x: Tensor, count: number): Tensor {
  let y = x;
  for (let i = 0; i < count; i++) y = i < count - 1 ? relu(dense(p, y, i)) : dense(p, y, i);
  return y;
}

function convnet(p: Named, { x, labels }: Named): Tensor {
  let y = maxPool2d(relu(conv2d(x, p.filter0, { padding: 'same' }).add(p.shift0)), { poolSize: 2 });
  y = maxPool2d(relu(conv2d(y, p.filter1, { padding: 'same' }).add(p.shift1)), { poolSize: 2 });
  return crossentropy(labels, layered(p, reshape(y, [x.shape[0], 1568]), 2));
}

const time = 64;
const depth = 128;
const heads = 4;
const gptBlock = (i: number): [string, Shape][] => [
  [`gamma1_${i}`, [depth]],
  [`beta1_${i}`, [depth]],
  [`qkv${i}`, [depth, 3 * depth]],
  [`qkvBias${i}`, [3 * depth]],
  [`out${i}`, [depth, depth]],
  [`outBias${i}`, [depth]],
  [`gamma2_${i}`, [depth]],
  [`beta2_${i}`, [depth]],
  [`up${i}`, [depth, 4 * depth]],
  [`upBias${i}`, [4 * depth]],
  [`down${i}`, [4 * depth, depth]],
  [`downBias${i}`, [depth]],
];

function gpt(p: Named, { tokens, labels }: Named): Tensor {
  const [rows] = tokens.shape;
  const norm = (x: Tensor, gamma: Tensor, beta: Tensor): Tensor => layerNorm(x, { gamma, beta, epsilon: 1e-5 });
  let x = embedding(p.table, tokens).add(p.positions);
  for (let i = 0; `qkv${i}` in p; i++) {
    const joint = matmul(norm(x, p[`gamma1_${i}`], p[`beta1_${i}`]), p[`qkv${i}`]).add(p[`qkvBias${i}`]);
    const [q, k, v] = split(joint, 3, -1).map((part) => transpose(reshape(part, [rows, time, heads, depth / heads]), [0, 2, 1, 3]));
    const mixed = reshape(transpose(scaledDotProductAttention(q, k, v, { isCausal: true }), [0, 2, 1, 3]), [rows, time, depth]);
    x = x.add(matmul(mixed, p[`out${i}`]).add(p[`outBias${i}`]));
    const inner = gelu(matmul(norm(x, p[`gamma2_${i}`], p[`beta2_${i}`]), p[`up${i}`]).add(p[`upBias${i}`]));
    x = x.add(matmul(inner, p[`down${i}`]).add(p[`downBias${i}`]));
  }
  return crossentropy(labels, matmul(norm(x, p.gamma, p.beta), p.head));
}

const units = 128;
function lstm(p: Named, { x, labels }: Named): Tensor {
  const [batch, steps, features] = x.shape;
  const fromInputs = reshape(matmul(reshape(x, [batch * steps, features]), p.kernel).add(p.bias), [batch, steps, 4 * units]);
  let hidden = zeros([batch, units]);
  let cell = zeros([batch, units]);
  for (let t = 0; t < steps; t++) {
    const gates = reshape(slice(fromInputs, [0, t], [batch, t + 1]), [batch, 4 * units]).add(matmul(hidden, p.recurrent));
    const [input, forget, candidate, output] = split(gates, 4, 1);
    cell = sigmoid(forget)
      .mul(cell)
      .add(sigmoid(input).mul(tanh(candidate)));
    hidden = sigmoid(output).mul(tanh(cell));
  }
  return crossentropy(labels, matmul(hidden, p.kernel1).add(p.bias1));
}

export const trainingSteps = {
  mlp: {
    ...perceptron([784, 128, 10], 32),
    loss: (p, { x, labels }) => crossentropy(labels, layered(p, x, 2)),
    optimizer: optimizers.sgd({ learningRate: 0.01 }),
  },
  mlpwide: { ...perceptron([784, 512, 512, 10], 128), loss: (p, { x, labels }) => crossentropy(labels, layered(p, x, 3)) },
  cnn: {
    parameters: {
      ...{ filter0: [3, 3, 1, 16], shift0: [16], filter1: [3, 3, 16, 32], shift1: [32] },
      ...perceptron([1568, 128, 10], 64).parameters,
    },
    batch: { x: [64, 28, 28, 1], labels: [64] },
    loss: convnet,
  },
  gpt: {
    parameters: {
      ...{ table: [65, depth], positions: [time, depth] },
      ...Object.fromEntries([...gptBlock(0), ...gptBlock(1)]),
      ...{ gamma: [depth], beta: [depth], head: [depth, 65] },
    },
    batch: { tokens: [8, time], labels: [8, time] },
    loss: gpt,
  },
  lstm: {
    parameters: { kernel: [28, 4 * units], recurrent: [units, 4 * units], bias: [4 * units], kernel1: [units, 10], bias1: [10] },
    batch: { x: [32, 28, 28], labels: [32] },
    loss: lstm,
  },
  autoencoder: {
    ...perceptron([784, 256, 64, 256, 784], 64),
    loss: (p, { x }) => losses.binaryCrossentropy({ fromLogits: true })(x, layered(p, x, 4)),
  },
} satisfies Readonly<Record<string, TrainingStep>>;

export type TrainingStepName = keyof typeof trainingSteps;
export const trainingStepNames = Object.keys(trainingSteps) as TrainingStepName[];

/** Forward, backward and update as one graph. Parameters and optimizer state are donated. */
export function tracedStep(name: TrainingStepName): { graph: Graph; donations: readonly Donation[] } {
  const { loss, optimizer = optimizers.adam(), ...shapes }: TrainingStep = trainingSteps[name];
  const made = (all: TrainingStep['batch']): Named =>
    Object.fromEntries(
      Object.entries(all).map(([key, shape]) => [key, zeros(shape, key === 'labels' || key === 'tokens' ? 'i32' : 'f32')]),
    );
  const parameters = made(shapes.parameters);
  const step = (p: Named, state: ReturnType<Optimizer['init']>, batch: Named): unknown => {
    const [value, gradients] = valueAndGrad((p: Named) => loss(p, batch))(p);
    return { ...optimizer.update(gradients, state, p), value };
  };
  return traceFunction(step, [parameters, optimizer.init(parameters), made(shapes.batch)], name, new Set([0, 1]));
}
