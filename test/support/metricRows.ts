// Metrics over data of test/golden/metricFamilies.json, updated with batches of different sizes.
import golden from '../golden/metricFamilies.json';
import { leavesOf } from '../../src/core/tree.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { type MetricState, metrics } from '../../src/metrics/index.ts';
import type { Streamed } from '../../src/metrics/metric.ts';

export type MetricKey = keyof typeof metrics;
export const metricNames = Object.keys(metrics) as MetricKey[];

interface Packed {
  readonly shape: number[];
  readonly dtype: 'f32' | 'i32';
  readonly data: number[];
}

/** A metric over one data set. `value` has one number, or one for each element of the results in the order of their names. */
export interface MetricRow {
  readonly name: MetricKey;
  readonly data: string;
  readonly options: object;
  readonly weighted: boolean;
  readonly value: number | (number | string)[];
}

export const { data, rows } = golden as unknown as {
  data: Record<string, { targets: Packed; predictions: Packed; weight: Packed }>;
  rows: MetricRow[];
};

export const makeMetricOf = (name: MetricKey, options: object = {}): Streamed<MetricState, unknown> =>
  (metrics[name] as (options: object) => Streamed<MetricState, unknown>)(options);

type Arrays = typeof Float32Array | typeof Float64Array;

const part = ({ shape: [, ...rest], dtype, data: all }: Packed, from: number, to: number, Floats: Arrays): Tensor => {
  const width = rest.reduce((a, b) => a * b, 1);
  const values = all.slice(from * width, to * width);
  return hostTensor({ shape: [to - from, ...rest], dtype }, (dtype === 'i32' ? Int32Array : Floats).from(values));
};

/** Batches of a data set. Their sizes differ, and one has a single sample. */
export function batchesOf(name: string, Floats: Arrays = Float32Array): { targets: Tensor; predictions: Tensor; weight: Tensor }[] {
  const { targets, predictions, weight } = data[name];
  const [samples] = predictions.shape;
  const batches = [];
  for (let from = 0, i = 0; from < samples; i++) {
    const to = Math.min(samples, from + [5, 1, 9, 3][i % 4]);
    batches.push({
      targets: part(targets, from, to, Floats),
      predictions: part(predictions, from, to, Floats),
      weight: part(weight, from, to, Floats),
    });
    from = to;
  }
  return batches;
}

/** Tensors of a result in the order of their names. */
export const tensorsOf = (result: unknown): Tensor[] => leavesOf(result).map(({ value }) => value as Tensor);
