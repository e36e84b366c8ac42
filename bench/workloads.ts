// The workloads: data, first weights and optimizer of each unit of work. They are made on the host, so that every engine starts with the
// same numbers. engines/ has the computation for each engine.
import { type HostTensor, images, integers, ones, uniform, weights, zeros } from './hostData.ts';

export interface OptimizerSpec {
  readonly name: 'sgd' | 'momentum' | 'adam';
  readonly learningRate: number;
}

export type Tensors = Readonly<Record<string, HostTensor>>;

export interface Workload {
  /** Description of one unit of work, for the reader of the table. */
  readonly unit: string;
  /** The result: a value; a loss and its gradient with respect to the parameters; or a training step. */
  readonly kind: 'forward' | 'gradient' | 'training';
  readonly optimizer?: OptimizerSpec;
  readonly parameters: () => Tensors;
  readonly inputs: () => Tensors;
  /** The inputs of a batch that is this many times as large, if `--scale` measures the workload. */
  readonly scaled?: (times: number) => Tensors;
}

const adam: OptimizerSpec = { name: 'adam', learningRate: 1e-3 };
const sgd: OptimizerSpec = { name: 'sgd', learningRate: 0.01 };
const momentum: OptimizerSpec = { name: 'momentum', learningRate: 0.01 };

export const sizes = {
  gpt: { vocabulary: 65, time: 64, batch: 8, depth: 128, heads: 4, layers: 2 },
  lstm: { batch: 32, features: 28, units: 128 },
} as const;

const product = (n: number): Workload => ({
  unit: `one f32 product, ${n} x ${n} by ${n} x ${n}`,
  kind: 'forward',
  parameters: () => ({}),
  inputs: () => ({ a: uniform([n, n], 1, 1), b: uniform([n, n], 1, 2) }),
});

/** kernel0, bias0, kernel1, ... of dense layers in a chain. */
const denseChain = (units: readonly number[]): Tensors =>
  Object.fromEntries(
    units.slice(1).flatMap((width, i) => [
      [`kernel${i}`, weights([units[i], width], units[i], 10 + i)],
      [`bias${i}`, zeros([width])],
    ]),
  );

const perceptron = (units: readonly number[], batch: number) => {
  const scaled = (times: number) => ({
    x: uniform([times * batch, units[0]], 1, 3),
    labels: integers(times * batch, units.at(-1)!, 4),
  });
  return { parameters: () => denseChain(units), inputs: () => scaled(1), scaled };
};

const convnetInputs = (times: number) => ({ x: images([times * 64, 28, 28, 1], 5), labels: integers(times * 64, 10, 6) });
const gptInputs = (times: number) => {
  const { batch, time, vocabulary } = sizes.gpt;
  return { tokens: integers(times * batch * time, vocabulary, 34), labels: integers(times * batch * time, vocabulary, 35) };
};

const convnet = {
  parameters: () => ({
    filter0: weights([3, 3, 1, 16], 9, 20, 'filter'),
    filter0Bias: zeros([16]),
    filter1: weights([3, 3, 16, 32], 144, 21, 'filter'),
    filter1Bias: zeros([32]),
    kernel0: weights([7 * 7 * 32, 128], 7 * 7 * 32, 22, 'afterImage', [7, 7, 32]),
    bias0: zeros([128]),
    kernel1: weights([128, 10], 128, 23),
    bias1: zeros([10]),
  }),
  inputs: () => convnetInputs(1),
  scaled: convnetInputs,
};

function gptParameters(): Tensors {
  const { vocabulary, time, depth, layers } = sizes.gpt;
  const block = (i: number): [string, HostTensor][] => [
    [`gamma1_${i}`, ones([depth])],
    [`beta1_${i}`, zeros([depth])],
    [`qkv${i}`, weights([depth, 3 * depth], depth, 30 + i)],
    [`qkvBias${i}`, zeros([3 * depth])],
    [`out${i}`, weights([depth, depth], depth, 40 + i)],
    [`outBias${i}`, zeros([depth])],
    [`gamma2_${i}`, ones([depth])],
    [`beta2_${i}`, zeros([depth])],
    [`up${i}`, weights([depth, 4 * depth], depth, 50 + i)],
    [`upBias${i}`, zeros([4 * depth])],
    [`down${i}`, weights([4 * depth, depth], 4 * depth, 60 + i)],
    [`downBias${i}`, zeros([depth])],
  ];
  return {
    table: uniform([vocabulary, depth], 0.1, 31),
    positions: uniform([time, depth], 0.1, 32),
    ...Object.fromEntries(Array.from({ length: layers }, (_, i) => block(i)).flat()),
    gamma: ones([depth]),
    beta: zeros([depth]),
    head: weights([depth, vocabulary], depth, 33),
  };
}

