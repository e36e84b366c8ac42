// The workloads in TensorFlow.js. It runs one op at a time. optimizer.minimize and tidy are used as its users do.
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import '@tensorflow/tfjs-backend-webgpu';
import { type OptimizerSpec, type Tensors, type Workload, type WorkloadName, sizes } from '../workloads.ts';
import type { Engine, Unit } from './engine.ts';

setWasmPaths(__TFJS_WASM__);

type Named = Record<string, tf.Tensor>;
type Model = (parameters: Named, inputs: Named) => tf.Tensor;

const crossentropy = (onehot: tf.Tensor, logits: tf.Tensor): tf.Tensor => tf.losses.softmaxCrossEntropy(onehot, logits);
const linear = (x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor): tf.Tensor => tf.add(tf.matMul(x, kernel), bias);

function dense(p: Named, x: tf.Tensor, depth: number): tf.Tensor {
  for (let i = 0; i < depth; i++) {
    x = linear(x, p[`kernel${i}`], p[`bias${i}`]);
    if (i < depth - 1) x = tf.relu(x);
  }
  return x;
}

const perceptron =
  (depth: number): Model =>
  (p, { x, labels }) =>
    crossentropy(labels, dense(p, x, depth));

const conv2d = (x: tf.Tensor, filter: tf.Tensor, strides = 1): tf.Tensor =>
  tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, strides, 'same');

function convnet(p: Named, x: tf.Tensor): tf.Tensor {
  for (const i of [0, 1]) {
    const y = tf.relu(tf.add(conv2d(x, p[`filter${i}`]), p[`filter${i}Bias`]));
    x = tf.maxPool(y as tf.Tensor4D, 2, 2, 'valid');
  }
  return dense(p, tf.reshape(x, [x.shape[0], -1]), 2);
}

const norm = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor): tf.Tensor => {
  const { mean, variance } = tf.moments(x, -1, true);
  return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5))), gamma), beta);
};

const gelu = (x: tf.Tensor): tf.Tensor => {
  const inner = tf.mul(Math.sqrt(2 / Math.PI), tf.add(x, tf.mul(0.044715, tf.mul(x, tf.square(x)))));
  return tf.mul(tf.mul(0.5, x), tf.add(1, tf.tanh(inner)));
};

function gpt(p: Named, { tokens, labels, mask }: Named): tf.Tensor {
  const { batch, time, depth, heads, layers } = sizes.gpt;
  const rows = [batch * time, depth];
  const embedded = tf.reshape(tf.gather(p.table, tokens as tf.Tensor1D), [batch, time, depth]);
  let x = tf.reshape(tf.add(embedded, p.positions), rows);
  for (let i = 0; i < layers; i++) {
    const qkv = linear(norm(x, p[`gamma1_${i}`], p[`beta1_${i}`]), p[`qkv${i}`], p[`qkvBias${i}`]);
    const [query, key, value] = tf.unstack(tf.transpose(tf.reshape(qkv, [batch, time, 3, heads, depth / heads]), [2, 0, 3, 1, 4]));
    const scores = tf.mul(tf.matMul(query, key, false, true), 1 / Math.sqrt(depth / heads));
    const attended = tf.matMul(tf.softmax(tf.add(scores, mask)), value);
    x = tf.add(x, linear(tf.reshape(tf.transpose(attended, [0, 2, 1, 3]), rows), p[`out${i}`], p[`outBias${i}`]));
    const up = gelu(linear(norm(x, p[`gamma2_${i}`], p[`beta2_${i}`]), p[`up${i}`], p[`upBias${i}`]));
    x = tf.add(x, linear(up, p[`down${i}`], p[`downBias${i}`]));
  }
  return crossentropy(labels, tf.matMul(norm(x, p.gamma, p.beta), p.head));
}

/** 0 for a visible position, a large negative number for a hidden one. */
const causalMask = (time: number): tf.Tensor => {
  const allowed = tf.linalg.bandPart(tf.ones([time, time]), -1, 0);
  return tf.mul(tf.sub(1, allowed), -1e9);
};

function lstm(p: Named, { x, labels }: Named): tf.Tensor {
  const { batch, features, units } = sizes.lstm;
  const [, time] = x.shape;
  const fromInputs = tf.reshape(linear(tf.reshape(x, [batch * time, features]), p.kernel, p.bias), [batch, time, 4 * units]);
  let hidden: tf.Tensor = tf.zeros([batch, units]);
  let cell: tf.Tensor = tf.zeros([batch, units]);
  for (const gates of tf.unstack(fromInputs, 1)) {
    const [input, forget, candidate, output] = tf.split(tf.add(gates, tf.matMul(hidden, p.recurrent)), 4, 1);
    cell = tf.add(tf.mul(tf.sigmoid(forget), cell), tf.mul(tf.sigmoid(input), tf.tanh(candidate)));
    hidden = tf.mul(tf.sigmoid(output), tf.tanh(cell));
  }
  return crossentropy(labels, linear(hidden, p.kernel1, p.bias1));
}

const lstmLayers = new WeakMap<Named, tf.layers.Layer>();

/** TensorFlow.js's LSTM layer on the given variables, which it otherwise makes itself. */
function lstmLayerOf(p: Named, x: tf.Tensor): tf.layers.Layer {
  const made = lstmLayers.get(p);
  if (made) return made;
  const layer = tf.layers.lstm({ units: sizes.lstm.units, recurrentActivation: 'sigmoid' });
  layer.apply(x); // makes the cell and its variables
  const cell = (layer as unknown as { cell: Record<string, { read(): tf.Tensor }> }).cell;
  const variables = { kernel: p.kernel, recurrentKernel: p.recurrent, bias: p.bias };
  for (const [name, variable] of Object.entries(variables)) cell[name] = { read: () => variable };
  lstmLayers.set(p, layer);
  return layer;
}

