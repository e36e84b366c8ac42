// A Tensor is an immutable output of a node in the graph. Ops build the graph. It runs when a value is needed.
import type { Dtype, HostArray } from '../core/dtype.ts';
import { DonatedError, OmbreError, TraceError } from '../core/errors.ts';
import { type Shape, formatShape, sizeOf } from '../core/shape.ts';
import { leavesOf } from '../core/tree.ts';
import type { Attributes, OpDefinition, TensorType } from './op.ts';
import { type LateReads, coercionError, refuseLateRead, refuseRead, refuseStrayRead } from './reads.ts';
import { currentScope } from './scope.ts';

/** One application of an op. */
export class Node {
  readonly op: OpDefinition;
  readonly inputs: readonly Tensor[];
  readonly attributes: Attributes;
  readonly types: readonly TensorType[];
  /** Layer, loss or optimizer in which it was made, such as `dense_1/relu`. */
  readonly scope: string;
  /** The trace in which it was made, if any. Tensors that a traced function captures from outside have another one. */
  readonly trace: Traced | undefined;
  /** Creation order. Nodes made by a function have a higher serial than its inputs. */
  readonly serial: number;
  /** A placeholder that this node depends on, if any. Such a node never gets a value. */
  readonly placeholder: Node | undefined;
  constructor(op: OpDefinition, inputs: readonly Tensor[], attributes: Attributes, types: readonly TensorType[], scope: string) {
    this.op = op;
    this.inputs = inputs;
    this.attributes = attributes;
    this.types = types;
    this.scope = scope;
    this.trace = activeTrace;
    this.serial = nodesMade++;
    const isPlaceholder = op.name === placeholderName || op.name === symbolicName;
    this.placeholder = isPlaceholder ? this : inputs.find(({ node }) => node?.placeholder)?.node!.placeholder;
  }
}

/** Name of the op of placeholders: values that are given when the graph runs. */
export const placeholderName = 'placeholder';
/** Name of the op of a model's symbolic inputs. */
export const symbolicName = 'symbolicInput';

let nodesMade = 0;

/** The serial number that the next node will have. */
export const nextSerial = (): number => nodesMade;

/** The part of a trace that nodes use. */
interface Traced {
  readonly name: string;
  /** Fails the call when a value is read after the function returned. */
  readonly late?: LateReads;
}

let activeTrace: Traced | undefined;

/** Sets the trace of the nodes made from now on. Undefined means none. */
export function enterTrace(trace: Traced | undefined): void {
  activeTrace = trace;
}

/** Elements on the host. They belong to no device, and are not written after the tensor was made. */
export class HostValue {
  readonly kind = 'host';
  readonly data: HostArray;
  constructor(data: HostArray) {
    this.data = data;
  }
}

/** Elements in a device's memory, owned by that device's runtime. */
export interface DeviceValue {
  readonly kind: 'device';
  /** The runtime that owns it. Compared by identity. */
  readonly device: object;
  readonly deviceName: string;
  /** Frees the memory as soon as queued work no longer needs it, without waiting for the garbage collector. */
  release(): void;
  /** Keeps the memory for queued work until the matching unpin(). */
  pin(): void;
  unpin(): void;
}

export type Value = HostValue | DeviceValue;

export type NestedArray = number | NestedArray[];

/** Set by the engine. This folder does not import the engine. */
export interface Evaluator {
  evaluate(tensors: readonly Tensor[]): Promise<void>;
  read(tensor: Tensor): Promise<HostArray>;
}
let evaluator: Evaluator | undefined;
export function setEvaluator(next: Evaluator): void {
  evaluator = next;
}
function requireEvaluator(): Evaluator {
  if (!evaluator) throw new OmbreError('no engine is installed; import from the entry point "ombre"');
  return evaluator;
}

// ops/methods.ts declares and attaches the methods (add, matmul, relu …), from one table.
// eslint-disable-next-line @typescript-eslint/no-empty-object-type, @typescript-eslint/no-unsafe-declaration-merging
export interface Tensor extends TensorMethods {}
// eslint-disable-next-line @typescript-eslint/no-empty-object-type
export interface TensorMethods {}

