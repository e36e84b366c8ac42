// Decoding step by step: attention layers keep the keys and values of earlier steps, and position layers get the number of the step.
import type { Tensor } from '../graph/tensor.ts';
import { iota } from '../ops/create/create.ts';
import { equal, expandDims, gather, lessEqual, pad, reshape, where } from '../ops/index.ts';

/** Caches of one forward pass, in the order in which attention layers use them. */
export class Decoding {
  /** Number of steps that the caches hold. */
  readonly length: number;
  /** Index of the only step of the inputs, i32 [batch]. Undefined for a pass over a prompt, which begins at step 0. */
  readonly position: Tensor | undefined;
  /** Caches after the pass. */
  readonly caches: Tensor[] = [];
  private readonly before: readonly Tensor[];

  constructor(length: number, before: readonly Tensor[] = [], position?: Tensor) {
    this.length = length;
    this.before = before;
    this.position = position;
  }

  /** Stores x [batch, heads, time, dim]. Returns x for a prompt, and all stored steps [batch, heads, length, dim] for one step. */
  extend(x: Tensor): Tensor {
    if (!this.position) {
      this.caches.push(pad(x, [[0, 0], [0, 0], [0, this.length - x.shape[2]], [0, 0]])); // prettier-ignore
      return x;
    }
    const here = equal(this.places(), this.column(this.position));
    const all = where(expandDims(here, 3), x, this.before[this.caches.length]);
    this.caches.push(all);
    return all;
  }

  /** Stored steps that the step may see, bool [batch, 1, 1, length]. Undefined for a prompt. */
  visible(): Tensor | undefined {
    return this.position && expandDims(lessEqual(this.places(), this.column(this.position)), 1);
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
