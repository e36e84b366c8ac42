// The workloads in ombre, through its public entry.
import {
  type Tensor,
  batchNorm,
  compile,
  conv2d,
  embedding,
  flatten,
  gelu,
  globalAvgPool,
  lastProgram,
  layerNorm,
  losses,
  matmul,
  maxPool2d,
  mean,
  memory,
  optimizers,
  profile,
  recurrence,
  relu,
  reshape,
  scaledDotProductAttention,
  setDevice,
  sigmoid,
  slice,
  softmax,
  split,
  sub,
  sum,
  tanh,
  tensor,
  transpose,
  tuned,
  unstack,
  valueAndGrad,
  variance,
  zeros,
} from 'ombre';
import { type OptimizerSpec, type Tensors, type Workload, type WorkloadName, sizes } from '../workloads.ts';
import type { Engine, Unit } from './engine.ts';

type Named = Record<string, Tensor>;
type OptimizerState = ReturnType<ReturnType<typeof makeOptimizer>['init']>;
type Model = (parameters: Named, inputs: Named) => Tensor;

const crossentropy = losses.sparseCategoricalCrossentropy({ fromLogits: true });
const binaryCrossentropy = losses.binaryCrossentropy({ fromLogits: true });

/** kernel0, bias0, kernel1, ... with relu between them. */
function dense(p: Named, x: Tensor, depth: number): Tensor {
  for (let i = 0; i < depth; i++) {
    x = x.matmul(p[`kernel${i}`]).add(p[`bias${i}`]);
    if (i < depth - 1) x = relu(x);
  }
  return x;
}

const perceptron =
  (depth: number): Model =>
  (p, { x, labels }) =>
    crossentropy(labels, dense(p, x, depth));

function convnet(p: Named, x: Tensor): Tensor {
  for (const i of [0, 1]) {
    const y = conv2d(x, p[`filter${i}`], { padding: 'same' }).add(p[`filter${i}Bias`]);
    x = maxPool2d(relu(y), { poolSize: 2 });
  }
  return dense(p, reshape(x, [x.shape[0], 7 * 7 * 32]), 2);
}

function gpt(p: Named, { tokens, labels }: Named): Tensor {
  const { time, depth, heads, layers } = sizes.gpt;
  const batch = tokens.size / time;
  const rows = [batch * time, depth];
  const norm = (x: Tensor, name: string): Tensor => layerNorm(x, { gamma: p[`gamma${name}`], beta: p[`beta${name}`], epsilon: 1e-5 });
  const linear = (x: Tensor, name: string, i: number): Tensor => x.matmul(p[`${name}${i}`]).add(p[`${name}Bias${i}`]);
  const embedded = embedding(p.table, tokens).reshape([batch, time, depth]);
  let x = embedded.add(p.positions).reshape(rows);
  for (let i = 0; i < layers; i++) {
    const qkv = linear(norm(x, `1_${i}`), 'qkv', i).reshape([batch, time, 3, heads, depth / heads]);
    const [query, key, value] = unstack(transpose(qkv, [2, 0, 3, 1, 4]), 0);
    const attended = scaledDotProductAttention(query, key, value, { isCausal: true });
    x = x.add(linear(transpose(attended, [0, 2, 1, 3]).reshape(rows), 'out', i));
    x = x.add(linear(gelu(linear(norm(x, `2_${i}`), 'up', i)), 'down', i));
  }
  return crossentropy(labels, norm(x, '').matmul(p.head));
}

function lstm(p: Named, { x, labels }: Named): Tensor {
  const { batch, features, units } = sizes.lstm;
  const [, time] = x.shape;
  // The part of the gates that does not depend on the previous step, for all steps at once.
  const fromInputs = reshape(x, [batch * time, features])
    .matmul(p.kernel)
    .add(p.bias)
    .reshape([batch, time, 4 * units]);
  let hidden = zeros([batch, units]);
  let cell = zeros([batch, units]);
  for (let t = 0; t < time; t++) {
    const gates = slice(fromInputs, [0, t], [batch, t + 1]).reshape([batch, 4 * units]);
    const [input, forget, candidate, output] = split(gates.add(hidden.matmul(p.recurrent)), 4, 1);
    cell = sigmoid(forget)
      .mul(cell)
      .add(sigmoid(input).mul(tanh(candidate)));
    hidden = sigmoid(output).mul(tanh(cell));
  }
  return crossentropy(labels, hidden.matmul(p.kernel1).add(p.bias1));
}

/** The computation of layers.lstm. */
const lstmLayer: Model = (p, { x, labels }) => {
  const { units } = sizes.lstm;
  const [batch, time] = x.shape;
  const states = recurrence(x.matmul(p.kernel).add(p.bias), p.recurrent, { cell: 'lstm' });
  const hidden = slice(states, [0, time, 0], [batch, time + 1, 1]).reshape([batch, units]);
  return crossentropy(labels, hidden.matmul(p.kernel1).add(p.bias1));
};

