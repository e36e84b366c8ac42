// The workloads in jax-js: a whole step inside jit. An op consumes its arguments; `.ref` keeps an array for another use. Images
// and filters have their channels first here.
import { type Array as JaxArray, blockUntilReady, defaultDevice, init, jit, lax, nn, numpy as np, tree, valueAndGrad } from '@jax-js/jax';
import { channelsFirst } from '../hostData.ts';
import { type OptimizerSpec, type Tensors, type Workload, type WorkloadName, sizes } from '../workloads.ts';
import type { Engine, Unit } from './engine.ts';

type Named = Record<string, JaxArray>;
type Model = (parameters: Named, inputs: Named) => JaxArray;

const crossentropy = (onehot: JaxArray, logits: JaxArray): JaxArray => {
  const [rows] = logits.shape;
  return nn
    .logSoftmax(logits, -1)
    .mul(onehot)
    .sum()
    .mul(-1 / rows);
};
const linear = (x: JaxArray, kernel: JaxArray, bias: JaxArray): JaxArray => np.matmul(x, kernel).add(bias);

function dense(p: Named, x: JaxArray, depth: number): JaxArray {
  for (let i = 0; i < depth; i++) {
    x = linear(x, p[`kernel${i}`], p[`bias${i}`]);
    if (i < depth - 1) x = nn.relu(x);
  }
  return x;
}

const perceptron =
  (depth: number): Model =>
  (p, { x, labels }) =>
    crossentropy(labels, dense(p, x, depth));

/** A vector over channels with a shape that broadcasts to [n, c, h, w]. */
const overChannels = (vector: JaxArray): JaxArray => vector.reshape([vector.shape[0], 1, 1]);

function convnet(p: Named, x: JaxArray): JaxArray {
  for (const i of [0, 1]) {
    const y = nn.relu(lax.conv(x, p[`filter${i}`], [1, 1], 'SAME').add(overChannels(p[`filter${i}Bias`])));
    const [n, c, h, w] = y.shape;
    x = np.max(y.reshape([n, c, h / 2, 2, w / 2, 2]), [3, 5]);
  }
  return dense(p, x.reshape([x.shape[0], -1]), 2);
}

const norm = (x: JaxArray, gamma: JaxArray, beta: JaxArray): JaxArray => nn.standardize(x, -1, { epsilon: 1e-5 }).mul(gamma).add(beta);

const gelu = (x: JaxArray): JaxArray => nn.gelu(x, { approximate: true });

function gpt(p: Named, { tokens, labels }: Named): JaxArray {
  const { batch, time, depth, heads, layers, vocabulary } = sizes.gpt;
  const rows = [batch * time, depth];
  // Uses a product with one-hot rows, because its gradient needs no scatter.
  const embedded = np.matmul(nn.oneHot(tokens, vocabulary), p.table).reshape([batch, time, depth]);
  let x = embedded.add(p.positions).reshape(rows);
  for (let i = 0; i < layers; i++) {
    const normed = norm(x.ref, p[`gamma1_${i}`], p[`beta1_${i}`]);
    const qkv = linear(normed, p[`qkv${i}`], p[`qkvBias${i}`]).reshape([batch, time, 3, heads, depth / heads]);
    const [query, key] = [qkv.ref.slice([], [], 0), qkv.ref.slice([], [], 1)];
    const attended = nn.dotProductAttention(query, key, qkv.slice([], [], 2), { isCausal: true }).reshape(rows);
    x = x.add(linear(attended, p[`out${i}`], p[`outBias${i}`]));
    const up = gelu(linear(norm(x.ref, p[`gamma2_${i}`], p[`beta2_${i}`]), p[`up${i}`], p[`upBias${i}`]));
    x = x.add(linear(up, p[`down${i}`], p[`downBias${i}`]));
  }
  return crossentropy(labels, np.matmul(norm(x, p.gamma, p.beta), p.head));
}

