/**
 * Models that TensorFlow.js writes, with inputs and outputs, for test/unit/tensorflowJs.test.ts. Needs @tensorflow/tfjs in a folder:
 * TFJS=folder node scripts/golden/tensorflowJs.mjs
 * With a folder of files as its argument, it loads the models that the library wrote there and compares their outputs.
 */
import { Buffer } from 'node:buffer';
import console from 'node:console';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import process from 'node:process';
import { URL } from 'node:url';

const tf = createRequire(join(process.env.TFJS ?? '.', 'package.json'))('@tensorflow/tfjs');
const L = tf.layers;
tf.env().set('PROD', true);
await tf.setBackend('cpu');

const golden = 0.6180339887498949;
const plastic = 0.7548776662466927;
const rounded = (values) => Array.from(values, (value) => Number(Math.fround(value).toPrecision(7)));

/** Value i is low + (high - low) * frac((i + 1) * golden + k * plastic), as in goldenRows.py. */
function values(k, shape, low = -1, high = 1) {
  const count = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: count }, (_, i) => low + (high - low) * (((i + 1) * golden + k * plastic) % 1)),
    shape,
  );
}

async function artifactsOf(model) {
  let found;
  await model.save(
    tf.io.withSaveHandler(
      async (artifacts) => ((found = artifacts), { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } }),
    ),
  );
  return found;
}

const cases = {};
const listed = (x) => ({ shape: x.shape, values: rounded(x.dataSync()) });

/** Quantizes float32 weights as the converter of TensorFlow.js does. */
function quantize(specs, data, dtype) {
  const parts = [];
  let begin = 0;
  const quantized = specs.map((spec) => {
    const count = spec.shape.reduce((a, b) => a * b, 1);
    const given = new Float32Array(data.slice(begin, begin + 4 * count));
    begin += 4 * count;
    const [min, max] = [Math.min(...given), Math.max(...given)];
    const levels = dtype === 'uint8' ? 255 : 65535;
    const scale = (max - min) / levels || 1;
    const stored = (dtype === 'uint8' ? Uint8Array : Uint16Array).from(given, (value) => Math.round((value - min) / scale));
    parts.push(Buffer.from(stored.buffer));
    return { ...spec, quantization: { dtype, min, scale, original_dtype: 'float32' } };
  });
  return { specs: quantized, bytes: Buffer.concat(parts) };
}

async function add(name, model, inputs, { low = -2, high = 2, dtype = 'float32', quantized } = {}) {
  model.setWeights(
    model.weights.map((weight, k) =>
      /variance|gamma/.test(weight.name) ? values(k, weight.shape, 0.5, 1.5) : values(k, weight.shape, -0.6, 0.6),
    ),
  );
  const xs = inputs.map((shape, i) => {
    const x = values(50 + i, shape, low, high);
    return dtype === 'int32' ? x.floor().toInt() : x;
  });
  const { modelTopology, weightSpecs, weightData } = await artifactsOf(model);
  let [specs, bytes] = [weightSpecs, Buffer.from(weightData)];
  let run = model;
  if (quantized) {
    ({ specs, bytes } = quantize(weightSpecs, weightData, quantized));
    // Outputs are those of the quantized weights.
    const data = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
    run = await tf.loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs: specs, weightData: data }));
  }
  const outputs = [run.predict(xs.length > 1 ? xs : xs[0])].flat();
  const modelJson = {
    format: 'layers-model',
    generatedBy: 'TensorFlow.js',
    convertedBy: null,
    modelTopology,
    weightsManifest: [{ paths: ['weights.bin'], weights: specs }],
  };
  cases[name] = { model: modelJson, weights: bytes.toString('base64'), inputs: xs.map(listed), outputs: outputs.map(listed) };
}

const chain = (...layers) => tf.sequential({ layers });
function functional(shapes, build, dtype = 'float32') {
  const inputs = shapes.map((shape, i) => tf.input({ shape, dtype, name: `in_${i}` }));
  const outputs = build(...inputs);
  return tf.model({ inputs: inputs.length > 1 ? inputs : inputs[0], outputs });
}

