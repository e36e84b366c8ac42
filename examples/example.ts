// The inputs and results of an example. Examples import the public entries only, so each one can be copied into a project of your own. The
// terminal, the page and the test run the same file. Each provides a Host.
import { type Callback, type ChartCurve, type CurveChart, type ImageDataset, type Tensor, callbacks } from 'ombre';
import type { Review } from './reviews.ts';

/** Values of one moment by name. The first one is the axis, such as `step`. The others are points of curves. */
export type Row = Readonly<Record<string, number>>;

/**
 * Images f32 [n, height, width] or [n, height, width, channels], in 0..1, with 1, 3 or 4 channels. Or a function that draws SVG, for example
 * by `ombre/plots`.
 */
export type Picture = Tensor | ((theme: 'light' | 'dark') => string);

/** The parts of a run that differ between the terminal, the page and the test. */
export interface Host {
  /** A small size: the example ends within seconds on the CPU. The tests use it. */
  readonly isSmall: boolean;
  /** The size for a GPU: more data, a larger network or more epochs. Examples without a larger size ignore it. */
  readonly isLarge?: boolean;
  /** Prints one line. */
  readonly print: (line: string) => void;
  /** Adds a row to the chart of this title. The page draws the curves while the example runs. */
  readonly plot: (title: string, row: Row) => void;
  /** Shows a picture: the page draws it, and the terminal prints images as characters or writes a file. */
  readonly show: (title: string, picture: Picture) => Promise<void>;
  /** Images of digits, 28 x 28: `datasets.mnist()`. The page has the files at another address. */
  readonly mnist: () => Promise<ImageDataset>;
  /** A long English text: Moby-Dick, by Herman Melville. */
  readonly book: () => Promise<string>;
  /** Sentences of reviews with their sentiment. */
  readonly reviews: () => Promise<readonly Review[]>;
  /** Reads a file of CIFAR-10 by its name, such as `test_batch.bin`, if the user has the images. Only `resnet` uses it. */
  readonly cifar?: (file: string) => Promise<Uint8Array>;
}

/** Inputs of an example. */
export interface Run extends Host {
  /** Callbacks for fit. They plot its values, and print up to 20 lines: one per epoch, or per several. @default title 'Training' */
  readonly watch: (title?: string) => Callback[];
}

/** Figures of a run, by name: a loss, an accuracy, a distance. */
export type Figures = Readonly<Record<string, number>>;

export type Example = (run: Run) => Promise<Figures>;

/** Images x [n, height, width, channels] with their labels y [n]. */
export interface Images {
  readonly x: Tensor;
  readonly y: Tensor;
}

/** The first `count` images. A slice of a dataset copies nothing. A device reads at least 128 MiB at once, which are 42,799 images of MNIST. */
export const firstOf = ({ x, y }: Images, count: number): Images => {
  const rest = x.shape.slice(1);
  const size = Math.min(count, y.size);
  return { x: x.slice([0, ...rest.map(() => 0)], [size, ...rest]), y: y.slice([0], [size]) };
};

/** Adds the helpers that are the same everywhere. */
export const runOn = (host: Host): Run => ({
  ...host,
  watch: (title = 'Training') => [callbacks.liveChart({ chart: chartOf((row) => host.plot(title, row)) }), printEpochs(host.print)],
});

/** A chart for callbacks.liveChart that passes new points on as rows. */
function chartOf(add: (row: Row) => void): CurveChart {
  let last = 0;
  const data: { datasets: ChartCurve[] } = { datasets: [] };
  return {
    data,
    update() {
      const newest = data.datasets.flatMap(({ label, data: points }) => points.slice(-1).map(({ x, y }) => ({ label, x, y })));
      const epoch = Math.max(...newest.map(({ x }) => x));
      if (newest.length === 0 || epoch === last) return;
      last = epoch;
      add({ epoch, ...Object.fromEntries(newest.filter(({ x }) => x === epoch).map(({ label, y }) => [label, y])) });
    },
  };
}

/** A callback that prints up to 20 lines: one after each epoch, or after several. */
function printEpochs(print: Host['print']): Callback {
  let [every, last] = [1, 0];
  return {
    onTrainBegin({ epochs }) {
      [every, last] = [Math.ceil(epochs / 20), epochs];
    },
    onEpochEnd(epoch, logs) {
      if ((epoch + 1) % every > 0 && epoch + 1 < last) return;
      const values = Object.entries(logs).map(([name, value]) => `${name} ${value.toPrecision(4)}`);
      print(`epoch ${epoch + 1}: ${values.join('  ')}`);
    },
  };
}