function resnetParameters(): Tensors {
  const convolution = (name: string, side: number, from: number, to: number, seed: number): Tensors => ({
    [name]: weights([side, side, from, to], side * side * from, seed, 'filter'),
    [`${name}Gamma`]: ones([to]),
    [`${name}Beta`]: zeros([to]),
  });
  return {
    ...convolution('stem', 3, 3, 16, 70),
    ...convolution('first', 3, 16, 16, 71),
    ...convolution('second', 3, 16, 16, 72),
    ...convolution('third', 3, 16, 32, 73),
    ...convolution('fourth', 3, 32, 32, 74),
    ...convolution('shortcut', 1, 16, 32, 75),
    kernel: weights([32, 10], 32, 76),
    bias: zeros([10]),
  };
}

/** An LSTM over all steps, and a dense layer after the last. Each engine uses its own LSTM layer, if it has one. */
const lstmOf = (time: number): Workload => {
  const { batch, features, units } = sizes.lstm;
  return {
    unit: `Adam step, LSTM layer of 128 units over ${time} steps of 28 features, dense 10 at the end; batch 32`,
    kind: 'training',
    optimizer: adam,
    parameters: () => ({
      kernel: weights([features, 4 * units], features, 80),
      recurrent: weights([units, 4 * units], units, 81),
      bias: zeros([4 * units]),
      kernel1: weights([units, 10], units, 82),
      bias1: zeros([10]),
    }),
    inputs: () => ({ x: uniform([batch, time, features], 1, 83), labels: integers(batch, 10, 84) }),
  };
};

export const workloads = {
  matmul256: product(256),
  matmul512: product(512),
  matmul1024: product(1024),
  mlp: { unit: 'SGD step, 784-128-10, relu, batch 32', kind: 'training', optimizer: sgd, ...perceptron([784, 128, 10], 32) },
  mlpwide: {
    unit: 'Adam step, 784-512-512-10, relu, batch 128',
    kind: 'training',
    optimizer: adam,
    ...perceptron([784, 512, 512, 10], 128),
  },
  cnn: {
    unit: 'Adam step, 28x28x1: twice conv 3x3 (16, 32), relu, max pool 2; dense 128, relu, dense 10; batch 64',
    kind: 'training',
    optimizer: adam,
    ...convnet,
  },
  gpt: {
    unit: 'Adam step, decoder: vocabulary 65, time 64, depth 128, 4 heads, 2 layers, MLP x4, tanh GELU, norms before; batch 8',
    kind: 'training',
    optimizer: adam,
    parameters: gptParameters,
    inputs: () => gptInputs(1),
    scaled: gptInputs,
  },
  lstm: { ...lstmOf(28), unit: 'Adam step, LSTM of 128 units over 28 rows of 28, written step by step; dense 10 at the end; batch 32' },
  lstm28: lstmOf(28),
  lstm200: lstmOf(200),
  lstm1000: lstmOf(1000),
  resnet: {
    unit: 'momentum step, 16x16x3: conv 16, a plain and a striding residual block (16, 32), batch norm, average, dense 10; batch 32',
    kind: 'training',
    optimizer: momentum,
    parameters: resnetParameters,
    inputs: () => ({ x: images([32, 16, 16, 3], 77), labels: integers(32, 10, 78) }),
  },
  autoencoder: {
    unit: 'Adam step, 784-256-64-256-784, relu, binary cross-entropy; batch 64',
    kind: 'training',
    optimizer: adam,
    parameters: () => denseChain([784, 256, 64, 256, 784]),
    inputs: () => ({ x: uniform([64, 784], 0.5, 85, 0.5) }),
  },
  mlpbatch1: { unit: 'SGD step, 784-128-10, relu, batch 1', kind: 'training', optimizer: sgd, ...perceptron([784, 128, 10], 1) },
  mlpinfer1: {
    unit: 'probabilities of 784-128-10, batch 1',
    kind: 'forward',
    parameters: () => denseChain([784, 128, 10]),
    inputs: () => ({ x: uniform([1, 784], 1, 3) }),
  },
  cnninfer: {
    unit: 'logits of cnn, batch 64',
    kind: 'forward',
    parameters: convnet.parameters,
    inputs: () => ({ x: images([64, 28, 28, 1], 5) }),
  },
  softmax: {
    unit: 'softmax cross-entropy of logits 1024 x 1024 and its gradient',
    kind: 'gradient',
    parameters: () => ({ logits: uniform([1024, 1024], 1, 7) }),
    inputs: () => ({ labels: integers(1024, 1024, 8) }),
  },
  chain: {
    unit: 'sum(tanh(1.5 x + 0.3) x - relu(x)), a million elements',
    kind: 'forward',
    parameters: () => ({}),
    inputs: () => ({ x: uniform([1024, 1024], 1, 9) }),
  },
} satisfies Readonly<Record<string, Workload>>;

export type WorkloadName = keyof typeof workloads;
export const workloadNames = Object.keys(workloads) as WorkloadName[];

/** Workloads that `--scale` measures at once, twice and four times their batch. */
export const scaledWorkloads = ['mlp', 'cnn', 'gpt'] as const satisfies readonly WorkloadName[];
