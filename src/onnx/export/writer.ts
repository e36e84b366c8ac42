// A graph of ONNX that is being written: nodes, initializers and their names.
import { create } from '@bufbuild/protobuf';
import { batchAxis, dependsOnBatch } from '../../core/batchAxis.ts';
import type { Dtype } from '../../core/dtype.ts';
import { FormatError } from '../../core/errors.ts';
import { type Shape, formatShape } from '../../core/shape.ts';
import { type ElementName, elementOf, elementOfDtype } from '../format/elements.ts';
import { type NodeProto, NodeSchema, type TensorProto, TensorSchema } from '../format/schema.ts';
import { type AttributeValues, attributeProto, bytesOf, int, ints } from './attributes.ts';

/** protobuf's limit of a message. */
const maxBytes = 2 ** 31 - 1;

export class GraphWriter {
  readonly opset: number;
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  /** Input whose first axis is the batch. */
  private readonly batchInput: string | undefined;
  private readonly names: Set<string>;
  /** Names of constants and sizes that are there already. */
  private readonly known = new Map<string, string>();
  private bytes = 0;
  private scope = '';

  constructor(opset: number, names: readonly string[], batchInput: string | undefined) {
    this.opset = opset;
    this.batchInput = batchInput;
    this.names = new Set(names);
  }

  /** Layer that the next nodes belong to. */
  enter(scope: string): void {
    this.scope = scope;
  }

  /** A name that nothing has yet. */
  fresh(base: string): string {
    let name = base;
    for (let n = 1; this.names.has(name); n++) name = `${base}_${n}`;
    this.names.add(name);
    return name;
  }

  /** Adds a node. Returns the names of its outputs. */
  nodeWith(outputs: number, op: string, inputs: readonly string[], attributes: AttributeValues = {}): string[] {
    const name = this.fresh(this.scope ? `${this.scope}/${op}` : op);
    const made = Array.from({ length: outputs }, (_, i) => this.fresh(`${name}:${i}`));
    const listed = Object.entries(attributes).flatMap(([key, value]) => (value ? [attributeProto(key, value)] : []));
    this.nodes.push(create(NodeSchema, { opType: op, name, input: [...inputs], output: made, attribute: listed }));
    return made;
  }

  /** Adds a node whose output has a name of its own. */
  named(op: string, inputs: readonly string[], output: string): void {
    this.nodes.push(create(NodeSchema, { opType: op, name: this.fresh(op), input: [...inputs], output: [output] }));
  }

  /** Adds a node with one output. */
  node(op: string, inputs: readonly string[], attributes?: AttributeValues): string {
    return this.nodeWith(1, op, inputs, attributes)[0];
  }

  /** Stores elements under a name. @throws FormatError if the file would have more than 2 GiB. */
  initializer(base: string, type: ElementName, shape: Shape, data: ArrayLike<number>): string {
    this.bytes += data.length * elementOf(type).bytes;
    if (this.bytes > maxBytes) {
      throw new FormatError(
        `exportOnnx: the weights have more than 2 GiB, the limit of an ONNX file; '${base}' ${formatShape(shape)} does not fit`,
      );
    }
    const name = this.fresh(base);
    const dims = shape.map(BigInt);
    this.initializers.push(create(TensorSchema, { name, dataType: elementOf(type).code, dims, rawData: bytesOf(type, data) }));
    return name;
  }

  /** A constant that is no weight. Equal ones are written once. */
  constant(type: ElementName, shape: Shape, data: ArrayLike<number>): string {
    const key = `${type}${formatShape(shape)}${Array.from(data, (x) => (Object.is(x, -0) ? '-0' : x)).join()}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const { scope } = this;
    this.scope = '';
    const dims = shape.map(BigInt);
    const value = create(TensorSchema, { dataType: elementOf(type).code, dims, rawData: bytesOf(type, data) });
    const name = this.node('Constant', [], { value: { tensor: value } });
    this.scope = scope;
    this.known.set(key, name);
    return name;
  }

  scalar(value: number, dtype: Dtype): string {
    return this.constant(elementOfDtype[dtype], [], [value]);
  }

  /** A list of 64-bit integers, such as axes. Numbers that depend on the batch are computed from its size. */
  list(numbers: readonly number[]): string {
    const parts: string[] = [];
    let fixed: number[] = [];
    const flush = (): void => {
      if (fixed.length > 0) parts.push(this.constant('INT64', [fixed.length], fixed));
      fixed = [];
    };
    for (const n of numbers) {
      if (dependsOnBatch(n)) {
        flush();
        parts.push(this.batchSize(n));
      } else fixed.push(n);
    }
    flush();
    if (parts.length === 0) return this.constant('INT64', [0], []);
    return parts.length === 1 ? parts[0] : this.node('Concat', parts, { axis: int(0) });
  }

  /** x in another shape. One size that depends on the batch is -1. */
  reshape(x: string, shape: Shape): string {
    if (shape.filter(dependsOnBatch).length === 1 && !shape.includes(0)) {
      return this.node('Reshape', [x, this.list(shape.map((n) => (dependsOnBatch(n) ? -1 : n)))]);
    }
    return this.node('Reshape', [x, this.list(shape)], shape.includes(0) ? { allowzero: int(1) } : {});
  }

  transpose(x: string, permutation: readonly number[]): string {
    return permutation.every((axis, i) => axis === i) ? x : this.node('Transpose', [x], { perm: ints(permutation) });
  }

  expand(x: string, shape: Shape): string {
    return this.node('Expand', [x, this.list(shape)]);
  }

  cast(x: string, type: ElementName): string {
    return this.node('Cast', [x], { to: int(elementOf(type).code) });
  }

  squeeze(x: string, axes: readonly number[]): string {
    return this.node('Squeeze', [x, this.list(axes)]);
  }

  unsqueeze(x: string, axes: readonly number[]): string {
    return this.node('Unsqueeze', [x, this.list(axes)]);
  }

  /** Elements [begin, end) of an axis. */
  slice(x: string, axis: number, begin: number, end: number, step = 1): string {
    return this.node('Slice', [x, ...[[begin], [end], [axis], [step]].map((numbers) => this.list(numbers))]);
  }

  /** A reduction that keeps no axis. Axes are an attribute before opset 18, except of ReduceSum. */
  reduce(op: string, x: string, axes: readonly number[], keepDims = false): string {
    const keepdims = int(Number(keepDims));
    if (op === 'ReduceSum' || this.opset >= 18) return this.node(op, [x, this.list(axes)], { keepdims });
    return this.node(op, [x], { axes: ints(axes), keepdims });
  }

  /** A number as factor · batch + offset, int64 [1]. */
  private batchSize(n: number): string {
    const key = `batch ${n}`;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const { scope } = this;
    this.scope = '';
    const factor = Math.round(n / batchAxis);
    const offset = n - factor * batchAxis;
    const number = (x: number): string => this.constant('INT64', [1], [x]);
    const scaled =
      n === batchAxis
        ? this.node('Shape', [this.batchInput!], { start: int(0), end: int(1) })
        : factor === 1
          ? this.batchSize(batchAxis)
          : this.node('Mul', [this.batchSize(batchAxis), number(factor)]);
    const name = offset === 0 ? scaled : this.node('Add', [scaled, number(offset)]);
    this.scope = scope;
    this.known.set(key, name);
    return name;
  }
}
