// A forecast of the next day's temperature. The series is generated, because the data sets of the library have none. It is a season, a slow
// trend, and weather that swings within about a week. The naive forecast is that nothing changes.
import { data, layers, optimizers, random, schedules, sequential, setSeed } from 'ombre';
import type { Figures, Run } from './example.ts';

const window = 14;
/** Standard deviation of the daily noise, in degrees. */
const noise = 2;

/** Temperatures of days in degrees Celsius: 10 in the mean, 10 more in summer, and one more after ten years. */
async function temperatures(days: number): Promise<Float32Array> {
  const draws = await random.normal([days], { stddev: noise }).data();
  // Weather of today: the swing of an autoregression of order 2, w(t) = 1.3 w(t - 1) - 0.7 w(t - 2) + noise.
  let [yesterday, before] = [0, 0];
  return Float32Array.from(draws, (draw, day) => {
    [yesterday, before] = [1.3 * yesterday - 0.7 * before + Number(draw), yesterday];
    return 10 - 10 * Math.cos(angle(day)) + day / 3652.5 + yesterday;
  });
}

/** Angle of a day in its year. */
const angle = (day: number): number => (2 * Math.PI * day) / 365.25;

/** Figures: the mean absolute error of the days that the training has not seen, in degrees, of the network and of the naive forecast. */
export async function series({ isSmall, print, plot, watch }: Run): Promise<Figures> {
  setSeed(1);
  const [years, units, epochs, batchSize] = isSmall ? [4, 8, 6, 32] : [30, 32, 12, 64];
  const days = Math.floor(365.25 * years);
  const celsius = await temperatures(days);
  const rows = Array.from(celsius, (value, day) => [value, Math.sin(angle(day)), Math.cos(angle(day))]);

  // The target of a window is the change from its last day to the next one.
  const changes = celsius.subarray(1).map((value, day) => value - celsius[day]);
  const targets = changes.subarray(window - 1);
  const border = Math.floor(0.8 * days);
  const windows = (startIndex: number, endIndex: number) =>
    data.timeseries(rows, { sequenceLength: window, targets, startIndex, endIndex });
  const train = windows(0, border).shuffle(border, { seed: 1 }).batch(batchSize).prefetch(2);
  const test = windows(border, days).batch(500);

  const normalize = layers.normalization({ inputShape: [window, 3] });
  await normalize.adapt(rows.slice(0, border));
  const model = sequential([normalize, layers.gru({ units }), layers.dense({ units: 1 })]);
  const steps = epochs * Math.ceil((border - window + 1) / batchSize);
  model.compile({
    optimizer: optimizers.adam({ learningRate: schedules.cosineDecay({ initialLearningRate: isSmall ? 0.03 : 0.01, decaySteps: steps }) }),
    loss: 'meanSquaredError',
    metrics: ['meanAbsoluteError'],
  });
  await model.fit(train, undefined, { epochs, verbose: 0, callbacks: watch() });

  const { meanAbsoluteError: network } = await model.evaluate(test, undefined, { verbose: 0 });
  const later = changes.subarray(border + window - 1);
  const naive = later.reduce((total, change) => total + Math.abs(change), 0) / later.length;
  // The mean absolute value of the noise is out of reach of any forecast.
  const smallest = noise * Math.sqrt(2 / Math.PI);
  // The last weeks: the real temperatures of the next days, and the forecasts.
  const from = days - 60;
  const forecasts = await (await model.predict(windows(from - window, days).batch(100))).data();
  forecasts.forEach((change, i) => {
    const day = from + i;
    plot('Forecasts of the last days', { day: day - days, real: celsius[day], forecast: celsius[day - 1] + Number(change) });
  });
  print(`mean error: ${network.toFixed(2)} degrees; without a change ${naive.toFixed(2)}; at best ${smallest.toFixed(2)}`);
  return { network, naive };
}
