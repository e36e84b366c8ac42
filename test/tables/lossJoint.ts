// Losses over several outputs and the circle loss: values and gradients of test/golden/lossJoint.json, made by scripts/golden/lossJoint.py. Graphs
// are built here, so that every stack computes the same.
import { gradients } from '../../src/autodiff/index.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { type Loss, type SeveralLoss, isJointLoss, losses } from '../../src/losses/index.ts';
import { alias } from '../../src/ops/index.ts';
import golden from '../golden/lossJoint.json';

interface Packed {
  readonly shape: readonly number[];
  readonly dtype: 'i32' | 'f32';
  readonly data: readonly number[];
}

interface JointRow {
  readonly loss: keyof typeof losses;
  readonly note: string;
  readonly options: object;
  readonly targets: Packed | null;
  readonly outputs: readonly Packed[];
  readonly weight: Packed | null;
  readonly values: readonly number[];
  readonly value: number;
  readonly gradients: readonly (readonly number[])[];
}

/** Tensors to compute, and the numbers that they must be: the values of the samples, the loss, and its gradients. */
export interface JointCase {
  readonly name: string;
  readonly loss: keyof typeof losses;
  readonly build: (precision: Precision) => Tensor[];
  readonly expected: readonly (readonly number[])[];
}

/** A device takes f32, the interpreter in mode f64 also f64. */
export type Precision = 'f32' | 'f64';

const unpack = ({ shape, dtype, data }: Packed, precision: Precision): Tensor =>
  dtype === 'i32'
    ? hostTensor({ shape, dtype }, Int32Array.from(data))
    : alias(hostTensor({ shape, dtype }, (precision === 'f64' ? Float64Array : Float32Array).from(data)));

/** Calls a loss with outputs in a list, or with its only output. */
function call(row: JointRow, options: object, outputs: readonly Tensor[], targets: Tensor | undefined, weight?: Tensor): Tensor {
  const loss = (losses[row.loss] as (options: object) => Loss | SeveralLoss)(options);
  return isJointLoss(loss) ? loss(targets, [...outputs], weight) : loss(targets!, outputs[0], weight);
}

const wholeBatch: readonly string[] = ['barlowTwins', 'vicReg'];

export const jointCases: readonly JointCase[] = (golden as unknown as JointRow[]).map((row) => ({
  name: `${row.loss}: ${row.note}`,
  loss: row.loss,
  build: (precision) => {
    const outputs = row.outputs.map((packed) => unpack(packed, precision));
    const [targets, weight] = [row.targets, row.weight].map((packed) => (packed ? unpack(packed, precision) : undefined));
    const each = call(row, wholeBatch.includes(row.loss) ? row.options : { ...row.options, reduction: 'none' }, outputs, targets);
    const value = call(row, row.options, outputs, targets, weight);
    return [each, value, ...gradients(value, outputs)];
  },
  expected: [row.values, [row.value], ...row.gradients],
}));

/** Elements of the results that differ from the expected ones by more than tolerance (1 + |x|), and the largest such error. */
export function compareJoint(
  { expected }: JointCase,
  results: readonly ArrayLike<number>[],
  tolerance: number,
): { complaints: string[]; worst: number } {
  const errors = expected.flatMap((want, k) =>
    want.map((x, i) => ({
      at: `${['values', 'value'][k] ?? `gradient ${k - 2}`}[${i}]`,
      got: results[k][i],
      x,
      error: Math.abs(results[k][i] - x) / (1 + Math.abs(x)),
    })),
  );
  return {
    complaints: errors.filter(({ error }) => !(error <= tolerance)).map(({ at, got, x }) => `${at}: ${got} instead of ${x}`),
    worst: Math.max(...errors.map(({ error }) => error)),
  };
}
