// Recurrent layers, their cells, wrappers and attention.
import { ArgumentError } from '../../../core/errors.ts';
import type { Layer } from '../../../nn/index.ts';
import type { Converter, KerasChild, WeightRule, WriteContext } from '../converter.ts';
import { shown } from '../../../core/shown.ts';
import {
  type KerasOption,
  type OptionTable,
  activation,
  biasRules,
  constraint,
  ignored,
  initializer,
  kernelRules,
  only,
  regularizer,
  same,
  word,
} from '../optionKinds.ts';
import { type JsonRecord, listAt } from '../place.ts';
import { factoryOf, row, weightsOf } from './rows.ts';

const cell: OptionTable = {
  ...{ units: same, activation, ...kernelRules, ...biasRules },
  ...{ recurrent_initializer: initializer, recurrent_regularizer: regularizer, recurrent_constraint: constraint },
  ...{ dropout: same, recurrent_dropout: same, seed: ignored, implementation: ignored },
};
const gates: OptionTable = { recurrent_activation: activation };
const forget: OptionTable = { unit_forget_bias: same };
const steps: OptionTable = {
  ...{ return_sequences: same, return_state: same, go_backwards: same, stateful: same, zero_output_for_mask: same },
  ...{ unroll: ignored, time_major: only(false), use_cudnn: ignored, input_length: ignored, input_dim: ignored, num_constants: only(0) },
};
const layerRules: OptionTable = { activity_regularizer: regularizer };
const weights = weightsOf('kernel', 'recurrent_kernel', 'bias');
const cellWeights: readonly WeightRule[] = weights.map((rule) => ({ ...rule, owner: 'cell' }));

/** GRU of the first versions of Keras 2 wrote no reset_after; it was false. */
const reset: OptionTable = { reset_after: same };
const resetBefore: Parameters<typeof row>[3] = {
  refine: (options, { legacy, config }) => (legacy && !Object.hasOwn(config, 'reset_after') ? { ...options, resetAfter: false } : options),
};

/** Layers of a stateful model need the size of their batches. */
type Refine = NonNullable<NonNullable<Parameters<typeof row>[3]>['refine']>;
const withBatch =
  (refine: Refine = (options) => options): Refine =>
  (options, context) => {
    const refined = refine(options, context);
    return refined.stateful === true && context.batchSize !== undefined ? { ...refined, batchSize: context.batchSize } : refined;
  };

/** TensorFlow.js has no outputs of 0 for masked steps, and `unroll` must be given. */
const completeSteps: NonNullable<Converter['complete']> = (written, _, { target, where }) => {
  if (target === 'keras') return { config: written };
  const { zero_output_for_mask: zeros, ...config } = written;
  if (zeros === true) throw new ArgumentError(`${where}: zeroOutputForMask is true, which TensorFlow.js does not have; it must be false`);
  refuseResetAfter(written, where);
  return { config: { ...config, implementation: 1, unroll: false } };
};

function refuseResetAfter({ reset_after: after }: JsonRecord, where: string): void {
  if (after === true) throw new ArgumentError(`${where}: resetAfter is true, which TensorFlow.js does not have; it must be false`);
}

const recurrent = (className: string, name: 'simpleRnn' | 'lstm' | 'gru', more: OptionTable, refine?: Refine): Converter =>
  row(
    className,
    name,
    { ...cell, ...more, ...steps, ...layerRules },
    {
      weights: cellWeights,
      refine: withBatch(refine),
      complete: completeSteps,
      aliases: className === 'SimpleRNN' ? [] : [`CuDNN${className}`],
    },
  );

const cellRow = (className: string, name: 'simpleRnnCell' | 'lstmCell' | 'gruCell', more: OptionTable, refine?: Refine): Converter =>
  row(
    className,
    name,
    { ...cell, ...more, activity_regularizer: only(null) },
    {
      weights,
      ...(refine && { refine }),
      complete: (written, _, { target, where }) => {
        if (target === 'keras') return { config: written };
        refuseResetAfter(written, where);
        return { config: { ...written, implementation: 1 } };
      },
    },
  );