const lstmLayer: Model = (p, { x, labels }) => crossentropy(labels, linear(lstmLayerOf(p, x).apply(x) as tf.Tensor, p.kernel1, p.bias1));

function resnet(p: Named, { x, labels }: Named): tf.Tensor {
  const convolve = (x: tf.Tensor, name: string, strides = 1): tf.Tensor => {
    const y = conv2d(x, p[name], strides) as tf.Tensor4D;
    const { mean, variance } = tf.moments(y, [0, 1, 2]);
    const [mean1, variance1, beta, gamma] = [mean, variance, p[`${name}Beta`], p[`${name}Gamma`]] as tf.Tensor1D[];
    return tf.batchNorm(y, mean1, variance1, beta, gamma, 1e-3);
  };
  const stem = tf.relu(convolve(x, 'stem'));
  const plain = tf.relu(tf.add(convolve(tf.relu(convolve(stem, 'first')), 'second'), stem));
  const inner = convolve(tf.relu(convolve(plain, 'third', 2)), 'fourth');
  const striding = tf.relu(tf.add(inner, convolve(plain, 'shortcut', 2)));
  return crossentropy(labels, linear(tf.mean(striding, [1, 2]), p.kernel, p.bias));
}

const product: Model = (_, { a, b }) => tf.matMul(a, b);

const models: Readonly<Record<WorkloadName, Model>> = {
  matmul256: product,
  matmul512: product,
  matmul1024: product,
  mlp: perceptron(2),
  mlpwide: perceptron(3),
  cnn: (p, { x, labels }) => crossentropy(labels, convnet(p, x)),
  gpt,
  lstm,
  lstm28: lstmLayer,
  lstm200: lstmLayer,
  lstm1000: lstmLayer,
  resnet,
  autoencoder: (p, { x }) => tf.losses.sigmoidCrossEntropy(x, dense(p, x, 4)),
  mlpbatch1: perceptron(2),
  mlpinfer1: (p, { x }) => tf.softmax(dense(p, x, 2)),
  cnninfer: (p, { x }) => convnet(p, x),
  softmax: ({ logits }, { labels }) => crossentropy(labels, logits),
  chain: (_, { x }) => tf.sum(tf.sub(tf.mul(tf.tanh(tf.add(tf.mul(x, 1.5), 0.3)), x), tf.relu(x))),
};

function makeOptimizer({ name, learningRate }: OptimizerSpec): tf.Optimizer {
  if (name === 'adam') return tf.train.adam(learningRate, 0.9, 0.999, 1e-7);
  return name === 'momentum' ? tf.train.momentum(learningRate, 0.9) : tf.train.sgd(learningRate);
}

const tensors = (host: Tensors): Named =>
  Object.fromEntries(
    Object.entries(host).map(([name, { values, shape, limit }]) => {
      const tensor = tf.tensor(values, [...shape], limit === undefined ? 'float32' : 'int32');
      return [name, name === 'labels' ? tf.oneHot(tensor, limit ?? 0) : tensor];
    }),
  );

function training(model: Model, spec: OptimizerSpec, first: Named, inputs: Named): Unit {
  const optimizer = makeOptimizer(spec);
  const variables = Object.fromEntries(Object.entries(first).map(([name, tensor]) => [name, tf.variable(tensor)]));
  const list = Object.values(variables);
  let loss: tf.Scalar | undefined;
  return {
    step() {
      const next = optimizer.minimize(() => model(variables, inputs) as tf.Scalar, true, list);
      loss?.dispose();
      loss = next ?? undefined;
    },
    finish: async () => void (await loss?.data()),
    read: async () => (loss ? [await loss.data()] : []),
  };
}

function evaluation(run: () => tf.Tensor[]): Unit {
  let results: tf.Tensor[] = [];
  return {
    step() {
      tf.dispose(results);
      results = run();
    },
    async finish() {
      const element = tf.tidy(() => tf.slice(tf.reshape(results[0], [-1]), 0, 1));
      await element.data();
      element.dispose();
    },
    read: () => Promise.all(results.map((result) => result.data())),
  };
}

async function prepare(name: WorkloadName, { kind, optimizer, ...make }: Workload): Promise<Unit> {
  const model = models[name];
  const parameters = tensors(make.parameters());
  const inputs = { ...tensors(make.inputs()), ...(name === 'gpt' && { mask: causalMask(sizes.gpt.time) }) };
  if (kind === 'training') {
    if (!optimizer) throw new Error(`${name}: a training step needs an optimizer`);
    return training(model, optimizer, parameters, inputs);
  }
  if (kind === 'forward') return evaluation(() => [tf.tidy(() => model(parameters, inputs))]);
  const names = Object.keys(parameters);
  const lossAndGradients = tf.valueAndGrads((...values: tf.Tensor[]) =>
    model(Object.fromEntries(names.map((name, i) => [name, values[i]])), inputs),
  );
  return evaluation(() => {
    const { value, grads } = lossAndGradients(Object.values(parameters));
    return [value, ...grads];
  });
}

export const engineOn = (backend: 'webgpu' | 'wasm' | 'cpu'): Engine => ({
  version: tf.version.tfjs,
  async start() {
    if (tf.getBackend() === backend) return;
    if (!(await tf.setBackend(backend))) throw new Error(`tf.setBackend: the ${backend} backend could not be initialised`);
    await tf.ready();
  },
  prepare,
  tensorBytes: () => tf.memory().numBytes,
});
