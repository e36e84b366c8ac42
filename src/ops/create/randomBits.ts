// Counter-based random bits, and how random ops come to their key. Each element is a function of its key and its position, the same on every
// stack.
import randomSource from '../../../shaders/random.wgsl?raw';
import { provideFunctions } from '../../wgsl/index.ts';
import { keyFromSeed, threefry } from '../../core/random.ts';
import { type Shape, sizeOf } from '../../core/shape.ts';
import { defineOp } from '../../graph/op.ts';
import { type Tensor, apply, hostTensor } from '../../graph/tensor.ts';
import { drawKey, noteWord } from '../../graph/trace.ts';
import { spreadInputs } from '../batching/batching.ts';
import { unary } from '../elementwise/elementwise.ts';
import { checkFinite } from '../operands/arguments.ts';
import { broadcastTo, checkShape, reshape } from '../shape/shape.ts';
import { sliceAxis } from '../shape/slice.ts';

provideFunctions('random', randomSource);

interface BitsAttributes {
  /** Number of the random op within its trace. */
  readonly site: number;
  readonly lane: 0 | 1;
  /** Number of the draw within the random op. @default 0 */
  readonly draw?: number;
  /** Size of the first axis, along which the number of the draw rises. @default no such axis */
  readonly candidates?: number;
  /** Number of elements after which the positions begin again. @default never */
  readonly period?: number;
}

const perDraw = 2 ** 24;

/** Second word of the counter. A trace has less than 2^24 random ops, and a random op less than 256 draws. */
const streamOf = ({ site, draw = 0 }: BitsAttributes): number => (site + draw * perDraw) >>> 0;

/** Two words of a key, and perhaps the number of the draw beyond attributes.draw, each u32 of one shape -> u32. */
const randomBitsOp = defineOp<BitsAttributes>({
  name: 'randomBits',
  infer: ([k0]) => [{ shape: k0.shape, dtype: 'u32' }],
  vjp: 'nondifferentiable',
  // Each row draws what it would draw by itself.
  batch: (context) => {
    const { inputs, mapped, attributes, apply } = context;
    const period = attributes.period ?? sizeOf(mapped[0] ? inputs[0].shape.slice(1) : inputs[0].shape);
    return apply(spreadInputs(context), { ...attributes, period });
  },
  reference: ({ inputs: [k0, k1, further], outputs: [type], attributes, allocate }) => {
    const out = allocate('u32', sizeOf(type.shape));
    const { lane, candidates = 1, period = Infinity } = attributes;
    const stream = streamOf(attributes);
    for (let i = 0; i < out.length; i++) {
      const draw = further ? further.data[i] : Math.floor(i / period) % candidates;
      out[i] = threefry(k0.data[i], k1.data[i], i % period, stream + draw * perDraw, lane);
    }
    return [out];
  },
  lowering: {
    kind: 'elementwise',
    expression: ([k0, k1, further], { attributes, index }) => {
      const { lane, candidates, period } = attributes;
      const first = `${streamOf(attributes)}u`;
      const position = period === undefined ? index : `(${index} % ${period}u)`;
      const draw = further ?? (candidates === undefined ? undefined : `((${index} / ${period}u) % ${candidates}u)`);
      const stream = draw === undefined ? first : `(${first} + ${draw} * ${perDraw}u)`;
      return `threefry2x32(vec2u(${k0}, ${k1}), vec2u(${position}, ${stream}))[${lane}]`;
    },
  },
});

/** The upper 24 bits as a number in [0, 1). Each is exact in f32. */
export const toUniform = unary({
  name: 'bitsToUniform',
  takes: 'any',
  gives: 'f32',
  scalar: (bits) => bits,
  integer: (bits) => (bits >>> 8) * 2 ** -24,
  wgsl: { u32: (bits) => `bitsToUniform(${bits})` },
  derivatives: 'nondifferentiable',
});

/**
 * Source of random bits: two u32 tensors of the shape for each draw, all independent. `among` is a number of candidates, for the next draws along
 * a new first axis, or u32 of the shape, the number of the candidate of each element.
 */
export type Bits = (lane: 0 | 1, draw?: number, among?: number | Tensor) => Tensor;

export function checkSeed(op: string, seed: unknown): void {
  if (seed !== undefined) checkFinite(op, 'seed', seed);
}

/** One of the two words of a key, as a scalar. */
export const keyWord = (key: Tensor, word: number): Tensor => reshape(sliceAxis(key, 0, word, 1), []);

export function bitsFor(op: string, shape: Shape, seed: number | undefined): Bits {
  checkShape(op, shape);
  checkSeed(op, seed);
  const { key, site } =
    seed === undefined ? drawKey() : { key: hostTensor({ shape: [2], dtype: 'u32' }, Uint32Array.from(keyFromSeed(seed))), site: 0 };
  const words = [0, 1].map((word) => {
    const scalarWord = keyWord(key, word);
    noteWord(scalarWord, { key, word });
    return scalarWord;
  });
  return (lane, draw, among) => {
    const attributes = draw === undefined ? { site, lane } : { site, lane, draw };
    const wide = (to: Shape): Tensor[] => words.map((word) => broadcastTo(word, to));
    if (typeof among !== 'number') return apply(randomBitsOp, among ? [...wide(shape), among] : wide(shape), attributes);
    return apply(randomBitsOp, wide([among, ...shape]), { ...attributes, candidates: among, period: Math.max(1, sizeOf(shape)) });
  };
}

export interface SeedOptions {
  /**
   * Seed of this tensor, independent of setSeed(). The same seed gives the same tensor on every stack. @default the next numbers of
   * setSeed()'s stream
   */
  readonly seed?: number;
}
