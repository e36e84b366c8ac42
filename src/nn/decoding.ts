// Decoding step by step: attention layers keep the keys and values of earlier steps, and position layers get the number of the step.
import type { Tensor } from '../graph/tensor.ts';
import { iota } from '../ops/create/create.ts';
import { cast, equal, expandDims, gather, greater, lessEqual, logicalAnd, pad, reshape, where } from '../ops/index.ts';
import type { GraphParts, Replay } from './replay.ts';

/** A value that does not depend on the tokens. It is computed in the pass over the prompt. */
export interface Kept {
  readonly value: Tensor;
  /** Steps of the value that count, bool [batch, steps]. */
  readonly mask?: Tensor;
}

/** State before a pass for one step. */
interface Before {
  /** Caches after the pass before. */
  readonly caches: readonly Tensor[];
  /** Values of the pass over the prompt. */
  readonly kept: readonly Kept[];
  /** Index of the step, i32 [batch]. */
  readonly position: Tensor;
}

/** Caches of one forward pass, in the order in which layers use them. */
export abstract class Decoding {
  /** Number of steps that the caches hold. */
  readonly length: number;
  /** Caches after the pass. */
  readonly caches: Tensor[] = [];
  /** Values of inputs other than the tokens, in the order of their use. */
  readonly kept: Kept[] = [];
  private readonly before: Before | undefined;
  private readonly memory: Set<Tensor>;

  /**
   * @param memory inputs of the model other than the tokens
   * @param before absent for the pass over a prompt, which begins at step 0
   */
  constructor(length: number, memory: readonly Tensor[] = [], before?: Before) {
    this.length = length;
    this.memory = new Set(memory);
    this.before = before;
  }

  /** Index of the only step of the inputs, i32 [batch]. Undefined for a pass over a prompt. */
  get position(): Tensor | undefined {
    return this.before?.position;
  }

  /** Whether a tensor is computed from inputs other than the tokens. */
  isMemory(tensor: Tensor): boolean {
    return this.memory.has(tensor);
  }

  /** A value that does not depend on the tokens: computed for a prompt, and the same one again for each step. */
  keep(compute: () => Kept): Kept {
    const found = this.before ? this.before.kept[this.kept.length] : compute();
    this.kept.push(found);
    this.memory.add(found.value);
    return found;
  }

  /** The replay of a graph of layers. */
  abstract replay(parts: GraphParts, inputs: readonly Tensor[]): Replay;

  /** Stores x [batch, heads, time, dim]. Returns x for a prompt, and all stored steps [batch, heads, length, dim] for one step. */
  extend(x: Tensor): Tensor {
    if (!this.before) {
      this.caches.push(pad(x, [[0, 0], [0, 0], [0, this.length - x.shape[2]], [0, 0]])); // prettier-ignore
      return x;
    }
    const here = equal(this.places(), this.column(this.before.position));
    const all = where(expandDims(here, 3), x, this.before.caches[this.caches.length]);
    this.caches.push(all);
    return all;
  }

  /** Stores a mask, bool [batch, time]. Returns that of all keys, like extend(). */
  extendMask(mask: Tensor): Tensor {
    const [batch, time] = mask.shape;
    const all = this.extend(cast(reshape(mask, [batch, 1, time, 1]), 'f32'));
    return this.before ? greater(reshape(all, [batch, this.length]), 0) : mask;
  }

  /** Stored steps that the step may see, bool [batch, 1, 1, length]. Undefined for a prompt. `mask` is that of the stored steps. */
  visible(mask: Tensor | undefined): Tensor | undefined {
    if (!this.before) return undefined;
    const { position } = this.before;
    const earlier = expandDims(lessEqual(this.places(), this.column(position)), 1);
    return mask ? logicalAnd(earlier, reshape(mask, [position.shape[0], 1, 1, this.length])) : earlier;
  }

  private places(): Tensor {
    return reshape(iota(this.length), [1, 1, this.length]);
  }

  private column(position: Tensor): Tensor {
    return reshape(position, [position.shape[0], 1, 1]);
  }
}

/** Rows of a table [steps, features] for one step of each sequence: [batch, 1, features]. */
export const rowsAt = (table: Tensor, position: Tensor): Tensor => expandDims(gather(table, position), 1);
