// Running extremes and running log-sum-exp. One primitive returns the position of each running extreme, and values are gathered by it, so
// the gradient goes to the extreme element. The log-sum-exp is a linear recurrence over sums scaled by the running maximum.
import { DtypeError, checkOptions } from '../../core/errors.ts';
import { normalizeAxis, sizeOf } from '../../core/shape.ts';
import { type KernelDispatch, type Target, defineOp } from '../../graph/op.ts';
import { type Tensor, apply } from '../../graph/tensor.ts';
import { gridOf, runOf } from '../../graph/workgroups.ts';
import cumExtremeSource from '../../../shaders/cumExtreme.wgsl?raw';
import { type KernelFile, computeType, fillKernel, storageType } from '../../wgsl/index.ts';
import { takeAlong } from '../indexing/alongAxis.ts';
import { checkFlag } from '../operands/arguments.ts';
import { add, minimum, sub } from '../elementwise/arithmetic.ts';
import { shiftAxis } from '../batching/batching.ts';
import { equal, isFinite } from '../elementwise/comparison.ts';
import { exp, log } from '../elementwise/exponential.ts';
import { type TensorLike, operand } from '../operands/operands.ts';
import { linearRecurrence, shift } from './scan.ts';
import { type ScanGeometry, scanGeometry } from './scanPlan.ts';
import { where } from '../elementwise/select.ts';
import { flatten, stopGradient } from '../shape/shape.ts';

const cumExtremeKernel: KernelFile = { name: 'cumExtreme', text: cumExtremeSource };

interface ExtremeAttributes {
  readonly axis: number;
  readonly reverse: boolean;
  readonly largest: boolean;
}

/** Items per invocation. Each invocation reads all earlier chunks, so there are at most as many chunks as items in a chunk. */
function chunkOf({ outer, length, inner }: ScanGeometry, { processor }: Target): number {
  const lines = outer * inner;
  const root = Math.ceil(Math.sqrt(length));
  if (processor === 'gpu') return lines >= 65536 || length <= 128 ? length : Math.max(32, root);
  return lines >= 1024 || length <= 512 ? length : Math.max(256, root, Math.ceil((lines * length) / 4096));
}

/** x [.., N, ..] -> i32 [.., N, ..]: position of the running extreme along the axis. The latest of equal elements, the first NaN. */
const cumArgExtremeOp = defineOp<ExtremeAttributes>({
  name: 'cumArgExtreme',
  infer: ([{ shape, dtype }]) => {
    if (dtype === 'bool') throw new DtypeError("cumArgExtreme: the primitive does not take bool; cast(x, 'i32') first");
    return [{ shape, dtype: 'i32' }];
  },
  batch: shiftAxis,
  vjp: 'nondifferentiable',
  reference: ({ inputs: [x], attributes: { axis, reverse, largest }, allocate }) => {
    const { outer, length, inner } = scanGeometry(x.shape, axis);
    const out = allocate('i32', sizeOf(x.shape));
    const beats = (a: number, b: number): boolean => !Number.isNaN(a) && (Number.isNaN(b) || (largest ? b >= a : b <= a));
    for (let line = 0; line < outer * inner; line++) {
      const base = Math.floor(line / inner) * length * inner + (line % inner);
      let best = reverse ? length - 1 : 0;
      for (let step = 0; step < length; step++) {
        const place = reverse ? length - 1 - step : step;
        if (beats(x.data[base + best * inner], x.data[base + place * inner])) best = place;
        out[base + place * inner] = best;
      }
    }
    return [out];
  },
  lowering: {
    kind: 'kernel',
    epilogue: false,
    plan: ({ inputs: [x], attributes: { axis, reverse, largest }, target }) => {
      const geometry = scanGeometry(x.shape, axis);
      const { outer, length, inner } = geometry;
      const chunk = Math.max(1, chunkOf(geometry, target));
      const chunks = Math.ceil(length / chunk);
      const size = outer * chunks * inner;
      const run = Math.max(1, Math.ceil(runOf(size * chunk, target) / chunk));
      const value = computeType(x.dtype);
      const input = { kind: 'input', index: 0 } as const;
      const winners = { kind: 'temporary', index: 0 } as const;
      const phase = (number: 0 | 1): KernelDispatch => ({
        name: number === 0 ? 'cum_extreme_chunks' : 'cum_extreme',
        ...fillKernel(cumExtremeKernel, {
          constants: { isFloat: value === 'f32', largest },
          aliases: { Element: storageType(x.dtype), Value: value },
          params: { size, run, length, inner, chunk, chunks, reverse, phase: number },
        }),
        // Without earlier chunks, no invocation reads the winners, so any buffer may be bound.
        operands: [input, number === 1 && chunks > 1 ? winners : input, number === 1 ? { kind: 'output', index: 0 } : winners],
        workgroups: gridOf(Math.ceil(size / (run * 64)), target),
      });
      return chunks > 1
        ? { dispatches: [phase(0), phase(1)], temporaries: [{ shape: [outer, chunks, inner], dtype: 'i32' }] }
        : { dispatches: [phase(1)], temporaries: [] };
    },
  },
});

