// Every op of the tables on symbolic tensors: written once for a batch of unknown size, and computed for batches of 1, 3 and 5. The results
// have the bits of a direct call. Rows that are left out are printed with their reasons.
import { afterAll, describe, expect, test } from 'vitest';
import { setSeed } from '../../src/core/random.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { NetworkPass, graph, input, networkOf } from '../../src/nn/index.ts';
import '../../src/ops/methods.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { familyOf, opRows } from '../tables/index.ts';
import { type OpRow, valuesOf } from '../tables/row.ts';

const batches = [1, 3, 5];

const inputsFor = (row: OpRow, isBatch: readonly boolean[], batch: number): Tensor[] =>
  row.inputs.map((spec, k) => {
    const shape = isBatch[k] ? [batch, ...spec.shape.slice(1)] : spec.shape;
    return hostTensor({ shape, dtype: spec.dtype }, valuesOf({ ...spec, shape }, k, 'f32'));
  });

const takesBatches = (row: OpRow, isBatch: readonly boolean[]): boolean =>
  batches.every((batch) => {
    try {
      row.call(...inputsFor(row, isBatch, batch));
      return true;
    } catch {
      return false;
    }
  });

/** Which inputs have the batch as their first axis: the first input only, or all inputs of its size. */
function choices({ inputs }: OpRow): boolean[][] {
  const isFirst = inputs.map((_, k) => k === 0);
  const isSame = inputs.map(({ shape }) => shape.length > 0 && shape[0] === inputs[0].shape[0]);
  return isSame.filter(Boolean).length > 1 ? [isSame, isFirst] : [isFirst];
}

/** Writes a row for an unknown batch, and compares it with direct calls. */
function compare(row: OpRow, isBatch: readonly boolean[], sizes: readonly number[], digits?: number): void {
  const constants = inputsFor(row, isBatch, 2);
  const symbols = row.inputs.map(({ shape, dtype }, k) =>
    isBatch[k] ? input({ shape: shape.slice(1), dtype: dtype as 'f32' | 'i32' }) : constants[k],
  );
  const [unknown] = symbols[0].shape;
  setSeed(1);
  const result = row.call(...symbols);
  // A result whose first axis is another one is given to each sample, since outputs of a model begin with the batch.
  const outputOf = (tensor: Tensor, batch: number): Tensor =>
    result.shape[0] === unknown ? tensor : tensor.expandDims(0).broadcastTo([batch, ...tensor.shape]);
  const network = networkOf(graph({ inputs: symbols.filter((_, k) => isBatch[k]), outputs: outputOf(result, unknown) }));
  for (const batch of sizes) {
    const values = inputsFor(row, isBatch, batch);
    setSeed(1);
    const expected = outputOf(row.call(...values), batch);
    setSeed(1);
    const x = values.filter((_, k) => isBatch[k]);
    const got = new NetworkPass(network, { parameters: {}, state: {} }).run(x, false).outputs as Tensor;
    expect([got.dtype, got.shape]).toEqual([expected.dtype, expected.shape]);
    const [a, b] = interpret([got, expected]);
    if (digits === undefined) expect(a).toEqual(b);
    else a.forEach((value, i) => expect(value).toBeCloseTo(b[i], digits));
  }
}

interface Exception {
  readonly rows: readonly string[];
  readonly reason: string;
  /** Message of the error. */
  readonly throws?: RegExp;
  /** Number of equal digits, if the bits differ. */
  readonly digits?: number;
  /** Batch sizes that are compared. */
  readonly batches?: readonly number[];
}

const exceptions: readonly Exception[] = [
  { rows: ['squeeze'], batches: [3, 5], reason: 'a direct call of batch 1 drops the batch axis too' },
  { rows: ['diagonal tall'], batches: [3, 5], reason: 'a direct call of batch 1 has a shorter diagonal; a model throws' },
  { rows: ['einsum abc,cd,bde->ae'], digits: 5, reason: 'the order of the products depends on the batch: equal to 5 digits' },
  { rows: ['zerosLike', 'onesLike'], throws: /no input reaches/, reason: 'the result does not depend on x' },
  {
    rows: ['slice', 'slice strided', 'irfft filled'],
    throws: /slice: positions \d+ to \d+ are outside axis 0 of \[1,/,
    reason: 'the window is larger than a batch of 1',
  },
  { rows: ['slice backwards'], throws: /may be a size made of the batch size/, reason: 'half of the batch is no whole number' },
  {
    rows: ['quantile', 'quantile axes', 'median odd'],
    throws: /may be a size made of the batch size/,
    reason: 'the positions are shares of the batch',
  },
  { rows: ['diagonal axes'], throws: /reshape: \[2,0\]/, reason: 'a direct call of batch 1 has an empty diagonal; a model throws' },
  {
    rows: ['fft axis', 'ifft axis ortho', 'ifft forward', 'rfft axis'],
    throws: /builds tables for the size of its axis, which is the batch/,
    reason: 'the transform has tables for the size of its axis',
  },
];

let equal = 0;
const leftOut = new Map<string, string[]>();
const leaveOut = (row: OpRow, reason: string): void => {
  leftOut.set(reason, [...(leftOut.get(reason) ?? []), `${familyOf(row)}: ${row.name}`]);
};

describe('ops on symbolic tensors are computed for the real batch', () => {
  test.each(opRows.map((row) => [row.name, row] as const))('%s', (name, row) => {
    const [first] = row.inputs;
    if (!first?.shape.length) return leaveOut(row, 'has no input with an axis');
    if (row.inputs.some(({ shape }) => shape.includes(0))) return leaveOut(row, 'has an empty input, which no model takes');
    if (first.dtype !== 'f32' && first.dtype !== 'i32') return leaveOut(row, `has an input of dtype ${first.dtype}`);
    const possible = choices(row).filter((isBatch) => takesBatches(row, isBatch));
    if (possible.length === 0) return leaveOut(row, 'takes one size of its first axis only');
    const exception = exceptions.find(({ rows }) => rows.includes(name));
    const run = (): void => possible.forEach((isBatch) => compare(row, isBatch, exception?.batches ?? batches, exception?.digits));
    if (exception?.throws) expect(run).toThrow(exception.throws);
    else run();
    if (exception) leaveOut(row, exception.reason);
    else equal++;
  });

  afterAll(() => {
    console.log(`${equal} of ${opRows.length} rows are equal for batches of ${batches.join(', ')}; left out:`);
    for (const [reason, names] of leftOut) console.log(`- ${reason} (${names.length}): ${names.join(', ')}`);
  });
});