async function makeCases() {
  await add(
    'dense',
    chain(
      L.dense({ units: 4, activation: 'relu', inputShape: [5], kernelRegularizer: 'l1l2', kernelConstraint: 'maxNorm' }),
      L.dropout({ rate: 0.3 }),
      L.dense({ units: 3, activation: 'softmax', useBias: false }),
    ),
    [[3, 5]],
  );
  const names = [
    'elu',
    'hardSigmoid',
    'linear',
    'relu6',
    'selu',
    'sigmoid',
    'softplus',
    'softsign',
    'tanh',
    'logSoftmax',
    'swish',
    'mish',
    'gelu',
  ];
  for (let i = 0; i < names.length; i += 5) {
    const build = (x) => names.slice(i, i + 5).map((activation) => L.activation({ activation }).apply(L.dense({ units: 3 }).apply(x)));
    await add(`activations${i / 5 + 1}`, functional([[4]], build), [[2, 4]]);
  }
  await add(
    'activationLayers',
    chain(
      L.dense({ units: 6, inputShape: [6] }),
      L.leakyReLU({ alpha: 0.1 }),
      L.elu(),
      L.prelu({}),
      L.thresholdedReLU({ theta: 0.1 }),
      L.reLU({ maxValue: 2 }),
      L.softmax(),
    ),
    [[2, 6]],
  );
  await add(
    'conv1d',
    chain(
      L.conv1d({ filters: 4, kernelSize: 3, padding: 'same', dilationRate: 2, activation: 'relu', inputShape: [10, 3] }),
      L.maxPooling1d({ poolSize: 2 }),
      L.averagePooling1d({ poolSize: 2, strides: 1 }),
      L.spatialDropout1d({ rate: 0.1 }),
      L.globalMaxPooling1d(),
    ),
    [[2, 10, 3]],
  );
  await add(
    'conv2d',
    chain(
      L.conv2d({ filters: 5, kernelSize: [3, 2], strides: [2, 1], padding: 'same', inputShape: [9, 8, 3], useBias: false }),
      L.batchNormalization(),
      L.reLU({ maxValue: 6 }),
      L.depthwiseConv2d({ kernelSize: 3, padding: 'same', depthMultiplier: 2 }),
      L.maxPooling2d({ poolSize: [2, 1], padding: 'same' }),
      L.separableConv2d({ filters: 4, kernelSize: 2 }),
      L.conv2dTranspose({ filters: 3, kernelSize: 3, strides: 2, padding: 'same' }),
      L.zeroPadding2d({
        padding: [
          [1, 0],
          [0, 2],
        ],
      }),
      L.upSampling2d({ size: [1, 2] }),
      L.cropping2D({
        cropping: [
          [0, 1],
          [1, 1],
        ],
      }),
      L.averagePooling2d({ poolSize: 2 }),
      L.globalAveragePooling2d({}),
      L.dense({ units: 2 }),
    ),
    [[2, 9, 8, 3]],
  );
  await add(
    'conv3d',
    chain(
      L.conv3d({ filters: 2, kernelSize: 2, activation: 'elu', inputShape: [4, 5, 4, 2] }),
      L.maxPooling3d({ poolSize: [2, 2, 1] }),
      L.conv3dTranspose({ filters: 2, kernelSize: 2, strides: 2 }),
      L.averagePooling3d({ poolSize: [2, 2, 2] }),
      L.flatten(),
      L.dense({ units: 2 }),
    ),
    [[1, 4, 5, 4, 2]],
  );
  await add(
    'norms',
    chain(
      L.layerNormalization({ inputShape: [4, 6] }),
      L.batchNormalization({ scale: false }),
      L.layerNormalization({ center: false, epsilon: 1e-4 }),
    ),
    [[2, 4, 6]],
  );
  await add(
    'shapes',
    chain(
      L.reshape({ targetShape: [2, 6], inputShape: [3, 4] }),
      L.permute({ dims: [2, 1] }),
      L.flatten(),
      L.repeatVector({ n: 2 }),
      L.dense({ units: 2 }),
    ),
    [[2, 3, 4]],
  );
  await add(
    'lstm',
    chain(
      L.lstm({ units: 3, returnSequences: true, inputShape: [5, 2] }),
      L.lstm({ units: 2, recurrentActivation: 'sigmoid', goBackwards: true }),
    ),
    [[2, 5, 2]],
  );
  await add(
    'gru',
    chain(
      L.gru({ units: 3, returnSequences: true, inputShape: [5, 2] }),
      L.gru({ units: 2, recurrentActivation: 'sigmoid', useBias: false }),
    ),
    [[2, 5, 2]],
  );
  await add('simpleRnn', chain(L.simpleRNN({ units: 3, inputShape: [5, 2] })), [[2, 5, 2]]);
  await add(
    'bidirectional',
    chain(
      L.bidirectional({ layer: L.lstm({ units: 3, returnSequences: true }), inputShape: [4, 2], mergeMode: 'concat' }),
      L.bidirectional({ layer: L.gru({ units: 2 }), mergeMode: 'sum' }),
    ),
    [[2, 4, 2]],
  );
  await add(
    'cells',
    chain(
      L.rnn({ cell: L.lstmCell({ units: 3 }), inputShape: [4, 2], returnSequences: true }),
      L.rnn({ cell: [L.gruCell({ units: 3 }), L.simpleRNNCell({ units: 2 })] }),
    ),
    [[2, 4, 2]],
  );
  await add(
    'timeDistributed',
    chain(L.timeDistributed({ layer: L.dense({ units: 3, activation: 'tanh' }), inputShape: [4, 2] }), L.flatten()),
    [[2, 4, 2]],
  );
  await add(
    'distributedModel',
    chain(
      L.timeDistributed({
        layer: chain(L.conv2d({ filters: 2, kernelSize: 3, inputShape: [5, 5, 1] }), L.batchNormalization(), L.flatten()),
        inputShape: [2, 5, 5, 1],
      }),
    ),
    [[1, 2, 5, 5, 1]],
  );
  await add(
    'embedding',
    chain(L.embedding({ inputDim: 7, outputDim: 3, maskZero: true, inputLength: 4 }), L.lstm({ units: 2 })),
    [[3, 4]],
    { low: 0, high: 6, dtype: 'int32' },
  );
  await add('masking', chain(L.masking({ maskValue: 0, inputShape: [4, 2] }), L.simpleRNN({ units: 3 })), [[2, 4, 2]]);
  await add(
    'merges',
    functional([[4], [2]], (a, b) => {
      const [u, v] = [L.dense({ units: 3 }).apply(a), L.dense({ units: 3 }).apply(b)];
      const merged = [L.add(), L.multiply(), L.average(), L.maximum(), L.minimum()].map((layer) => layer.apply([u, v]));
      return [L.concatenate({ axis: 1 }).apply(merged), L.dot({ axes: 1, normalize: true }).apply([u, v])];
    }),
    [
      [2, 4],
      [2, 2],
    ],
  );
  await add(
    'shared',
    functional([[4]], (x) => {
      const layer = L.dense({ units: 4, activation: 'tanh' });
      return L.add().apply([layer.apply(x), layer.apply(layer.apply(x))]);
    }),
    [[2, 4]],
  );
  await add(
    'nested',
    functional([[3], [3]], (a, b) => {
      const tower = chain(L.dense({ units: 4, activation: 'tanh', inputShape: [3] }), L.batchNormalization());
      const head = functional([[4]], (h) => [L.dense({ units: 2 }).apply(h), L.dense({ units: 2 }).apply(h)]);
      const [p, q] = [tower.apply(a), tower.apply(b)];
      const [l, r] = head.apply(L.add().apply([p, q]));
      return [l, L.add().apply([r, L.dense({ units: 2 }).apply(q)])];
    }),
    [
      [2, 3],
      [2, 3],
    ],
  );
  await add(
    'noise',
    chain(
      L.gaussianNoise({ stddev: 0.1, inputShape: [4] }),
      L.gaussianDropout({ rate: 0.1 }),
      L.alphaDropout({ rate: 0.1 }),
      L.dense({ units: 2 }),
    ),
    [[2, 4]],
  );
  await add('images', chain(L.rescaling({ scale: 2, offset: 0.5, inputShape: [4, 4, 3] }), L.flatten()), [[2, 4, 4, 3]]);
  await add('uint8', chain(L.dense({ units: 8, inputShape: [6], activation: 'tanh' }), L.dense({ units: 3 })), [[2, 6]], {
    quantized: 'uint8',
  });
  await add('uint16', chain(L.conv1d({ filters: 4, kernelSize: 2, inputShape: [5, 2] }), L.batchNormalization()), [[2, 5, 2]], {
    quantized: 'uint16',
  });
}