/**
 * An n-dimensional array. It is immutable, and its memory is managed.
 *
 *     const y = relu(x.matmul(w).add(b));
 *     console.log(y.shape, await y.array());
 */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export class Tensor implements TensorType {
  readonly shape: Shape;
  readonly dtype: Dtype;
  /** The node that computes it. Undefined once the tensor has a value. @internal */
  node: Node | undefined;
  /** Output number of the node. @internal */
  readonly index: number;
  /** @internal */
  value: Value | undefined;
  /** Reason why it can no longer be used, as the end of a sentence. @internal */
  invalidated: string | undefined;

  /** @internal */
  constructor(type: TensorType, source: { node: Node; index: number } | { value: Value }) {
    this.shape = type.shape;
    this.dtype = type.dtype;
    if ('node' in source) {
      this.node = source.node;
      this.index = source.index;
    } else {
      this.value = source.value;
      this.index = 0;
    }
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  get rank(): number {
    return this.shape.length;
  }

  /**
   * Returns the elements in row-major order: f16 as Float32Array, bool as Uint8Array. Waits for the device. Inside a function that is
   * traced or differentiated there is no value yet. The call of that function then fails with a TraceError, and this promise never settles.
   * If the call has finished already, a warning is logged instead.
   */
  async data(): Promise<HostArray> {
    const refused = refuseValues(`data() of ${this.toString()}`, [this]);
    if (refused) return refused;
    assertUsable(this);
    if (this.value?.kind === 'host') return this.value.data.slice();
    return requireEvaluator().read(this);
  }

  /** Returns the elements as nested arrays, or a number for a scalar. */
  async array(): Promise<NestedArray> {
    const refused = refuseValues(`array() of ${this.toString()}`, [this]);
    if (refused) return refused;
    return nest(await this.data(), this.shape);
  }

  /**
   * Returns the only element of a tensor of size 1.
   * @throws OmbreError for any other size.
   */
  async item(): Promise<number> {
    const refused = refuseValues(`item() of ${this.toString()}`, [this]);
    if (refused) return refused;
    if (this.size !== 1) throw new OmbreError(`item: a tensor of shape ${formatShape(this.shape)} has ${this.size} elements; use data()`);
    return (await this.data())[0];
  }

  /**
   * Frees the memory early. This is never necessary, because memory is freed when the tensor is no longer reachable. Pending tensors made
   * from this one keep the memory until they are evaluated.
   */
  dispose(): void {
    if (this.value?.kind === 'device') this.value.release();
    this.value = undefined;
    this.invalidated = 'was disposed of; keep it until its last use';
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The text that Node prints for console.log(tensor). */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  toString(): string {
    return `Tensor(${this.dtype}${formatShape(this.shape)})`;
  }

  /** Throws, because the value would need a synchronous read. */
  valueOf(): never {
    throw coercionError(this.toString());
  }
}

// Node 20 and Chromium 134 have Symbol.dispose. Older engines get the symbol so that the class definition above is valid.
declare global {
  interface SymbolConstructor {
    readonly dispose: unique symbol;
  }
}

function nest(data: HostArray, shape: Shape, offset = 0): NestedArray {
  if (shape.length === 0) return data[offset];
  const [n, ...rest] = shape;
  const stride = sizeOf(rest);
  return Array.from({ length: n }, (_, i) => nest(data, rest, offset + i * stride));
}

/**
 * Refuses `what`, which needs the values of the tensors among `inputs`, if a value cannot exist. This is so inside a function that builds a
 * graph, and for tensors made from such a function's arguments. Returns a promise that never settles, or undefined if all values can exist.
 * For symbolic tensors the promise rejects.
 */
export function refuseValues(what: string, inputs: readonly unknown[]): Promise<never> | undefined {
  const refused = refuseRead(what);
  if (refused) return refused;
  for (const input of inputs) {
    if (!(input instanceof Tensor) || !input.node) continue;
    const { placeholder } = input.node;
    if (placeholder?.op.name === symbolicName) return Promise.reject(symbolicRead(what));
    const trace = (placeholder ?? input.node).trace;
    const late = refuseLateRead(trace?.late, trace?.name ?? '', what);
    if (late) return late;
    if (placeholder) return refuseStrayRead(trace?.name ?? (placeholder.attributes as { label: string }).label, what);
  }
  return undefined;
}

const symbolicRead = (what: string): TraceError =>
  new TraceError(
    `${what}: a symbolic tensor has no values; make a model of it: createModel({ inputs, outputs }), and call predict() with data`,
  );

/** @throws DonatedError if the tensor was donated or disposed of. */
export function assertUsable(tensor: Tensor): void {
  if (tensor.invalidated) {
    throw new DonatedError(`${tensor.toString()} ${tensor.invalidated}`);
  }
}

/** Marks the tensor as donated. Later uses of it throw, and so do uses of pending tensors made from it. */
export function invalidate(tensor: Tensor, by: string): void {
  tensor.value = undefined;
  tensor.node = undefined;
  tensor.invalidated = `was given up to ${by}; use the tensor that it returned instead`;
}

/** Undoes invalidate() after the call that took the tensor has failed without using its memory. */
export function restore(tensor: Tensor, value: Value | undefined, node: Node | undefined): void {
  tensor.value = value;
  tensor.node = value ? undefined : node;
  tensor.invalidated = undefined;
}

/** Applies an op: infers the types and returns a tensor for each output. */
export function applyAll<A extends Attributes>(
  op: OpDefinition<A>,
  inputs: readonly Tensor[],
  attributes: A,
  scope = currentScope(),
): Tensor[] {
  for (const input of inputs) assertUsable(input);
  const types = op.infer(inputs, attributes);
  const node = new Node(op as unknown as OpDefinition, inputs, attributes, types, scope);
  return types.map((type, index) => new Tensor(type, { node, index }));
}

/** Applies an op with one output. */
export function apply<A extends Attributes>(op: OpDefinition<A>, inputs: readonly Tensor[], attributes: A): Tensor {
  return applyAll(op, inputs, attributes)[0];
}

/** Makes a leaf from these elements without copying them. */
export const hostTensor = (type: TensorType, data: HostArray): Tensor => new Tensor(type, { value: new HostValue(data) });

/** Returns the tensors of a tree, in the order of its leaves. */
export const tensorsIn = (tree: unknown): Tensor[] => leavesOf(tree).flatMap(({ value }) => (value instanceof Tensor ? [value] : []));
