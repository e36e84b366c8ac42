/**
 * Trains one of the demo's models in the terminal: `npm run train -- --model mlp --epochs 3`. Exits with 2 after wrong options, and with 1
 * after other errors.
 */
import { performance } from 'node:perf_hooks';
import { SingleBar } from 'cli-progress';
import { callbacks, datasets, deviceInfo, optimizers, setDevice, setSeed, tensor } from 'ombre';
import { buildModel } from '../demo/models.ts';
import { classes, oneHotRows, wantsOneHot } from '../demo/recipes.ts';
import { deviceLine } from './deviceLine.ts';
import { type TrainOptions, parseTrainOptions } from './trainOptions.ts';

interface EpochResult {
  readonly epoch: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly imagesPerSecond: number;
}

async function main(): Promise<number> {
  const options = parseTrainOptions(process.argv.slice(2));
  if ('exitCode' in options) {
    (options.exitCode === 0 ? process.stdout : process.stderr).write(options.output);
    return options.exitCode;
  }
  // stdout has the summary only, so notices of the library go to stderr.
  if (options.json) console.info = console.error;
  const say = options.json ? () => {} : (text: string) => void process.stdout.write(`${text}\n`);

  await setDevice(options.device);
  say(deviceLine());

  const summary = await train(options, say);
  const { loss, accuracy } = summary.test;
  say(`Test images: ${summary.testSize}, ${summary.seconds.toFixed(1)} s of training, ${Math.round(summary.imagesPerSecond)} images/s`);
  say(`Loss: ${loss.toFixed(4)}, Accuracy: ${accuracy.toFixed(4)}`);
  if (options.json) {
    const { json: _, ...config } = options;
    const { kind, vendor, architecture, description } = deviceInfo();
    const device = { kind, vendor, architecture, description };
    process.stdout.write(`${JSON.stringify({ config, device, ...summary }, undefined, 2)}\n`);
  }
  if (Number.isFinite(loss)) return 0;
  process.stderr.write(`the loss became ${loss}; use a smaller --learning-rate than ${options.learningRate}\n`);
  return 1;
}

async function train(options: TrainOptions, say: (text: string) => void) {
  const { epochs, batchSize, loss, trainSize } = options;
  setSeed(options.seed);
  const data = await datasets[options.dataset]();
  const images = data.train.x.slice([0], [trainSize]);
  const labels = data.train.y.slice([0], [trainSize]);
  const targets = async (y: typeof labels): Promise<typeof labels> =>
    wantsOneHot(options.model, loss) ? tensor(oneHotRows(await y.data()), [y.size, classes]) : y;

  const model = buildModel(options.model, images.shape.slice(1));
  model.compile({ optimizer: optimizers[options.optimizer]({ learningRate: options.learningRate }), loss, metrics: ['accuracy'] });

  const history: EpochResult[] = [];
  // The bar is on stderr, so that stdout can be piped. A log file gets one line for each epoch.
  const bar = process.stderr.isTTY ? progressBar(trainSize) : undefined;
  const progress = callbacks.progress({
    onUpdate({ epoch, samples, samplesPerSecond, secondsLeft, logs, done }) {
      const title = `Epoch ${epoch + 1}/${epochs}`;
      const values = Object.entries(logs)
        .map(([name, value]) => `${name} ${value.toFixed(4)}`)
        .join('  ');
      const rate = `${Math.round(samplesPerSecond)} images/s`;
      if (samples === 0) return bar?.start(trainSize, 0, { title, rate: '', left: '', values: '' });
      bar?.update(samples, { title, rate, left: done ? '' : `${Math.ceil(secondsLeft ?? 0)} s left`, values });
      if (!done) return;
      bar?.stop();
      history.push({ epoch: epoch + 1, loss: logs.loss, accuracy: logs.accuracy, imagesPerSecond: samplesPerSecond });
      if (!bar) say(`${title}  ${values}  ${rate}`);
    },
  });
  const began = performance.now();
  // The bar hides the cursor. It is shown again after an interruption.
  const interrupt = (): void => {
    if (bar?.isActive) bar.stop();
    process.exit(130);
  };
  process.once('SIGINT', interrupt);
  try {
    await model.fit(images, await targets(labels), { epochs, batchSize, callbacks: [progress], verbose: 0 });
  } finally {
    // Starts an error's message on a new line.
    if (bar?.isActive) bar.stop();
    process.off('SIGINT', interrupt);
  }
  const seconds = (performance.now() - began) / 1000;
  const test = await model.evaluate(data.test.x, await targets(data.test.y), { batchSize: 1000, verbose: 0 });
  return {
    history,
    test: { loss: test.loss, accuracy: test.accuracy },
    testSize: data.test.y.size,
    seconds,
    imagesPerSecond: (trainSize * epochs) / seconds,
  };
}

const progressBar = (total: number): SingleBar =>
  new SingleBar({
    format: `{title} {bar} {value}/${total}  {rate}  {left}  {values}`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 24,
    hideCursor: true,
    stream: process.stderr,
  });

main()
  .then((code) => {
    process.exitCode = code;
  })
  .catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  });