function resnet(p: Named, { x, labels }: Named): Tensor {
  const convolve = (x: Tensor, name: string, strides = 1): Tensor => {
    const y = conv2d(x, p[name], { strides, padding: 'same' });
    const axis = [0, 1, 2];
    return batchNorm(y, mean(y, { axis }), variance(y, { axis }), { gamma: p[`${name}Gamma`], beta: p[`${name}Beta`], epsilon: 1e-3 });
  };
  const stem = relu(convolve(x, 'stem'));
  const plain = relu(convolve(relu(convolve(stem, 'first')), 'second').add(stem));
  const inner = convolve(relu(convolve(plain, 'third', 2)), 'fourth');
  const striding = relu(inner.add(convolve(plain, 'shortcut', 2)));
  return crossentropy(labels, globalAvgPool(striding).matmul(p.kernel).add(p.bias));
}

const product: Model = (_, { a, b }) => matmul(a, b);

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
  autoencoder: (p, { x }) => binaryCrossentropy(x, dense(p, x, 4)),
  mlpbatch1: perceptron(2),
  mlpinfer1: (p, { x }) => softmax(dense(p, x, 2)),
  cnninfer: (p, { x }) => convnet(p, x),
  softmax: ({ logits }, { labels }) => crossentropy(labels, logits),
  chain: (_, { x }) => sum(sub(tanh(x.mul(1.5).add(0.3)).mul(x), relu(x))),
};

const makeOptimizer = ({ name, learningRate }: OptimizerSpec) =>
  name === 'adam' ? optimizers.adam({ learningRate }) : optimizers.sgd({ learningRate, momentum: name === 'momentum' ? 0.9 : 0 });

const tensors = (host: Tensors): Named =>
  Object.fromEntries(Object.entries(host).map(([name, { values, shape }]) => [name, tensor(values, shape)]));

/** On a GPU, kernels are timed against each other between the first steps (autotuning). */
const settle = async (): Promise<void> => void (await tuned());

function training(model: Model, spec: OptimizerSpec, first: Named, inputs: Named): Unit {
  const optimizer = makeOptimizer(spec);
  const step = compile(
    (parameters: Named, state: OptimizerState, inputs: Named) => {
      const [loss, gradients] = valueAndGrad((p: Named) => model(p, inputs))(parameters);
      return { ...optimizer.update(gradients, state, parameters), loss };
    },
    { donate: [0, 1] },
  );
  let parameters = first;
  let state = optimizer.init(parameters);
  let loss: Tensor;
  return {
    async step() {
      ({ parameters, state, loss } = await step(parameters, state, inputs));
    },
    finish: async () => void (await loss.item()),
    settle,
    read: async () => [await loss.data()],
  };
}

/** The results of a forward pass or a gradient are tensors. finish() reads one element of them. Large ones are disposed of early. */
function evaluation(run: () => Promise<Tensor[]>): Unit {
  let results: Tensor[] = [];
  return {
    async step() {
      const earlier = results;
      results = await run();
      for (const tensor of earlier) tensor.dispose();
    },
    async finish() {
      const [value] = results;
      await (value.rank === 0 ? value : slice(flatten(value), [0], [1])).data();
    },
    settle,
    read: () => Promise.all(results.map((result) => result.data())),
  };
}

async function prepare(name: WorkloadName, { kind, optimizer, ...make }: Workload): Promise<Unit> {
  const model = models[name];
  const parameters = tensors(make.parameters());
  const inputs = tensors(make.inputs());
  if (kind === 'training') {
    if (!optimizer) throw new Error(`${name}: a training step needs an optimizer`);
    return training(model, optimizer, parameters, inputs);
  }
  if (kind === 'forward') {
    const forward = compile(model);
    return evaluation(async () => [await forward(parameters, inputs)]);
  }
  const gradient = compile((p: Named, inputs: Named) => valueAndGrad((p: Named) => model(p, inputs))(p));
  return evaluation(async () => {
    const [value, gradients] = await gradient(parameters, inputs);
    return [value, ...Object.values(gradients)];
  });
}

export const engineOn = (device: 'webgpu' | 'wasm' | 'cpu'): Engine => ({
  version: __OMBRE_VERSION__,
  start: () => setDevice(device),
  prepare,
  tensorBytes: () => memory().bytes,
  program() {
    const program = lastProgram();
    return { dispatches: program?.dispatches.length ?? 0, peakBytes: program?.peakBytes ?? 0 };
  },
  kernels: async (fn) => (await profile(fn)).kernels.map(({ name, count, milliseconds }) => ({ label: name, calls: count, milliseconds })),
});
