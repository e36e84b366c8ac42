// One node of the library's graph that is written, as the rules of the ops see it.
import type { Dtype } from '../../core/dtype.ts';
import { FormatError } from '../../core/errors.ts';
import { type Shape, broadcastShapes, sameShape } from '../../core/shape.ts';
import type { TensorType } from '../../graph/op.ts';
import type { Node, Tensor } from '../../graph/tensor.ts';
import type { AttributeValues } from './attributes.ts';
import type { GraphWriter } from './writer.ts';

/** Names of the outputs of a node; undefined for outputs that ONNX does not have. */
export type ExportRule = (call: ExportCall) => string | readonly (string | undefined)[];
export type ExportTable = Readonly<Record<string, ExportRule>>;

/** Gives the name of a tensor in the file. */
export type NameOf = (tensor: Tensor) => string;

/** Outputs that something reads, by node. */
export type UsedOutputs = ReadonlyMap<Node, ReadonlySet<number>>;

export class ExportCall {
  readonly node: Node;
  readonly writer: GraphWriter;
  readonly nameOf: NameOf;
  private readonly used: UsedOutputs;

  constructor(node: Node, writer: GraphWriter, nameOf: NameOf, used: UsedOutputs) {
    this.node = node;
    this.writer = writer;
    this.nameOf = nameOf;
    this.used = used;
  }

  /** Whether something reads an output. */
  isUsed(output: number): boolean {
    return this.used.get(this.node)?.has(output) ?? false;
  }

  attributes<A>(): A {
    return this.node.attributes as A;
  }

  get output(): TensorType {
    return this.node.types[0];
  }

  input(i: number): Tensor {
    return this.node.inputs[i];
  }

  shape(i: number): Shape {
    return this.node.inputs[i].shape;
  }

  get dtype(): Dtype {
    return this.node.inputs[0].dtype;
  }

  /** Name of an input. */
  x(i: number): string {
    return this.nameOf(this.node.inputs[i]);
  }

  /** Names of the inputs of an elementwise op. ONNX broadcasts, so tensors that are only repeated are not. */
  operands(): string[] {
    const { inputs } = this.node;
    const sources = inputs.map(unrepeated);
    const common = broadcastShapes(this.node.op.name, ...sources.map(({ shape }) => shape));
    const [first, ...rest] = sources;
    return (sameShape(common, this.output.shape) ? [first, ...rest] : [inputs[0], ...rest]).map(this.nameOf);
  }

  emit(op: string, inputs: readonly string[], attributes?: AttributeValues): string {
    return this.writer.node(op, inputs, attributes);
  }

  /** A number in the dtype of the first input. */
  number(value: number, dtype: Dtype = this.dtype): string {
    return this.writer.scalar(value, dtype);
  }

  /** @throws FormatError that names the op and its layer. */
  fail(why: string): never {
    const { op, scope } = this.node;
    throw new FormatError(`exportOnnx: ${scope ? `${scope}: ` : ''}the op '${op.name}' has no form in ONNX: ${why}`);
  }

  /** @throws FormatError before an opset. */
  needs(opset: number, what: string): void {
    if (this.writer.opset < opset) this.fail(`${what} needs opset ${opset}; pass { opset: ${opset} }`);
  }
}

/** The tensor that is repeated to make this one. */
export function unrepeated(tensor: Tensor): Tensor {
  let source = tensor;
  while (source.node?.op.name === 'broadcastTo') source = source.node.inputs[0];
  return source;
}
