// Norms, spreads and normalisations of numbers whose squares f32 does not hold, against PyTorch in f64 (scripts/golden/extremes.py).
import { gradients } from '../../src/autodiff/index.ts';
import type { HostArray } from '../../src/core/dtype.ts';
import { sizeOf } from '../../src/core/shape.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { losses } from '../../src/losses/index.ts';
import * as o from '../../src/ops/index.ts';
import { noteError, noteGradients, noteVectors } from '../support/findings.ts';
import golden from '../golden/extremes.json' with { type: 'json' };

interface Golden {
  readonly function: string;
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly gradient: readonly number[];
  readonly second?: readonly number[];
}

export const extremes: readonly Golden[] = golden.cases;
const { rows, length } = golden;

const leaf = (values: readonly number[], shape: readonly number[]): Tensor =>
  o.alias(hostTensor({ shape, dtype: 'f32' }, Float32Array.from(values)));

const grouped =
  (normalize: (x: Tensor) => Tensor) =>
  (x: Tensor): Tensor =>
    o.reshape(normalize(o.reshape(x, [x.shape[0], length / 4, 4])), x.shape);

const functions: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  ...Object.fromEntries([2, 3, 1.5, 0.5, 20, -1, -3].map((ord) => [`norm ${ord}`, (x: Tensor): Tensor => o.norm(x, { axis: 1, ord })])),
  std: (x) => o.std(x, { axis: 1 }),
  'std sample': (x) => o.std(x, { axis: 1, correction: 1 }),
  layerNorm: (x) => o.layerNorm(x, { epsilon: 1e-5 }),
  'layerNorm without epsilon': (x) => o.layerNorm(x, { epsilon: 0 }),
  groupNorm: grouped((x) => o.groupNorm(x, { groups: 2, epsilon: 1e-12 })),
  instanceNorm: grouped((x) => o.instanceNorm(x, { epsilon: 1e-12 })),
  rmsNorm: (x) => o.rmsNorm(x),
  'rmsNorm without epsilon': (x) => o.rmsNorm(x, { epsilon: 0 }),
  cosineSimilarity: (x) => losses.cosineSimilarity({ reduction: 'none' })(repeated(golden.target, x.shape), x),
};

/** The values over and over. */
const repeated = (values: readonly number[], shape: readonly number[]): Tensor =>
  leaf(
    Array.from({ length: sizeOf(shape) }, (_, i) => values[i % values.length]),
    shape,
  );

/** The function of all cases' rows at once, its gradient, and the derivative of that: fresh graphs at each call. */
function resultsOf(name: string, cases: readonly Golden[]): Tensor[] {
  const x = leaf(cases.flatMap((golden) => golden.x), [rows * cases.length, length]); // prettier-ignore
  const y = functions[name](x);
  const weights = repeated(cases[0].y.map((_, i) => Math.cos(i)), y.shape); // prettier-ignore
  const [slope] = gradients(o.sum(o.mul(y, weights)), [x]);
  const directions = repeated(cases[0].x.map((_, i) => Math.sin(i)), x.shape); // prettier-ignore
  return [y, slope, gradients(o.sum(o.mul(slope, directions)), [x])[0]];
}

/** The results of each case: value, gradient, second derivative. */
export async function extremeResults(
  read: (tensors: Tensor[]) => readonly HostArray[] | Promise<readonly HostArray[]>,
): Promise<Map<string, HostArray[]>> {
  const names = Object.keys(functions);
  const casesOf = (name: string): Golden[] => extremes.filter((golden) => golden.function === name);
  const all = await read(names.flatMap((name) => resultsOf(name, casesOf(name))));
  const found = new Map<string, HostArray[]>();
  names.forEach((name, n) => {
    casesOf(name).forEach((golden, i, { length: count }) => {
      const own = all.slice(3 * n, 3 * n + 3).map((data) => data.slice((i * data.length) / count, ((i + 1) * data.length) / count));
      found.set(golden.name, own);
    });
  });
  return found;
}

/**
 * Describes an error of the results. Empty if there is none. Errors are relative to the largest result in the row: a small element has the
 * same absolute error as a large one.
 */
export function complaintAbout(
  { name, y, gradient, second }: Golden,
  results: readonly ArrayLike<number>[],
  tolerances: readonly number[],
): string {
  let complaint = '';
  [y, gradient, ...(second ? [second] : [])].forEach((expected, k) => {
    const what = ['value', 'gradient', 'second derivative'][k];
    const width = expected.length / rows;
    if (results[k].length !== expected.length) complaint ||= `${name}: ${what} has ${results[k].length} elements`;
    expected.forEach((want, i) => {
      const row = expected.slice(Math.floor(i / width) * width, (Math.floor(i / width) + 1) * width);
      // Below the normal numbers a GPU has nothing.
      const allowed = Math.max(tolerances[k] * Math.max(...row.map(Math.abs)), 2 ** -126);
      const error = results[k][i] === want ? 0 : Math.abs(results[k][i] - want);
      noteError('extremes', `${what} of ${name}`, error, allowed);
      if (!(error <= allowed)) complaint ||= `${what} of ${name}, element ${i}: ${results[k][i]} instead of ${want}`;
    });
    if (k === 0) noteVectors(1);
    else noteGradients(1);
  });
  return complaint;
}
