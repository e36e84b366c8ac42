// A Tensor is an immutable node output of the graph. Ops build the graph; nothing runs until a value is asked for.
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
  /** Where it was made, such as `dense_1/relu`: layer, loss or optimizer. */
  readonly scope: string;
  /** The trace it was made in, if any: what a traced function captured from outside is told apart by it. */
  readonly trace: Traced | undefined;
  /** Grows with every node made: what a function made is told by it from what the function was given. */
  readonly serial: number;
  /** A placeholder that this node depends on, if any. The node then never has a value of its own. */
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

/** A trace, as far as its nodes need to know it. */
interface Traced {
  readonly name: string;
  /** Fails the call when a value is read after the function returned. */
  readonly late?: LateReads;
}

let activeTrace: Traced | undefined;

/** Marks the nodes made from now on as belonging to a trace, or to none. */
export function enterTrace(trace: Traced | undefined): void {
  activeTrace = trace;
}

/** Elements on the host. They belong to no device and are never written after the tensor was made. */
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
  /** The runtime that owns it: compared by identity. */
  readonly device: object;
  readonly deviceName: string;
  /** Gives the memory back now instead of when the garbage collector finds it, but not before what is queued has used it. */
  release(): void;
  /** Work that is queued needs the memory until the matching unpin(). */
  pin(): void;
  unpin(): void;
}

export type Value = HostValue | DeviceValue;

export type NestedArray = number | NestedArray[];

/** Filled by the engine: floor 1 knows that tensors can be evaluated, not how. */
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

// The methods (add, matmul, relu …) are declared and attached by ops/methods.ts, from one table.
// eslint-disable-next-line @typescript-eslint/no-empty-object-type, @typescript-eslint/no-unsafe-declaration-merging
export interface Tensor extends TensorMethods {}
// eslint-disable-next-line @typescript-eslint/no-empty-object-type
export interface TensorMethods {}

/**
 * An n-dimensional array. Immutable; its memory is managed.
 *
 *     const y = relu(x.matmul(w).add(b));
 *     console.log(y.shape, await y.array());
 */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export class Tensor implements TensorType {
  readonly shape: Shape;
  readonly dtype: Dtype;
  /** The application that yields it; undefined once it has a value of its own. @internal */
  node: Node | undefined;
  /** Which of the node's outputs it is. @internal */
  readonly index: number;
  /** @internal */
  value: Value | undefined;
  /** Why it can no longer be used, as the end of a sentence about it. @internal */
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
   * The elements in row-major order; f16 comes as Float32Array, bool as Uint8Array. Waits for the device. Inside a function that is traced or
   * differentiated there is no value yet: the call of that function then fails with a TraceError, and this promise never settles. When the call has
   * finished already, a warning takes the error's place.
   */
  async data(): Promise<HostArray> {
    const refused = refuseValues(`data() of ${this.toString()}`, [this]);
    if (refused) return refused;
    assertUsable(this);
    if (this.value?.kind === 'host') return this.value.data.slice();
    return requireEvaluator().read(this);
  }

  /** The elements as nested arrays; a number for a scalar. */
  async array(): Promise<NestedArray> {
    const refused = refuseValues(`array() of ${this.toString()}`, [this]);
    if (refused) return refused;
    return nest(await this.data(), this.shape);
  }

  /** The only element of a tensor of size 1. */
  async item(): Promise<number> {
    const refused = refuseValues(`item() of ${this.toString()}`, [this]);
    if (refused) return refused;
    if (this.size !== 1) throw new OmbreError(`item: a tensor of shape ${formatShape(this.shape)} has ${this.size} elements; use data()`);
    return (await this.data())[0];
  }

  /**
   * Frees the memory early. Never needed: memory is freed when the tensor is no longer reachable. What was made from this tensor and is still
   * pending needs it no longer only once it is evaluated; a pending tensor is simply forgotten.
   */
  dispose(): void {
    if (this.value?.kind === 'device') this.value.release();
    this.value = undefined;
    this.invalidated = 'was disposed of; keep it until its last use';
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** What Node prints for console.log(tensor): its type, not its insides. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  toString(): string {
    return `Tensor(${this.dtype}${formatShape(this.shape)})`;
  }

  /** Coercion to a number or string of the value would need a synchronous read. */
  valueOf(): never {
    throw coercionError(this.toString());
  }
}

// `using` and Symbol.dispose came to Node 20 and Chromium 134; older engines get the symbol so that the class definition above is valid.
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
 * The answer to `what`, which needs the values of the tensors among `inputs`: a promise that never settles where a value cannot exist. That is so
 * inside a function that builds a graph, and for tensors made from such a function's arguments. Undefined where all values can exist.
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

/** Throws when the tensor's memory was taken over or its value cannot exist yet. */
export function assertUsable(tensor: Tensor): void {
  if (tensor.invalidated) {
    throw new DonatedError(`${tensor.toString()} ${tensor.invalidated}`);
  }
}

/** Marks the tensor as taken over; every later use of it, or of a pending graph over it, throws. */
export function invalidate(tensor: Tensor, by: string): void {
  tensor.value = undefined;
  tensor.node = undefined;
  tensor.invalidated = `was given up to ${by}; use the tensor that it returned instead`;
}

/** Undoes invalidate(): the one who took it over failed before touching it. */
export function restore(tensor: Tensor, value: Value | undefined, node: Node | undefined): void {
  tensor.value = value;
  tensor.node = value ? undefined : node;
  tensor.invalidated = undefined;
}

/** Applies an op: checks, infers, and returns a tensor for each output. */
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

/** A leaf that holds these elements without copying them. */
export const hostTensor = (type: TensorType, data: HostArray): Tensor => new Tensor(type, { value: new HostValue(data) });

/** Tensors of a tree, in the order of its leaves. Other leaves are left out. */
export const tensorsIn = (tree: unknown): Tensor[] => leavesOf(tree).flatMap(({ value }) => (value instanceof Tensor ? [value] : []));
