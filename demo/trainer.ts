// Trains with ombre and reports the progress. It does not use the page: it runs in a worker, or in the page if workers have no WebGPU.
import { type Model, type Tensor, callbacks, datasets, optimizers, setSeed, slice, tensor } from 'ombre';
import { chooseDevice } from './device.ts';
import { buildModel } from './models.ts';
import { nearestDigit } from './nearestDigit.ts';
import { createGate, throttle } from './pacing.ts';
import { profileSteps } from './profiling.ts';
import { type Command, type DeviceChoice, type RunEvent, type TrainerEvent, type TrainingConfig, sampleCount } from './protocol.ts';
import { classes, oneHotRows, recipes, wantsOneHot } from './recipes.ts';

/** The share of the training images that are used for validation. */
const validationSplit = 0.1;
const batchesOfTest = 1000;

type Dataset = Awaited<ReturnType<typeof datasets.mnist>>;

interface Run {
  readonly id: number;
  readonly stop: AbortController;
  readonly gate: ReturnType<typeof createGate>;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Starts a trainer that sends its events to `send`. Returns the function that takes commands. */
export function createTrainer(send: (event: TrainerEvent) => void): (command: Command) => void {
  let device: DeviceChoice | undefined;
  let data: Dataset | undefined;
  let model: Model | undefined;
  let run: Run | undefined;
  let profiled: TrainingConfig | undefined;
  /** A profile that is taken while paused. The run must not continue meanwhile, because its work would count. */
  let profiling = Promise.resolve();
  let drawing: { readonly id: number; readonly pixels: Float32Array } | undefined;
  // One command at a time: a start waits until the previous run has ended, and drawings wait for the end of a batch.
  let queue = Promise.resolve();
  const enqueue = (work: () => Promise<void>): void => {
    queue = queue.then(work).catch((error: unknown) => send({ type: 'problem', message: messageOf(error) }));
  };

  async function useDevice(choice: DeviceChoice): Promise<void> {
    if (choice === device) return;
    const chosen = await chooseDevice(choice);
    device = choice;
    send({ type: 'device', ...chosen });
  }

  async function loadData(url: string, report: (event: RunEvent) => void): Promise<Dataset> {
    if (data) return data;
    const loading = throttle(report);
    data = await datasets.mnist({ url, onProgress: (progress) => loading({ type: 'loading', ...progress }) });
    const images = await slice(data.test.x, [0], [sampleCount]).data();
    const labels = await slice(data.test.y, [0], [sampleCount]).data();
    send({ type: 'samples', images: Float32Array.from(images), labels: Int32Array.from(labels) });
    return data;
  }

  async function recognise(): Promise<void> {
    const asked = drawing;
    drawing = undefined;
    if (!asked || !model) return;
    const outputs = await (await model.predict(tensor(asked.pixels, [1, 28, 28, 1]))).data();
    send({ type: 'recognised', id: asked.id, outputs: Float32Array.from(outputs) });
  }

  async function answerProfile(): Promise<void> {
    const config = profiled;
    profiled = undefined;
    if (!config) return;
    try {
      await useDevice(config.device);
      send({ type: 'profiled', report: await profileSteps(config) });
    } catch (error) {
      send({ type: 'profileFailed', message: messageOf(error) });
    }
  }

  async function train(config: TrainingConfig, dataUrl: string, { stop, gate }: Run, report: (event: RunEvent) => void): Promise<void> {
    await useDevice(config.device);
    const { train, test } = await loadData(dataUrl, report);
    if (stop.signal.aborted) return;

    const toTargets = async (labels: Tensor): Promise<Tensor> =>
      wantsOneHot(config.model, config.loss) ? tensor(oneHotRows(await labels.data()), [labels.size, classes]) : labels;
    const x = slice(train.x, [0], [config.trainSize]);
    const y = await toTargets(slice(train.y, [0], [config.trainSize]));

    setSeed(config.seed);
    const trained = buildModel(config.model, [28, 28, 1]);
    model = trained;
    trained.compile({
      optimizer: optimizers[config.optimizer]({ learningRate: config.learningRate }),
      loss: config.loss,
      metrics: [recipes[config.model].output === 'value' ? nearestDigit : 'accuracy'],
    });

    const seen = throttle(report);
    let imagesPerSecond = 0;
    let diverged: { epoch: number; loss: number } | undefined;
    const progress = callbacks.progress({
      onUpdate({ epoch, batch, batches = 1, samplesPerSecond, secondsLeft, logs, done }) {
        // The time of an epoch includes its validation.
        if (!done || imagesPerSecond === 0) imagesPerSecond = samplesPerSecond;
        const { loss, accuracy } = logs;
        if ('loss' in logs && !Number.isFinite(loss)) {
          // The loss stays like this, so further steps are useless.
          diverged ??= { epoch: epoch + 1, loss };
          trained.stopTraining = true;
        } else if (done)
          report({ type: 'epoch', epoch: epoch + 1, loss, accuracy, validationLoss: logs.val_loss, validationAccuracy: logs.val_accuracy });
        else seen({ type: 'batch', epoch: epoch + 1, step: batch, steps: batches, loss, accuracy, imagesPerSecond, secondsLeft });
      },
    });
    const samples = slice(test.x, [0], [sampleCount]);
    const page = callbacks.lambda({
      onTrainBegin({ samples: images = 0 }) {
        report({ type: 'training', parameters: countParameters(trained), images, validationImages: config.trainSize - images });
      },
      async onBatchEnd() {
        if (drawing) await recognise();
        if (profiled) await answerProfile();
        await gate.pass();
        await profiling;
      },
      async onEpochEnd() {
        if (diverged) return;
        const outputs = await (await trained.predict(samples)).data();
        report({ type: 'predictions', outputs: Float32Array.from(outputs) });
      },
    });

    const began = performance.now();
    const { epochs, batchSize } = config;
    await trained.fit(x, y, { epochs, batchSize, validationSplit, callbacks: [progress, page], verbose: 0, signal: stop.signal });
    const seconds = (performance.now() - began) / 1000;
    if (stop.signal.aborted) return;
    if (diverged) return report({ type: 'diverged', ...diverged });
    report({ type: 'testing' });
    const { loss, accuracy } = await trained.evaluate(test.x, await toTargets(test.y), { batchSize: batchesOfTest, verbose: 0 });
    report({ type: 'finished', loss, accuracy, seconds, imagesPerSecond });
  }

  function start(id: number, config: TrainingConfig, dataUrl: string): void {
    const begun: Run = { id, stop: new AbortController(), gate: createGate() };
    run = begun;
    const report = (event: RunEvent): void => send({ type: 'run', run: id, event });
    enqueue(async () => {
      try {
        if (!begun.stop.signal.aborted) await train(config, dataUrl, begun, report);
      } catch (error) {
        if (!begun.stop.signal.aborted) report({ type: 'failed', message: messageOf(error) });
      } finally {
        if (run === begun) run = undefined;
        await recognise();
        await answerProfile();
      }
    });
  }

  send({ type: 'ready', hasWebGpu: 'gpu' in navigator });
  return (command) => {
    switch (command.type) {
      case 'device':
        return enqueue(() => useDevice(command.device));
      case 'start':
        return start(command.run, command.config, command.dataUrl);
      case 'pause':
        return run?.gate.close();
      case 'resume':
        return run?.gate.open();
      case 'reset':
        run?.stop.abort();
        run?.gate.open();
        model = undefined;
        return;
      case 'profile':
        profiled = command.config;
        // While paused no batch ends.
        if (!run) enqueue(answerProfile);
        else if (run.gate.closed) profiling = answerProfile();
        return;
      case 'recognise':
        drawing = command;
        // While paused no batch ends.
        if (!run) enqueue(recognise);
        else if (run.gate.closed)
          void profiling.then(recognise).catch((error: unknown) => send({ type: 'problem', message: messageOf(error) }));
        return;
      default:
        command satisfies never;
    }
  };
}

function countParameters(model: Model): number {
  const count = (tree: unknown): number => {
    if (typeof tree !== 'object' || tree === null) return 0;
    if ('size' in tree && typeof tree.size === 'number') return tree.size;
    return Object.values(tree).reduce((sum: number, child) => sum + count(child), 0);
  };
  return count(model.parameters());
}
