// callbacks.liveChart: against a fake chart, and against Chart.js on a canvas that only records.
import { Chart } from 'chart.js/auto';
import { describe, expect, test } from 'vitest';
import { type ChartConfig, type CurveChart, type Model, callbacks, layers, sequential } from '../../src/index.ts';

const x = Array.from({ length: 10 }, (_, i) => [i / 10]);
const y = x.map(([a]) => [2 * a + 1]);
const quiet = { verbose: 0, batchSize: 2, shuffle: false } as const;

function line(): Model {
  const model = sequential([layers.dense({ units: 1, inputShape: [1] })]);
  model.compile({ optimizer: 'sgd', loss: 'mse', metrics: ['mae'], seed: 1 });
  return model;
}

interface FakeChart extends CurveChart {
  readonly data: { datasets: { label: string; data: { x: number; y: number }[] }[] };
  updates: number;
}

const fake = (): FakeChart => ({
  data: { datasets: [] },
  updates: 0,
  update(mode) {
    expect(mode).toBe('none');
    this.updates++;
  },
});

const curvesOf = ({ data }: FakeChart): Record<string, [number, number][]> =>
  Object.fromEntries(data.datasets.map(({ label, data: points }) => [label, points.map((point) => [point.x, point.y])]));

/** Hooks as fit calls them, with the values of batches under control. */
async function play(
  callback: ReturnType<typeof callbacks.liveChart>,
  batches: number | undefined,
  running: readonly number[],
): Promise<void> {
  await callback.onTrainBegin!({ metrics: ['loss'], batches } as never);
  await callback.onEpochBegin!(0);
  for (const [i, loss] of running.entries()) await callback.onBatchEnd!(i, { size: 1, ...(loss >= 0 && { loss }) });
  await callback.onEpochEnd!(0, { loss: 0.5 });
}

describe('a chart of its own', () => {
  test('has the values of the history at whole epochs', async () => {
    const chart = fake();
    const { history } = await line().fit(x, y, {
      ...{ ...quiet, epochs: 3, validationSplit: 0.2 },
      callbacks: callbacks.liveChart({ chart, updateFrequency: 'epoch' }),
    });
    const expected = Object.entries(history).map(([name, values]) => [name, values.map((value, i) => [i + 1, value])]);
    expect(curvesOf(chart)).toEqual(Object.fromEntries(expected));
    expect(chart.updates).toBe(4);
  });

  test('gets running values at fractions of epochs, once each', async () => {
    const chart = fake();
    await play(callbacks.liveChart({ chart }), 5, [-1, 4, 4, 2, 1]);
    expect(curvesOf(chart).loss).toEqual([[0.4, 4], [0.8, 2], [1, 0.5]]); // prettier-ignore
    const unknown = fake();
    await play(callbacks.liveChart({ chart: unknown }), undefined, [4, 2]);
    expect(curvesOf(unknown).loss).toEqual([[1, 0.5]]);
  });

  test('draws the values that are named, and starts again with each fit', async () => {
    const chart = fake();
    const live = callbacks.liveChart({ chart, values: ['mae'] });
    const model = line();
    await model.fit(x, y, { ...quiet, epochs: 2, callbacks: live });
    const { history } = await model.fit(x, y, { ...quiet, epochs: 1, callbacks: live });
    expect(Object.keys(curvesOf(chart))).toEqual(['mae']);
    expect(curvesOf(chart).mae.at(-1)).toEqual([1, history.mae[0]]);
    expect(live.chart).toBe(chart);
  });

  test('leaves gaps for values that are not finite, and thins long curves', async () => {
    const chart = fake();
    await play(callbacks.liveChart({ chart, maxPoints: 4 }), 9, [8, 7, Infinity, 5, 4, 3]);
    expect(curvesOf(chart).loss).toEqual([[2 / 9, 7], [4 / 9, 5], [6 / 9, 3], [1, 0.5]]); // prettier-ignore
    const gaps = fake();
    await play(callbacks.liveChart({ chart: gaps }), 9, [8, Infinity]);
    expect(curvesOf(gaps).loss[1]).toEqual([2 / 9, NaN]);
  });

  test('errors', async () => {
    const fit = (options: Parameters<typeof callbacks.liveChart>[0]): Promise<unknown> =>
      line().fit(x, y, { ...quiet, callbacks: callbacks.liveChart(options) });
    await expect(fit({ chart: fake(), values: ['val_loss'] })).rejects.toThrow(
      "callbacks.liveChart: values has 'val_loss', which is none of loss, mae",
    );
    await expect(fit({ chart: () => 5 as never })).rejects.toThrow(
      'callbacks.liveChart: chart is 5; it must be a chart with data.datasets and update(), such as new Chart(canvas, config) of Chart.js',
    );
    await expect(fit({ chart: { update: () => undefined } as never })).rejects.toThrow('it must be a chart with data.datasets');
  });
});

describe('a chart of Chart.js', () => {
  /** A drawing context that takes every call and counts the strokes. */
  function recordingContext(): { context: CanvasRenderingContext2D; strokes: () => number } {
    let strokes = 0;
    const canvas = { width: 300, height: 150, style: {} };
    const own: Record<string | symbol, unknown> = { canvas };
    const context = new Proxy(
      { canvas },
      {
        get: (_, name) => {
          if (name in own || name === 'length') return own[name];
          if (name === 'measureText') return () => ({ width: 10 });
          return () => void (name === 'stroke' && strokes++);
        },
        set: (_, name, value: unknown) => ((own[name] = value), true),
      },
    );
    return { context: Object.assign(canvas, { getContext: () => context }) && (context as never), strokes: () => strokes };
  }

  test('takes the configuration and draws the curves', async () => {
    const { context, strokes } = recordingContext();
    let config: ChartConfig | undefined;
    const live = callbacks.liveChart({
      chart: (given) => {
        config = given;
        return new Chart(context, given);
      },
    });
    const options = { ...quiet, epochs: 2, validationSplit: 0.2, callbacks: live };
    const { history } = await line().fit(x, y, options);
    const chart = live.chart as Chart<'line'>;
    expect(Object.keys(config!.options.scales)).toEqual(['x', 'y', 'metrics']);
    expect(chart.data.datasets.map(({ label, yAxisID, borderDash }) => [label, yAxisID, borderDash])).toEqual([
      ['loss', 'y', undefined],
      ['mae', 'metrics', undefined],
      ['val_loss', 'y', [6, 3]],
      ['val_mae', 'metrics', [6, 3]],
    ]);
    // Chart.js read the points: the scale of losses spans them.
    const losses = [...history.loss, ...history.val_loss];
    expect(chart.scales.y.min).toBeLessThanOrEqual(Math.min(...losses));
    expect(chart.scales.y.max).toBeGreaterThanOrEqual(Math.max(...losses));
    expect(chart.scales.x.max).toBe(2);
    const before = strokes();
    expect(before).toBeGreaterThan(0);
    // One canvas takes one chart; a second fit uses it again.
    await line().fit(x, y, options);
    expect(live.chart).toBe(chart);
    chart.destroy();
  });
});
