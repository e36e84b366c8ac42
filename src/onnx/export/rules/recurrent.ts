// Recurrences: LSTM, GRU and RNN if ONNX has the form, otherwise all steps one after the other.
import type { Shape } from '../../../core/shape.ts';
import type { Node, Tensor } from '../../../graph/tensor.ts';
import { uniformValue } from '../../../ops/operands/knownValue.ts';
import { type AttributeValue, int } from '../attributes.ts';
import { type ExportCall, type ExportRule, type ExportTable, unrepeated } from '../call.ts';

type CellName = 'simple' | 'lstm' | 'gru';

interface RecurrenceAttributes {
  readonly cell: CellName;
  readonly activation: string;
  readonly recurrentActivation: string;
  readonly scaled: boolean;
}

/** Op of ONNX, and the library's gates (i f g o, z r n) in its order (i o f c, z r h). */
const cells = {
  simple: { op: 'RNN', order: [0] },
  gru: { op: 'GRU', order: [0, 1, 2] },
  lstm: { op: 'LSTM', order: [0, 3, 1, 2] },
} as const;

/** Functions of ONNX with their parameters. */
const functions: Readonly<Record<string, { readonly name: string; readonly alpha?: number; readonly beta?: number }>> = {
  linear: { name: 'Affine', alpha: 1, beta: 0 },
  tanh: { name: 'Tanh' },
  sigmoid: { name: 'Sigmoid' },
  relu: { name: 'Relu' },
  hardSigmoid: { name: 'HardSigmoid', alpha: 1 / 6, beta: 0.5 },
};

function functionAttributes({ cell, activation, recurrentActivation }: RecurrenceAttributes): Record<string, AttributeValue> {
  const names = { simple: [activation], gru: [recurrentActivation, activation], lstm: [recurrentActivation, activation, activation] }[cell];
  const used = names.map((name) => functions[name]);
  const isDefault = names.every((name) => name === 'tanh' || name === 'sigmoid');
  const parameters = {
    activation_alpha: { floats: used.map(({ alpha = 0 }) => alpha) },
    activation_beta: { floats: used.map(({ beta = 0 }) => beta) },
  };
  return { activations: { texts: used.map(({ name }) => name) }, ...(!isDefault && parameters) };
}

interface Projection {
  /** [batch, time, features] */
  readonly x: Tensor;
  /** [features, gates · units] */
  readonly kernel: Tensor;
  /** [gates · units] */
  readonly bias: Tensor | undefined;
}

const isOp = (tensor: Tensor, name: string): tensor is Tensor & { node: Node } => tensor.node?.op.name === name;

function unshaped(tensor: Tensor): Tensor {
  let source = tensor;
  while (isOp(source, 'reshape')) source = source.node.inputs[0];
  return source;
}

/** Finds x kernel + bias in the inputs of a recurrence, so that ONNX's op can have the product. */
function projectionOf(inputs: Tensor): Projection | undefined {
  const [batch, time, gates, units] = inputs.shape;
  const width = gates * units;
  const sum = unshaped(inputs);
  const bias = isOp(sum, 'add') ? unrepeated(sum.node.inputs[1]) : undefined;
  const product = unshaped(isOp(sum, 'add') ? sum.node.inputs[0] : sum);
  if (!isOp(product, 'matmul') || (bias && (bias.rank !== 1 || bias.shape[0] !== width))) return undefined;
  const [left, kernel] = product.node.inputs;
  const x = unshaped(left);
  if (kernel.rank !== 2 || kernel.shape[1] !== width || left.rank !== 2) return undefined;
  const given = x.rank === 3 ? x : left.node?.inputs[0];
  if (!given || given.rank !== 3 || given.shape[0] !== batch || given.shape[1] !== time || given.shape[2] !== kernel.shape[0])
    return undefined;
  return { x: given, kernel, bias };
}

/** Columns of gates in ONNX's order. */
function reordered(call: ExportCall, x: string, axis: number, units: number): string {
  const { order } = cells[call.attributes<RecurrenceAttributes>().cell];
  if (order.every((gate, i) => gate === i)) return x;
  const places = order.flatMap((gate) => Array.from({ length: units }, (_, i) => gate * units + i));
  return call.emit('Gather', [x, call.writer.constant('INT64', [places.length], places)], { axis: int(axis) });
}

/** Names of the results of an op, for the slices that read them. */
interface Results {
  /** [batch, time + 1, units]: the output before the first step, and after each. */
  readonly outputs: string;
  /** Memory of an LSTM before the first step and after the last, each [batch, 1, units]. */
  readonly memory?: { readonly first: string; readonly last: string };
}