function lstm(p: Named, { x, labels }: Named): JaxArray {
  const { batch, features, units } = sizes.lstm;
  const [, time] = x.shape;
  const fromInputs = linear(x.reshape([batch * time, features]), p.kernel, p.bias).reshape([batch, time, 4 * units]);
  let hidden = np.zeros([batch, units]);
  let cell = np.zeros([batch, units]);
  for (let t = 0; t < time; t++) {
    const gates = fromInputs.ref.slice([], t).add(np.matmul(hidden, p.recurrent.ref));
    const [input, forget, candidate, output] = np.split(gates, 4, 1);
    cell = nn
      .sigmoid(forget)
      .mul(cell)
      .add(nn.sigmoid(input).mul(np.tanh(candidate)));
    hidden = nn.sigmoid(output).mul(np.tanh(cell.ref));
  }
  cell.dispose();
  fromInputs.dispose();
  p.recurrent.dispose();
  return crossentropy(labels, linear(hidden, p.kernel1, p.bias1));
}

function resnet(p: Named, { x, labels }: Named): JaxArray {
  const convolve = (x: JaxArray, name: string, strides = 1): JaxArray => {
    const y = lax.conv(x, p[name], [strides, strides], 'SAME');
    const normed = nn.standardize(y, [0, 2, 3], { epsilon: 1e-3 });
    return normed.mul(overChannels(p[`${name}Gamma`])).add(overChannels(p[`${name}Beta`]));
  };
  const stem = nn.relu(convolve(x, 'stem'));
  const plain = nn.relu(convolve(nn.relu(convolve(stem.ref, 'first')), 'second').add(stem));
  const inner = convolve(nn.relu(convolve(plain.ref, 'third', 2)), 'fourth');
  const striding = nn.relu(inner.add(convolve(plain, 'shortcut', 2)));
  return crossentropy(labels, linear(striding.mean([2, 3]), p.kernel, p.bias));
}

function autoencoder(p: Named, { x }: Named): JaxArray {
  const logits = dense(p, x.ref, 4);
  // max(z, 0) - z x + log(1 + exp(-|z|)), which does not overflow.
  const positive = nn.relu(logits.ref).sub(logits.ref.mul(x));
  return np.mean(positive.add(np.log1p(np.exp(np.abs(logits).neg()))));
}

const product: Model = (_, { a, b }) => np.matmul(a, b);

const models: Readonly<Record<WorkloadName, Model>> = {
  matmul256: product,
  matmul512: product,
  matmul1024: product,
  mlp: perceptron(2),
  mlpwide: perceptron(3),
  cnn: (p, { x, labels }) => crossentropy(labels, convnet(p, x)),
  gpt,
  // jax-js has no LSTM layer.
  lstm,
  lstm28: lstm,
  lstm200: lstm,
  lstm1000: lstm,
  resnet,
  autoencoder,
  mlpbatch1: perceptron(2),
  mlpinfer1: (p, { x }) => nn.softmax(dense(p, x, 2)),
  cnninfer: (p, { x }) => convnet(p, x),
  softmax: ({ logits }, { labels }) => crossentropy(labels, logits),
  chain: (_, { x }) => np.sum(np.tanh(x.ref.mul(1.5).add(0.3)).mul(x.ref).sub(nn.relu(x))),
};

const arrays = (host: Tensors): Named =>
  Object.fromEntries(
    Object.entries(host).map(([name, tensor]) => {
      const { values, shape } = channelsFirst(tensor);
      const array = np.array(values, { shape: [...shape] });
      return [name, name === 'labels' ? nn.oneHot(array, tensor.limit ?? 0) : array];
    }),
  );

/** State of an optimizer: trees like the parameters, and the number of updates done. */
type State = { first: Named; second: Named; count: JaxArray };

const zerosLike = (parameters: Named, wanted: boolean): Named =>
  wanted ? Object.fromEntries(Object.entries(parameters).map(([name, { shape }]) => [name, np.zeros(shape)])) : {};