export const recurrentRows: readonly Converter[] = [
  recurrent('SimpleRNN', 'simpleRnn', {}),
  recurrent('LSTM', 'lstm', { ...gates, ...forget }),
  recurrent('GRU', 'gru', { ...gates, ...reset }, resetBefore.refine),
  cellRow('SimpleRNNCell', 'simpleRnnCell', {}),
  cellRow('LSTMCell', 'lstmCell', { ...gates, ...forget }),
  cellRow('GRUCell', 'gruCell', { ...gates, ...reset }, resetBefore.refine),
];

/** Options of its cell that TensorFlow.js repeats in the config of an RNN. */
const ofCells: OptionTable = Object.fromEntries([...Object.keys({ ...cell, ...gates, ...forget, ...reset, ...layerRules }), 'cells'].map((name) => [name, ignored])); // prettier-ignore

const joinNames = (list: readonly string[]): string[] => {
  const used = new Map<string, number>();
  return list.map((name) => {
    const count = used.get(name) ?? 0;
    used.set(name, count + 1);
    return count ? `${name}_${count}` : name;
  });
};

/** Keras's name of a class in the paths of weights: LSTMCell is lstm_cell. */
export const storeName = (className: string): string =>
  className
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase();

const stackedChildren = (nodes: readonly KerasChild['node'][]): KerasChild[] => {
  const names = joinNames(nodes.map(({ className }) => storeName(className)));
  return nodes.map((node, i) => ({ store: `cells/${names[i]}`, name: `RNNCell_${i}`, node }));
};

const innerOf = (context: WriteContext, sublayer: string): Layer => context.layer.sublayers[sublayer];

export const wrapperRows: readonly Converter[] = [
  row('StackedRNNCells', 'stackedRnnCells', { cells: ignored, reverse_state_order: only(false) }, {
    make: (options, { config, inner, place }) => {
      const nodes = listAt(place, config.cells, 'cells').map((one, i) => inner(one, `cell ${i}`));
      return { layer: factoryOf('stackedRnnCells')({ ...options, cells: nodes.map(({ layer }) => layer) }), children: stackedChildren(nodes) };
    },
    complete: (written, _, context) => {
      const inner = Object.values(context.layer.sublayers).map((layer, i) => context.inner(layer, `cell_${i}`));
      return { config: { ...written, cells: inner.map(({ json }) => json) }, children: stackedChildren(inner.map(({ node }) => node)) };
    },
  }),
  row('RNN', 'rnn', { ...steps, cell: ignored, ...ofCells }, {
    make: (options, context) => {
      const node = context.inner(context.config.cell, 'cell');
      const layer = factoryOf('rnn')({ ...withBatch()(options, context), cell: node.layer });
      return { layer, children: [{ store: 'cell', name: '', node }] };
    },
    complete: (written, options, context) => {
      const { node, json } = context.inner(innerOf(context, 'cell'), 'cell');
      const { config } = completeSteps(written, options, context);
      return { config: { ...config, cell: json }, children: [{ store: 'cell', name: '', node }] };
    },
  }),
  row('Bidirectional', 'bidirectional', { merge_mode: { read: (value) => (value === null ? 'none' : value), write: (value) => (value === 'none' ? null : value) }, layer: ignored, backward_layer: ignored, return_state: ignored }, {
    make: (options, { config, inner, legacy }) => {
      const forward = inner(config.layer, 'layer');
      // Keras 3 always writes the backward layer. Its outputs for masked steps follow from the wrapper.
      const given = config.backward_layer === undefined || config.backward_layer === null ? undefined : inner(config.backward_layer, 'backward_layer');
      const layer = factoryOf('bidirectional')({ ...options, layer: forward.layer, ...(given && { backwardLayer: given.layer }) });
      const short = (name: string): string => (legacy || !name.startsWith('forward_') ? name : name.slice('forward_'.length));
      const backward = given ?? { ...forward, layer: layer.sublayers.backward };
      return {
        layer,
        children: [
          { store: 'forward_layer', name: `forward_${short(forward.name)}`, node: forward },
          { store: 'backward_layer', name: `backward_${short(forward.name)}`, node: backward },
        ],
      };
    },
    complete: (written, _, context) => {
      const stem = context.layer.sublayers.forward.name ?? context.layer.sublayers.forward.kind;
      const isKeras = context.target === 'keras';
      const [forward, backward] = (['forward', 'backward'] as const).map((side) => context.inner(innerOf(context, side), isKeras ? `${side}_${stem}` : stem));
      return {
        config: { ...written, layer: forward.json, ...(isKeras && { backward_layer: backward.json }) },
        children: [
          { store: 'forward_layer', name: `forward_${stem}`, node: forward.node },
          { store: 'backward_layer', name: `backward_${stem}`, node: backward.node },
        ],
      };
    },
    implied: { backwardLayer: true, layer: true },
  }),
  row('TimeDistributed', 'timeDistributed', { layer: ignored }, {
    make: (options, { config, inner }) => {
      const node = inner(config.layer, 'layer');
      return { layer: factoryOf('timeDistributed')({ ...options, layer: node.layer }), children: [{ store: 'layer', name: '', node }] };
    },
    complete: (written, _, context) => {
      const layer = innerOf(context, 'layer');
      const { node, json } = context.inner(layer, layer.name ?? 'layer');
      return { config: { ...written, layer: json }, children: [{ store: 'layer', name: '', node }] };
    },
  }),
]; // prettier-ignore