function asOp(call: ExportCall): Results {
  const attributes = call.attributes<RecurrenceAttributes>();
  const { writer } = call;
  const [inputs, kernel, initial, , , innerBias] = call.node.inputs;
  const [batch, time, gates, units] = inputs.shape;
  const width = gates * units;
  const projection = projectionOf(inputs);
  const sequence = projection ? call.nameOf(projection.x) : writer.reshape(call.x(0), [batch, time, width]);
  // Without a product to take over, the input's kernel is the identity.
  const identity = (): string =>
    writer.constant(
      'FLOAT',
      [width, width],
      Float64Array.from({ length: width * width }, (_, i) => Number(i % (width + 1) === 0)),
    );
  const weights = (name: string): string => writer.unsqueeze(writer.transpose(reordered(call, name, 1, units), [1, 0]), [0]);
  const w = weights(projection ? call.nameOf(projection.kernel) : identity());
  const r = weights(writer.squeeze(call.nameOf(kernel), [0]));
  const own = projection?.bias
    ? reordered(call, call.nameOf(projection.bias), 0, units)
    : writer.constant('FLOAT', [width], new Float64Array(width));
  const inner = attributes.cell === 'gru' && uniformValue(innerBias) !== 0;
  const none = writer.constant('FLOAT', [inner ? width - units : width], new Float64Array(inner ? width - units : width));
  const bias = writer.unsqueeze(
    call.emit('Concat', [own, none, ...(inner ? [writer.squeeze(call.nameOf(innerBias), [0])] : [])], { axis: int(0) }),
    [0],
  );
  const states = initial.shape[1];
  const start = Array.from({ length: states }, (_, i) => writer.slice(call.nameOf(initial), 1, i, i + 1));
  const op = attributes.cell === 'lstm' ? 3 : 2;
  const [y, , lastMemory] = writer.nodeWith(
    op,
    cells[attributes.cell].op,
    [writer.transpose(sequence, [1, 0, 2]), w, r, bias, '', ...start.map((state) => writer.transpose(state, [1, 0, 2]))],
    {
      hidden_size: int(units),
      ...functionAttributes(attributes),
      ...(attributes.cell === 'gru' && { linear_before_reset: int(1) }),
    },
  );
  const all = writer.transpose(writer.squeeze(y, [1]), [1, 0, 2]);
  const outputs = call.emit('Concat', [start[0], all], { axis: int(1) });
  return { outputs, ...(lastMemory && { memory: { first: start[1], last: writer.transpose(lastMemory, [1, 0, 2]) } }) };
}

/** Every step as nodes, for masks, scaled outputs, and the memory of steps in between: [batch, time + 1, states, units]. */
function asSteps(call: ExportCall): string {
  const { cell, activation, recurrentActivation, scaled } = call.attributes<RecurrenceAttributes>();
  const { writer } = call;
  const [inputs, kernel, initial, mask] = call.node.inputs;
  const [batch, time, gates, units] = inputs.shape;
  const states = initial.shape[1];
  if (kernel.shape[0] !== 1) call.fail('its batch has several kernels, as under vmap');
  const r = writer.squeeze(call.x(1), [0]);
  const part = (x: string, axis: number, i: number): string => writer.squeeze(writer.slice(x, axis, i, i + 1), [axis]);
  const apply = (name: string, x: string): string => {
    const { name: op, alpha, beta } = functions[name];
    if (op === 'Affine') return x;
    return call.emit(op, [x], alpha === undefined ? {} : { alpha: { float: alpha }, beta: { float: beta! } });
  };
  const f = (x: string): string => apply(activation, x);
  const s = (x: string): string => apply(recurrentActivation, x);
  const add = (a: string, b: string): string => call.emit('Add', [a, b]);
  const mul = (a: string, b: string): string => call.emit('Mul', [a, b]);
  const start = writer.unsqueeze(call.x(2), [1]);
  let h = part(call.x(2), 1, 0);
  let c = states > 1 ? part(call.x(2), 1, 1) : '';
  const isMasked = uniformValue(mask) !== 1;
  const all = [start];
  for (let t = 0; t < time; t++) {
    const xs = part(call.x(0), 1, t);
    const x = Array.from({ length: gates }, (_, gate) => part(xs, 1, gate));
    const product = writer.reshape(call.emit('MatMul', [scaled ? mul(h, call.x(4)) : h, r]), [batch, gates, units]);
    const y = Array.from({ length: gates }, (_, gate) => part(product, 1, gate));
    const z = x.map((name, i) => () => add(name, y[i]));
    let next: string;
    let memory = c;
    if (cell === 'simple') next = f(z[0]());
    else if (cell === 'lstm') {
      memory = add(mul(s(z[1]()), c), mul(s(z[0]()), f(z[2]())));
      next = mul(s(z[3]()), f(memory));
    } else {
      const update = s(z[0]());
      const candidate = f(add(x[2], mul(s(z[1]()), add(y[2], call.x(5)))));
      next = add(mul(update, h), mul(call.emit('Sub', [writer.scalar(1, 'f32'), update]), candidate));
    }
    if (isMasked) {
      const counts = writer.cast(writer.slice(call.x(3), 1, t, t + 1), 'BOOL');
      [next, memory] = [call.emit('Where', [counts, next, h]), c && call.emit('Where', [counts, memory, c])];
    }
    [h, c] = [next, memory];
    const both = [h, ...(states > 1 ? [c] : [])].map((state) => writer.unsqueeze(state, [1, 2]));
    all.push(both.length > 1 ? call.emit('Concat', both, { axis: int(2) }) : both[0]);
  }
  return call.emit('Concat', all, { axis: int(1) });
}