function update({ name, learningRate }: OptimizerSpec, gradients: Named, state: State, parameters: Named): [Named, State] {
  const next: Named = {};
  const first: Named = {};
  const second: Named = {};
  const count = state.count.add(1);
  const corrections = [0.9, 0.999].map((beta) =>
    np
      .exp(count.ref.mul(Math.log(beta)))
      .mul(-1)
      .add(1),
  );
  for (const [key, parameter] of Object.entries(parameters)) {
    const gradient = gradients[key];
    if (name === 'sgd') {
      next[key] = parameter.sub(gradient.mul(learningRate));
    } else if (name === 'momentum') {
      first[key] = state.first[key].mul(0.9).add(gradient);
      next[key] = parameter.sub(first[key].ref.mul(learningRate));
    } else {
      first[key] = state.first[key].mul(0.9).add(gradient.ref.mul(0.1));
      second[key] = state.second[key].mul(0.999).add(np.square(gradient).mul(0.001));
      const root = np.sqrt(second[key].ref.div(corrections[1].ref)).add(1e-7);
      next[key] = parameter.sub(first[key].ref.div(corrections[0].ref).mul(learningRate).div(root));
    }
  }
  tree.dispose(corrections);
  return [next, { first, second, count }];
}

function training(model: Model, optimizer: OptimizerSpec, first: Named, inputs: Named): Unit {
  const lossAndGradients = valueAndGrad(model);
  const step = jit((parameters: Named, state: State, inputs: Named) => {
    const [loss, gradients] = lossAndGradients(tree.ref(parameters), inputs) as unknown as [JaxArray, Named];
    return [...update(optimizer, gradients, state, parameters), loss];
  }) as unknown as (parameters: Named, state: State, inputs: Named) => [Named, State, JaxArray];
  let parameters = first;
  const { name } = optimizer;
  let state: State = { first: zerosLike(first, name !== 'sgd'), second: zerosLike(first, name === 'adam'), count: np.array(0) };
  let loss: JaxArray | undefined;
  return {
    step() {
      loss?.dispose();
      [parameters, state, loss] = step(parameters, state, tree.ref(inputs));
    },
    finish: async () => void (await loss?.ref.data()),
    read: async () => (loss ? [await loss.ref.data()] : []),
  };
}

/** A pending result without references never runs, so all results are kept until finish(). */
function evaluation(run: () => JaxArray[]): Unit {
  let results: JaxArray[] = [];
  const held: JaxArray[][] = [];
  return {
    step() {
      if (results.length > 0) held.push(results);
      results = run();
    },
    async finish() {
      for (const earlier of held.splice(0)) {
        await blockUntilReady(earlier);
        tree.dispose(earlier);
      }
      await blockUntilReady(results);
      await results[0].ref.reshape([-1]).slice([0, 1]).data();
    },
    read: () => Promise.all(results.map((result) => result.ref.data())),
  };
}

async function prepare(name: WorkloadName, { kind, optimizer, ...make }: Workload): Promise<Unit> {
  const model = models[name];
  const parameters = arrays(make.parameters());
  const inputs = arrays(make.inputs());
  if (kind === 'training') {
    if (!optimizer) throw new Error(`${name}: a training step needs an optimizer`);
    return training(model, optimizer, parameters, inputs);
  }
  if (kind === 'forward') {
    const forward = jit(model) as Model;
    return evaluation(() => [forward(tree.ref(parameters), tree.ref(inputs))]);
  }
  const gradient = jit(valueAndGrad(model)) as unknown as (p: Named, inputs: Named) => [JaxArray, Named];
  return evaluation(() => {
    const [value, gradients] = gradient(tree.ref(parameters), tree.ref(inputs));
    return [value, ...Object.values(gradients)];
  });
}

export const engineOn = (device: 'webgpu' | 'wasm'): Engine => ({
  version: __JAX_VERSION__,
  async start() {
    await init(device);
    defaultDevice(device);
  },
  prepare,
});
