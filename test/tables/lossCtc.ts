// CTC losses of test/golden/lossCtc.json, made by scripts/golden/lossCtc.py. Graphs are built here, so that every stack computes the same.
import { gradients } from '../../src/autodiff/index.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { losses } from '../../src/losses/index.ts';
import { alias, tensor } from '../../src/ops/index.ts';
import golden from '../golden/lossCtc.json';
import { type Word, numbersOf } from './kinks.ts';
import type { Precision } from './lossJoint.ts';

interface Packed {
  readonly shape: readonly number[];
  readonly data: readonly Word[];
}

interface CtcRow {
  readonly note: string;
  readonly options: object;
  readonly targets: Packed;
  readonly logits: Packed;
  readonly mask: readonly (readonly boolean[])[] | null;
  readonly weight: readonly number[] | null;
  readonly values: readonly Word[];
  readonly gradient: readonly Word[];
}

export interface CtcCase {
  readonly name: string;
  readonly build: (precision: Precision) => Tensor[];
  readonly expected: readonly (readonly number[])[];
}

/** Builds the values of the samples and the gradient of the mean, weighted loss in the logits. */
export const ctcCases: readonly CtcCase[] = (golden as unknown as CtcRow[]).map((row) => ({
  name: row.note,
  build: (precision) => {
    const floats = (shape: readonly number[], data: readonly number[]): Tensor =>
      alias(hostTensor({ shape, dtype: 'f32' }, (precision === 'f64' ? Float64Array : Float32Array).from(data)));
    const logits = floats(row.logits.shape, numbersOf(row.logits));
    const targets = hostTensor({ shape: row.targets.shape, dtype: 'i32' }, Int32Array.from(numbersOf(row.targets)));
    const weight = row.weight ? floats([row.weight.length], row.weight) : undefined;
    const call = (loss: ReturnType<typeof losses.ctc>, w?: Tensor): Tensor =>
      row.mask ? loss.masked(tensor(row.mask.map((steps) => [...steps])), targets, logits, w) : loss(targets, logits, w);
    const value = call(losses.ctc(row.options), weight);
    return [call(losses.ctc({ ...row.options, reduction: 'none' })), ...gradients(value, [logits])];
  },
  expected: [numbersOf({ shape: [], data: row.values }), numbersOf({ shape: [], data: row.gradient })],
}));

/** Elements that differ from the expected ones by more than tolerance (1 + |x|). */
export const complaintsAboutCtc = ({ expected }: CtcCase, results: readonly ArrayLike<number>[], tolerance: number): string[] =>
  expected.flatMap((want, k) =>
    want.flatMap((x, i) =>
      results[k][i] === x || Math.abs(results[k][i] - x) <= tolerance * (1 + Math.abs(x))
        ? []
        : [`${k}[${i}]: ${results[k][i]} instead of ${x}`],
    ),
  );