/** Compares outputs of files that the library wrote with those that it computed. */
async function verify(folder) {
  let worst = 0;
  const names = readdirSync(folder);
  for (const name of names) {
    const { files, inputs, outputs } = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    const { modelTopology, weightsManifest } = JSON.parse(files['model.json']);
    const weightSpecs = weightsManifest.flatMap(({ weights }) => weights);
    const weightData = new Uint8Array(
      Buffer.concat(weightsManifest.flatMap(({ paths }) => paths.map((path) => Buffer.from(files[path], 'base64')))),
    ).buffer;
    try {
      const model = await tf.loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData }));
      const xs = inputs.map(({ shape, values: given }, i) => tf.tensor(given, shape, model.inputs[i].dtype));
      const got = [model.predict(xs.length > 1 ? xs : xs[0])].flat();
      const differences = got.map((y, i) => Math.max(...y.dataSync().map((value, j) => Math.abs(value - outputs[i].values[j]))));
      const difference = Math.max(...differences);
      worst = Math.max(worst, difference);
      console.log(`${name}: ${difference.toExponential(2)}`);
    } catch (error) {
      worst = Infinity;
      console.log(`${name}: ${error.message}`);
    }
  }
  console.log(`${names.length} models, worst difference ${worst.toExponential(2)}`);
}

if (process.argv[2]) await verify(process.argv[2]);
else {
  await makeCases();
  const text = Object.entries(cases).map(([name, row]) => `  ${JSON.stringify(name)}: ${JSON.stringify(row)}`);
  const file = new URL('../../test/golden/tensorflowJs.json', import.meta.url);
  writeFileSync(file, `{\n${text.join(',\n')}\n}\n`);
  console.log(`${text.length} cases, ${readFileSync(file).length} bytes, TensorFlow.js ${tf.version.tfjs}`);
}