/** Option here that is an argument of the call in Keras. */
const causal: OptionTable = { causal: same };
const attention: OptionTable = { ...causal, dropout: same, seed: ignored };

/** Keras has no biases of positions. */
const alibi: KerasOption = {
  ...only(false),
  write(value, { where }) {
    if (value) throw new ArgumentError(`${where}: the option alibi has no counterpart in Keras; leave it out`);
  },
};

const heads: OptionTable = {
  ...attention,
  alibi,
  ...kernelRules,
  ...biasRules,
  ...{ use_gate: only(false), sliding_window: only(null), flash_attention: ignored, activity_regularizer: regularizer },
};
/** Attention along the steps, the only axis between batch and features. */
const stepsAxis: KerasOption = {
  read: (value, { place }) => {
    const isSteps = value === null || value === 1 || (Array.isArray(value) && value.length === 1 && value[0] === 1);
    if (!isSteps) place.fail(`attention_axes is ${shown(value)}; only [1], the axis of the steps, is supported here`);
  },
  write: () => undefined,
};
const projections = (prefix: string): readonly WeightRule[] =>
  ['query', 'key', 'value', 'output'].flatMap((name) =>
    ['kernel', 'bias'].map((part) => ({
      name: part,
      variable: `${name}${part[0].toUpperCase()}${part.slice(1)}`,
      owner: `${prefix}${name}_dense`,
      part: name === 'output' ? 'attention_output' : name,
    })),
  );

export const attentionRows: readonly Converter[] = [
  row('Attention', 'attention', { use_scale: same, score_mode: word, ...attention }, {
    weights: [...weightsOf('scale'), { name: 'concat_score_weight', variable: 'scoreWeight' }],
    targets: ['keras'],
  }),
  row('AdditiveAttention', 'additiveAttention', { use_scale: same, ...attention }, { weights: weightsOf('scale'), targets: ['keras'] }),
  row('MultiHeadAttention', 'multiHeadAttention', {
    ...{ num_heads: same, key_dim: same, value_dim: same, ...heads },
    ...{ query_shape: ignored, key_shape: ignored, value_shape: ignored },
    output_shape: { name: 'outputDim', read: (value) => (Array.isArray(value) && value.length === 1 ? (value[0] as unknown) : value === null ? undefined : value), write: (value) => value },
    attention_axes: stepsAxis,
  }, { weights: projections(''), targets: ['keras'] }),
  row('GroupQueryAttention', 'groupQueryAttention', { head_dim: same, num_query_heads: same, num_key_value_heads: same, ...heads }, {
    ...{ aliases: ['GroupedQueryAttention'], pythonName: 'GroupedQueryAttention', weights: projections('_'), targets: ['keras'] },
  }),
]; // prettier-ignore