/** Whether ONNX's op computes the recurrence. */
function isUsual({ node }: ExportCall): boolean {
  const [inputs, kernel, , mask] = node.inputs;
  const { scaled } = node.attributes as RecurrenceAttributes;
  return kernel.shape[0] === 1 && !scaled && uniformValue(mask) === 1 && inputs.shape[1] > 0;
}

interface SliceAttributes {
  readonly begin: readonly number[];
  readonly size: Shape;
  readonly strides: readonly number[];
}

/** Whether a slice of an LSTM reads what the op returns: outputs, or the memory before the first step or after the last. */
function readsResults({ begin, size, strides }: SliceAttributes, steps: number): boolean {
  if (strides.some((stride) => stride !== 1) || size[2] !== 1) return false;
  return begin[2] === 0 || (size[1] === 1 && (begin[1] === 0 || begin[1] === steps));
}

/** Writers of recurrences by the node: what the slices of one result need is computed once. */
export class Recurrences {
  private readonly results = new Map<Node, Results>();
  private readonly readers = new Map<Node, Node[]>();

  constructor(order: readonly Node[], outputs: readonly Tensor[]) {
    for (const node of order) {
      for (const input of node.inputs)
        if (isOp(input, 'recurrence')) this.readers.set(input.node, [...(this.readers.get(input.node) ?? []), node]);
    }
    for (const output of outputs)
      if (isOp(output, 'recurrence')) this.readers.set(output.node, [...(this.readers.get(output.node) ?? []), output.node]);
  }

  /** The whole result; undefined for an LSTM whose slices are written one by one. */
  write(call: ExportCall): string | undefined {
    const { cell } = call.attributes<RecurrenceAttributes>();
    if (!isUsual(call)) return asSteps(call);
    if (cell !== 'lstm') return call.writer.unsqueeze(asOp(call).outputs, [2]);
    const readers = this.readers.get(call.node) ?? [];
    const steps = call.shape(0)[1];
    const isSliced = readers.every((reader) => reader.op.name === 'slice' && readsResults(reader.attributes as SliceAttributes, steps));
    if (!isSliced) return asSteps(call);
    this.results.set(call.node, asOp(call));
    return undefined;
  }

  /** A slice of an LSTM; undefined for other slices. */
  slice(call: ExportCall): string | undefined {
    const source = call.node.inputs[0].node;
    const results = source && this.results.get(source);
    if (!results) return undefined;
    const { writer } = call;
    const { begin, size } = call.attributes<SliceAttributes>();
    const [x, from] = begin[2] === 0 ? [results.outputs, begin[1]] : [begin[1] === 0 ? results.memory!.first : results.memory!.last, 0];
    const cut = [1, 3].reduce((y, axis) => {
      const [at, n] = axis === 1 ? [from, size[1]] : [begin[3], size[3]];
      const whole = axis === 1 ? (begin[2] === 0 ? call.shape(0)[1] : 1) : call.shape(0)[3];
      return at === 0 && n === whole ? y : writer.slice(y, axis === 1 ? 1 : 2, at, at + n);
    }, x);
    if (size[0] !== call.shape(0)[0]) return writer.unsqueeze(writer.slice(cut, 0, begin[0], begin[0] + size[0]), [2]);
    return writer.unsqueeze(cut, [2]);
  }
}

export const recurrentRules = (recurrences: Recurrences, slice: ExportRule): ExportTable => ({
  recurrence: (call) => [recurrences.write(call)],
  slice: (call) => recurrences.slice(call) ?? slice(call),
});
