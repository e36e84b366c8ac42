// Raw ops between symbolic tensors, computed again for a batch. Sizes that were derived from the stand-in of the batch axis are computed anew.
import { atBatchSize, dependsOnBatch, isRoundedShare, isUnclear } from '../core/batchAxis.ts';
import { ArgumentError } from '../core/errors.ts';
import { isBranch } from '../core/tree.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type Node, applyAll } from '../graph/tensor.ts';
import { drawKey, drawnWordOf } from '../graph/trace.ts';
import { cast } from '../ops/index.ts';
import { keyWord } from '../ops/create/randomBits.ts';
import { uniformValue } from '../ops/operands/knownValue.ts';
import { formatShape } from '../core/shape.ts';
import type { Tensors } from './spec.ts';

/** Attributes that hold element values, not sizes. A large value that is not a multiple of the placeholder comes from the user. */
const valueNames: ReadonlySet<string> = new Set(['value', 'exponent', 'fill', 'scale']);

const remedy = 'write this part as layers.lambda({ fn: (x) => ... }), whose function sees the real batch';

/**
 * @throws ArgumentError if an op holds a number, or a tensor, that cannot be computed again for another batch size.
 */
export function checkReplayable({ op, attributes, inputs }: Node): void {
  const visit = (value: unknown, name: string): void => {
    if (typeof value === 'number' && (isRoundedShare(value) || (isUnclear(value) && !valueNames.has(name)))) {
      throw new ArgumentError(`${op.name}: ${name} ${value} may be a size made of the batch size, in a form that is not known; ${remedy}`);
    }
    if (isBranch(value)) for (const [key, child] of Object.entries(value)) visit(child, Array.isArray(value) ? name : key);
  };
  visit(attributes, op.name);
  for (const { value, shape } of inputs) {
    if (!value || !shape.some(dependsOnBatch)) continue;
    throw new ArgumentError(`${op.name}: the tensor ${formatShape(shape)} has values for the stand-in of the batch; ${remedy}`);
  }
}

/** Attributes for a batch size. The same object if nothing changes. */
function atBatch(value: unknown, batch: number): unknown {
  if (typeof value === 'number') return atBatchSize(value, batch);
  if (!isBranch(value)) return value;
  if (Array.isArray(value)) {
    const list = value.map((child) => atBatch(child, batch));
    return list.some((child, i) => child !== value[i] && !Number.isNaN(child)) ? list : value;
  }
  const entries = Object.entries(value).map(([name, child]) => [name, atBatch(child, batch)] as const);
  return entries.some(([name, child]) => child !== value[name] && !Number.isNaN(child)) ? Object.fromEntries(entries) : value;
}

/** A graph: its nodes in order, and its inputs and outputs. */
export interface GraphParts {
  readonly order: readonly Node[];
  readonly inputs: Tensors;
  readonly outputs: Tensors;
}

/** An output of a node. Tensors are such places, too. */
export type Place = Pick<Tensor, 'node' | 'index'>;

/** One replay of a graph: values and masks of tensors that were computed for the batch. */
export class Replay {
  readonly batch: number;
  private readonly values = new Map<Node, Tensor[]>();
  private readonly masks = new Map<Node, Tensor[]>();
  private readonly keys = new Map<Tensor, { readonly key: Tensor; readonly site: number }>();
  /** Number of the random op, by the nodes between a key and the op that draws from it. */
  private readonly sites = new Map<Node, number>();

  constructor(batch: number) {
    this.batch = batch;
  }

  set({ node, index }: Place, value: Tensor): void {
    this.values.set(node!, Object.assign(this.values.get(node!) ?? [], { [index]: value }));
  }

  /** Stores a value unless there is one: that of an input stays. */
  put(place: Place, value: Tensor): void {
    if (!this.valueOf(place)) this.set(place, value);
  }

  valueOf({ node, index }: Place): Tensor | undefined {
    return node && this.values.get(node)?.[index];
  }

  setMask({ node, index }: Place, mask: Tensor): void {
    this.masks.set(node!, Object.assign(this.masks.get(node!) ?? [], { [index]: mask }));
  }

  maskOf({ node, index }: Place): Tensor | undefined {
    return node && this.masks.get(node)?.[index];
  }

  /** Value of a tensor: itself, if it does not depend on the inputs. */
  get(tensor: Tensor): Tensor {
    if (tensor.node) return this.valueOf(tensor) ?? tensor;
    const from = drawnWordOf(tensor);
    return from ? keyWord(this.keyOf(from.key).key, from.word) : tensor;
  }

  /** Computes the outputs of an op for the batch. */
  compute(node: Node): void {
    const inputs = this.inputsOf(node);
    const site = this.siteOf(node);
    let attributes = atBatch(node.attributes, this.batch) as object;
    if (site !== undefined) {
      if (node.op.name === 'randomBits') attributes = { ...attributes, site };
      else this.sites.set(node, site);
    }
    const same = attributes === node.attributes && inputs.every((input, i) => input === node.inputs[i]);
    if (same) return;
    applyAll(node.op, inputs, attributes).forEach((output, index) => this.put({ node, index }, output));
  }

  /** Whether the outputs of a node are there without computing it. @see StepReplay */
  recall(_node: Node): boolean {
    return false;
  }

  /** Called after a node is computed. */
  keep(_node: Node): void {}

  /** Whether a layer runs without caches. */
  isStill(_node: Node): boolean {
    return false;
  }

  /** Value of an input of a node. */
  inputOf(tensor: Tensor, _node: Node): Tensor {
    return this.get(tensor);
  }

  /** Mask of an input of a node. */
  maskFor(tensor: Tensor, _node: Node): Tensor | undefined {
    return this.maskOf(tensor);
  }

  /**
   * Inputs of an op. Layers of mixed precision give f16 for tensors that were f32 when the op was written. Numbers then become f16, and a tensor
   * that is f32 makes all of them f32, as in a direct call.
   */
  private inputsOf({ inputs: written }: Node): Tensor[] {
    const inputs = written.map((input) => this.get(input));
    const isFloat = (i: number): boolean => written[i].dtype === 'f32';
    if (!inputs.some(({ dtype }, i) => isFloat(i) && dtype === 'f16')) return inputs;
    const isFull = inputs.some((input, i) => isFloat(i) && input.dtype === 'f32' && uniformValue(input) === undefined);
    return inputs.map((input, i) => (isFloat(i) ? cast(input, isFull ? 'f32' : 'f16') : input));
  }

  /** Each key that was drawn when the op was written is drawn again in each replay. */
  private keyOf(key: Tensor): { readonly key: Tensor; readonly site: number } {
    const drawn = this.keys.get(key) ?? drawKey();
    this.keys.set(key, drawn);
    return drawn;
  }

  private siteOf(node: Node): number | undefined {
    for (const input of node.inputs) {
      if (input.node && this.sites.has(input.node)) return this.sites.get(input.node);
      const from = drawnWordOf(input);
      if (from) return this.keyOf(from.key).site;
    }
    return undefined;
  }
}