export interface CumulativeOptions {
  /** Axis to scan. Negative values count from the end. Without it, the flattened tensor is scanned. */
  readonly axis?: number;
  /**
   * Whether to scan from the last element to the first.
   * @default false
   */
  readonly reverse?: boolean;
}

/** Resolves the tensor and the axis from the options. */
function lineOf(op: string, x: TensorLike, options: CumulativeOptions, rule: 'number' | 'float') {
  checkOptions(op, options, ['axis', 'reverse']);
  const t = operand(op, x, rule);
  const { axis, reverse = false } = options;
  checkFlag(op, 'reverse', reverse);
  return axis === undefined ? { t: flatten(t), axis: 0, reverse } : { t, axis: normalizeAxis(op, axis, t.rank), reverse };
}

function running(op: string, x: TensorLike, options: CumulativeOptions, largest: boolean): Tensor {
  const { t, axis, reverse } = lineOf(op, x, options, 'number');
  return takeAlong(t, apply(cumArgExtremeOp, [t], { axis, reverse, largest }), axis);
}

/**
 * Running maximum along an axis, y[i] = max x[j] over j ≤ i (reverse: j ≥ i). All results after the first NaN are NaN. The gradient goes to
 * the maximum, to the latest of equal elements, as in PyTorch's cummax. bool becomes i32.
 *
 * x [.., N, ..] -> [.., N, ..]; [size] without an axis.
 * @throws ShapeError for an axis that x does not have, ArgumentError for an option of another type.
 *
 *     cumMax(tensor([1, 3, 2]))   // [1, 3, 3]
 */
export const cumMax = (x: TensorLike, options: CumulativeOptions = {}): Tensor => running('cumMax', x, options, true);

/**
 * Running minimum along an axis, y[i] = min x[j] over j ≤ i (reverse: j ≥ i). All results after the first NaN are NaN. The gradient goes to
 * the minimum, to the latest of equal elements, as in PyTorch's cummin. bool becomes i32.
 *
 * x [.., N, ..] -> [.., N, ..]; [size] without an axis.
 * @throws ShapeError for an axis that x does not have, ArgumentError for an option of another type.
 *
 *     cumMin(tensor([3, 1, 2]))   // [3, 1, 1]
 */
export const cumMin = (x: TensorLike, options: CumulativeOptions = {}): Tensor => running('cumMin', x, options, false);

/**
 * Logarithm of the running sum of exponentials along an axis, y[i] = log Σ e^x[j] over j ≤ i (reverse: j ≥ i), without overflow: sums are
 * scaled by the running maximum. The result is -Infinity, with gradient 0, while all elements are -Infinity.
 *
 * x [.., N, ..] -> float [.., N, ..]; [size] without an axis. Integers become f32.
 * @throws ShapeError for an axis that x does not have, ArgumentError for an option of another type. (torch.logcumsumexp.)
 *
 *     logCumSumExp(tensor([0, 0, 1000]))   // [0, 0.6931472, 1000]
 */
export function logCumSumExp(x: TensorLike, options: CumulativeOptions = {}): Tensor {
  const { t, axis, reverse } = lineOf('logCumSumExp', x, options, 'float');
  // s[i] = e^(m[i-1] - m[i]) s[i-1] + e^(x[i] - m[i]), y = m + log s with the running maximum m. y does not depend on m.
  const largest = cumMax(stopGradient(t), { axis, reverse });
  const m = where(isFinite(largest), largest, 0);
  // At most 0, except if m replaces an infinity. Before the first finite element the sum is empty.
  const factor = exp(minimum(sub(shift(m, axis, reverse), m), 0));
  const s = linearRecurrence(factor, exp(sub(t, m)), { axis, reverse, exclusive: false, lagged: false });
  const none = equal(s, 0);
  return where(none, -Infinity, add(m, log(where(none, 1, s))));
}
