// Counter-based random numbers, Threefry-2x32 with 20 rounds (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011).
// shaders/random.wgsl computes the same bits: a number depends only on its key and counter, not on the device.

import { ArgumentError } from './errors.ts';

export type Key = readonly [number, number];

const rotations = [13, 15, 26, 6, 17, 29, 16, 24];
const parity = 0x1bd11bda;
const state = new Uint32Array(2);

/** Encrypts the counter (c0, c1) under the key (k0, k1); lane 0 or 1 of the result, as an unsigned 32-bit integer. */
export function threefry(k0: number, k1: number, c0: number, c1: number, lane: 0 | 1): number {
  threefryInto(state, k0, k1, c0, c1);
  return state[lane];
}

function threefryInto(out: Uint32Array, k0: number, k1: number, c0: number, c1: number): void {
  const k2 = k0 ^ k1 ^ parity;
  let x0 = (c0 + k0) | 0;
  let x1 = (c1 + k1) | 0;
  for (let round = 0; round < 20; round++) {
    const r = rotations[round % 8];
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << r) | (x1 >>> (32 - r))) ^ x0;
    if (round % 4 === 3) {
      const j = (round + 1) / 4;
      const a = j % 3;
      x0 = (x0 + (a === 0 ? k0 : a === 1 ? k1 : k2)) | 0;
      x1 = (x1 + (a === 0 ? k1 : a === 1 ? k2 : k0) + j) | 0;
    }
  }
  out[0] = x0;
  out[1] = x1;
}

/** 24 random bits as a number in [0, 1), the same on every stack. */
export const bitsToUniform = (bits: number): number => (bits >>> 8) * 2 ** -24;

/** Derives an independent key. */
export function foldKey(key: Key, data: number): Key {
  const out = new Uint32Array(2);
  threefryInto(out, key[0], key[1], data >>> 0, 0x6f6d6272);
  return [out[0], out[1]];
}

export const keyFromSeed = (seed: number): Key => [Math.floor(seed / 2 ** 32) >>> 0, seed >>> 0];

/** A deterministic sequence of numbers and keys on the host: initial weights, shuffles, one key per eager random op. */
export class RandomStream {
  private counter: number;
  readonly key: Key;

  /** `drawn` numbers are left out at the beginning. */
  constructor(key: Key, drawn = 0) {
    this.key = key;
    this.counter = drawn;
  }

  /** How many keys and numbers were drawn so far. */
  get drawn(): number {
    return this.counter;
  }

  static fromSeed(seed: number): RandomStream {
    return new RandomStream(keyFromSeed(seed));
  }

  nextKey(): Key {
    return foldKey(this.key, this.counter++);
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    return bitsToUniform(threefry(this.key[0], this.key[1], this.counter++, 0, 0));
  }

  /** Standard normal (Box-Muller). */
  normal(): number {
    const u = 1 - this.uniform();
    return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Fisher-Yates permutation of 0 … n-1. */
  permutation(n: number): Uint32Array {
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = Math.floor(this.uniform() * (i + 1));
      const swap = order[i];
      order[i] = order[j];
      order[j] = swap;
    }
    return order;
  }
}

let global = RandomStream.fromSeed(Date.now());

/** The stream of random ops without an explicit seed. */
export const globalStream = (): RandomStream => global;

/** Makes later random ops draw from another stream. Returns the stream before. */
export function exchangeGlobalStream(stream: RandomStream): RandomStream {
  const before = global;
  global = stream;
  return before;
}

/** Seeds all later random ops, initializers and shuffles. */
export function setSeed(seed: number): void {
  if (!Number.isFinite(seed))
    throw new ArgumentError(
      `setSeed: seed is ${typeof seed === 'string' ? JSON.stringify(seed) : String(seed)}; it must be a finite number`,
    );
  global = RandomStream.fromSeed(seed);
}
