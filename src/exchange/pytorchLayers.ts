// How PyTorch names and lays out the weights of its modules, by the layers that follow them. Sources: the documentation of torch.nn 1.13.
import type { Config } from '../core/config.ts';
import { ArgumentError } from '../core/errors.ts';
import type { WeightRule } from '../train/index.ts';

/** A layer with weights in a model. */
export interface LayerWeights {
  /** Path of the layer, such as `encoder/dense_1`. */
  readonly path: string;
  readonly kind: string;
  readonly options: Config['options'];
  /** Shapes of its weights by name. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
}

/** Rules of a layer, for the name of its module and a suffix such as `_l0`. */
type Rules = (layer: LayerWeights, module: string, suffix: string) => WeightRule[];

const outputFirst = 'o i ... -> ... i o';

/** A rule for each weight that the layer has: the name in the module, and the axes. */
const each =
  (table: Readonly<Record<string, readonly [name: string, axes?: string]>>): Rules =>
  ({ path, shapes }, module) =>
    Object.keys(shapes).map((weight) => {
      const [name, axes] = Object.hasOwn(table, weight) ? table[weight] : [weight];
      return { names: `${module}.${name}`, paths: `${path}/${weight}`, ...(axes && { axes }) };
    });

const affine = { gamma: ['weight'], beta: ['bias'], movingMean: ['running_mean'], movingVariance: ['running_var'] } as const;
const product = each({ kernel: ['weight', outputFirst], bias: ['bias'] });
const depthwise = each({ kernel: ['weight', '(c m) 1 ... -> ... c m'], bias: ['bias'] });
const separable = each({
  depthwiseKernel: ['depthwise.weight', '(c m) 1 ... -> ... c m'],
  bias: ['pointwise.bias'],
});
const table = each({ embeddings: ['weight'], positions: ['weight'] });

/** Both biases of PyTorch are added to the same numbers, so that their sum counts. Gates are in one order unless `order` is given. */
const recurrent =
  (order?: WeightRule['order'], keepsBiases = false): Rules =>
  ({ path, shapes }, module, suffix) => {
    const side = (name: string): string => `${module}.${name}${suffix}`;
    const gates = order ? '(g u)' : 'u';
    const shared = order && { order };
    const bias = keepsBiases ? `n ${gates} -> n ${gates}` : `n ${gates} -> ${gates}`;
    return [
      { names: side('weight_ih'), paths: `${path}/kernel`, axes: `${gates} i -> i ${gates}`, ...shared },
      { names: side('weight_hh'), paths: `${path}/recurrentKernel`, axes: `${gates} i -> i ${gates}`, ...shared },
      ...('bias' in shapes ? [{ names: [side('bias_ih'), side('bias_hh')], paths: `${path}/bias`, axes: bias, ...shared }] : []),
    ];
  };
// PyTorch: reset, update, new. Here: update, reset, candidate.
const gru: Rules = (layer, module, suffix) => {
  if (layer.options.resetAfter !== false) return recurrent({ g: [1, 0, 2] }, true)(layer, module, suffix);
  throw new ArgumentError(
    `pytorch: the layer '${layer.path}' has resetAfter: false, and the GRU of PyTorch resets after its product; make the layer with resetAfter: true`,
  );
};

/** nn.MultiheadAttention. Its three products are one tensor if queries, keys and values have equally many features. */
function attention({ path, shapes }: LayerWeights, module: string, prefix = ''): WeightRule[] {
  const weight = (name: string): string => `${path}/${prefix ? prefix + name[0].toUpperCase() + name.slice(1) : name}`;
  const shapeOf = (name: string): readonly number[] => shapes[weight(name).slice(path.length + 1)];
  const products = ['query', 'key', 'value'];
  const isFused = products.every((name) => shapeOf(`${name}Kernel`)[0] === shapeOf('queryKernel')[0]);
  const kernels = isFused
    ? [{ names: `${module}.in_proj_weight`, paths: products.map((name) => weight(`${name}Kernel`)), axes: '(p h d) f -> p f h d' }]
    : products.map((name) => ({
        names: `${module}.${name[0]}_proj_weight`,
        paths: weight(`${name}Kernel`),
        axes: '(h d) f -> f h d',
      }));
  const hasBias = (shapeOf('queryBias') as readonly number[] | undefined) !== undefined;
  const biases = [
    { names: `${module}.in_proj_bias`, paths: products.map((name) => weight(`${name}Bias`)), axes: '(p h d) -> p h d' },
    { names: `${module}.out_proj.bias`, paths: weight('outputBias') },
  ];
  return [
    ...kernels,
    { names: `${module}.out_proj.weight`, paths: weight('outputKernel'), axes: 'o (h d) -> h d o' },
    ...(hasBias ? biases : []),
  ];
}

/** Products that are separate modules, as in LLaMA. */
const groupedAttention: Rules = ({ path, shapes }, module) =>
  Object.keys(shapes).map((weight) => {
    const name = `${module}.${weight[0]}_proj.${weight.endsWith('Kernel') ? 'weight' : 'bias'}`;
    const axes = { outputKernel: 'o (h d) -> h d o', outputBias: 'o -> o' }[weight] ?? (weight.endsWith('Bias') ? '(h d) -> h d' : '(h d) f -> f h d');
    return { names: name, paths: `${path}/${weight}`, axes };
  }); // prettier-ignore

/** nn.TransformerEncoderLayer and nn.TransformerDecoderLayer. */
const block =
  (attentions: Readonly<Record<string, string>>): Rules =>
  (layer, module) => {
    const norms = [...Object.keys(attentions), 'output'];
    return [
      ...Object.entries(attentions).flatMap(([prefix, name]) => attention(layer, `${module}.${name}`, prefix)),
      { names: `${module}.linear1.weight`, paths: `${layer.path}/hiddenKernel`, axes: outputFirst },
      { names: `${module}.linear1.bias`, paths: `${layer.path}/hiddenBias` },
      { names: `${module}.linear2.weight`, paths: `${layer.path}/outputKernel`, axes: outputFirst },
      { names: `${module}.linear2.bias`, paths: `${layer.path}/outputBias` },
      ...norms.flatMap((norm, i) => [
        { names: `${module}.norm${i + 1}.weight`, paths: `${layer.path}/${norm}NormGamma` },
        { names: `${module}.norm${i + 1}.bias`, paths: `${layer.path}/${norm}NormBeta` },
      ]),
    ];
  };

/** Rules by the kind of layer. */
export const pytorchLayers: Readonly<Record<string, Rules>> = {
  dense: product,
  ...{ conv1d: product, conv2d: product, conv3d: product },
  // The first axis of PyTorch is the inputs here, and so is the last one of ours.
  ...{ conv1dTranspose: product, conv2dTranspose: product, conv3dTranspose: product },
  ...{ depthwiseConv1d: depthwise, depthwiseConv2d: depthwise },
  ...Object.fromEntries(
    [1, 2].map((axes): [string, Rules] => [
      `separableConv${axes}d`,
      (layer, module, suffix) => {
        const { pointwiseKernel: _, ...shapes } = layer.shapes;
        const ones = ' 1'.repeat(axes);
        const pointwise = { names: `${module}.pointwise.weight`, paths: `${layer.path}/pointwiseKernel`, axes: `o i${ones} -> i o` };
        return [...separable({ ...layer, shapes }, module, suffix), pointwise];
      },
    ]),
  ),
  ...{ embedding: table, reversibleEmbedding: table, positionEmbedding: table },
  batchNormalization: each(affine),
  ...{ layerNormalization: each(affine), groupNormalization: each(affine) },
  ...{ instanceNormalization: each(affine), rmsNormalization: each(affine) },
  prelu: ({ path, shapes }, module) => [
    { names: `${module}.weight`, paths: `${path}/alpha`, axes: `c -> ${'1 '.repeat(shapes.alpha.length - 1)}c` },
  ],
  ...{ simpleRnn: recurrent(), lstm: recurrent(), gru },
  ...{ simpleRnnCell: recurrent(), lstmCell: recurrent(), gruCell: gru },
  multiHeadAttention: (layer, module) => attention(layer, module),
  groupQueryAttention: groupedAttention,
  transformerEncoder: block({ attention: 'self_attn' }),
  transformerDecoder: block({ attention: 'self_attn', memory: 'multihead_attn' }),
};
