// Symbolic tensors: inputs of a model that has yet to be made, and everything computed from them. They are ordinary nodes of the graph whose
// batch axis has a stand-in size. Ops therefore check shapes as always; a model computes its nodes again for each batch (replay.ts).
import { batchAxis } from '../core/batchAxis.ts';
import type { Dtype } from '../core/dtype.ts';
import { ArgumentError, ShapeError, TraceError } from '../core/errors.ts';
import { oneOf, shape as shapeKind } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../core/options.ts';
import { type Shape, formatShape } from '../core/shape.ts';
import { leavesOf, mapTree } from '../core/tree.ts';
import type { OpDefinition } from '../graph/op.ts';
import { currentScope } from '../graph/scope.ts';
import { Node, Tensor, applyAll, assertUsable, symbolicName } from '../graph/tensor.ts';
import { Builder, type Layer, type SymbolicCall } from './layer.ts';
import { layerName } from './layerOptions.ts';
import { type Specs, TensorSpec, type Tensors } from './spec.ts';

const neverComputed = (): never => {
  throw new TraceError('a symbolic tensor has no values; make a model of it: createModel({ inputs, outputs })');
};

interface InputAttributes {
  readonly shape: Shape;
  readonly dtype: Dtype;
  readonly name: string | undefined;
}

const inputOp: OpDefinition<InputAttributes> = {
  name: symbolicName,
  infer: (_, { shape, dtype }) => [{ shape, dtype }],
  vjp: 'nondifferentiable',
  reference: neverComputed,
  lowering: { kind: 'leaf' },
};

/** An application of a layer. Its attributes hold the call, so that its outputs are known by their node. */
const layerCallOp: OpDefinition<{ readonly call: SymbolicCall }> = {
  name: 'layerCall',
  infer: neverComputed,
  vjp: () => neverComputed(),
  reference: neverComputed,
  lowering: { kind: 'leaf' },
};

export const inputOptions = declareOptions('input', {
  /** Shape of one sample, without the batch axis. */
  shape: required(shapeKind, [784]),
  /** Dtype of the input. Data are converted on the host. @default 'f32' */
  dtype: optional(oneOf('f32', 'i32'), 'f32'),
  /** Name of the input in messages and in the summary. */
  name: optional(layerName),
});
export type InputOptions = OptionsOf<typeof inputOptions>;

/**
 * A symbolic tensor [batch, ...shape]: an input of a model. Layers and ops are applied to it, and createModel makes a model of the results.
 * The batch size is not known yet: `shape[0]` is a placeholder number: ops handle it, but do not compute with it yourself.
 *
 *     const x = input({ shape: [784] });
 *     const y = layers.dense({ units: 10, activation: 'softmax' }).apply(x);
 *     const model = createModel({ inputs: x, outputs: y });
 */
export function input(options: InputOptions): Tensor {
  return symbolicInput(inputOptions.read(options));
}

/** An input of any dtype. The shape is that of one sample. */
export const symbolicInput = ({ shape, dtype, name }: InputAttributes): Tensor =>
  applyAll(inputOp, [], { shape: [batchAxis, ...shape], dtype, name })[0];

/** Whether a node is a model's input. */
export const isSymbolicInput = (node: Node): boolean => node.op.name === symbolicName;

/** Name that the user gave to a symbolic input. */
export const nameOfInput = (node: Node): string | undefined => (node.attributes as InputAttributes).name;

/** The application of a layer that made a node, or undefined. */
export const callOf = (node: Node): SymbolicCall | undefined =>
  node.op.name === layerCallOp.name ? (node.attributes as { call: SymbolicCall }).call : undefined;

/** Whether a tensor has a batch of unknown size. */
export function isSymbolic(tensor: Tensor): boolean {
  const { node } = tensor;
  if (!node) return false;
  return node.placeholder ? isSymbolicInput(node.placeholder) : tensor.shape[0] === batchAxis;
}

/** A tree of tensors that a user gave to a layer: whether it is symbolic. */
export function isSymbolicTree(where: string, x: unknown): boolean {
  const leaves = leavesOf(x);
  const wrong = leaves.find(({ value }) => !(value instanceof Tensor));
  if (wrong || leaves.length === 0) {
    const got = wrong ? `${nameLeaf(wrong.path)} is ${String(wrong.value)}` : 'there are none';
    throw new ArgumentError(`${where}: inputs are a tensor, a list or a record of tensors, but ${got}; wrap arrays in tensor([...])`);
  }
  const symbolic = leaves.filter(({ value }) => isSymbolic(value as Tensor));
  if (symbolic.length === 0) return false;
  const concrete = leaves.find(({ value }) => !isSymbolic(value as Tensor));
  if (concrete) {
    throw new ArgumentError(
      `${where}: ${nameLeaf(concrete.path)} has values and ${nameLeaf(symbolic[0].path)} is symbolic; ` +
        'make both symbolic, or join them by an op such as add(x, constant)',
    );
  }
  return true;
}

const nameLeaf = (path: string): string => (path ? `input ${path.replace(/^\./, '')}` : 'the input');

/** Specs of symbolic tensors. @throws ShapeError if the batch is not their first axis. */
export const specsOfSymbolic = (where: string, tensors: Tensors): Specs =>
  mapTree(tensors, (leaf, path) => {
    const { shape, dtype } = leaf as Tensor;
    if (shape[0] === batchAxis) return new TensorSpec(shape.slice(1), dtype);
    throw new ShapeError(`${where}: ${nameLeaf(path)} is ${formatShape(shape)}; the batch axis must come first: transpose it`);
  }) as Specs;

/** Applies a layer to symbolic tensors. The shapes are checked now, also against weights that the layer has from another application. */
export function applySymbolic(layer: Layer, inputs: Tensors, training: boolean | undefined): SymbolicCall {
  const where = layer.name ?? layer.kind;
  const builder = new Builder(undefined);
  const [first] = layer.symbolicCalls;
  if (first as SymbolicCall | undefined) layer.draft(builder, specsOfSymbolic(where, first.inputs), where);
  const specs = layer.draft(builder, specsOfSymbolic(where, inputs), where);
  const types = leavesOf(specs).map(({ value }) => {
    const { shape, dtype } = value as TensorSpec;
    return { shape: [batchAxis, ...shape], dtype };
  });
  const leaves = leavesOf(inputs).map(({ value }) => value as Tensor);
  leaves.forEach(assertUsable);
  const call: { -readonly [K in keyof SymbolicCall]: SymbolicCall[K] } = { layer, inputs, outputs: [], training };
  const node = new Node(layerCallOp as unknown as OpDefinition, leaves, { call }, types, currentScope());
  let index = 0;
  call.outputs = mapTree(specs, () => {
    const output = new Tensor(types[index], { node, index });
    index++;
    return output;
  }) as Tensors;
  return call;
}
