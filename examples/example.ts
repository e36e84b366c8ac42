// The inputs and results of an example. Examples import the public entries only, so each one can be copied into a project of your own.
import type { Callback, Tensor } from 'ombre';

/** Inputs of an example from the terminal, the page or the test. */
export interface Run {
  /** A small size: the example ends within seconds on the CPU. The tests use it. */
  readonly isSmall: boolean;
  /** The size for a GPU: more data, a larger network or more epochs. Examples without a larger size ignore it. */
  readonly isLarge?: boolean;
  /** Prints one line. */
  readonly print: (line: string) => void;
  /** A long English text: Moby-Dick, by Herman Melville. */
  readonly book: () => Promise<string>;
  /** Reads a file of CIFAR-10 by its name, such as `test_batch.bin`, if the user has the images. Only `resnet` uses it. */
  readonly cifar?: (file: string) => Promise<Uint8Array>;
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

/** A callback that prints one line after each epoch. */
export const printEpochs = (print: Run['print']): Callback => ({
  onEpochEnd(epoch, logs) {
    const values = Object.entries(logs).map(([name, value]) => `${name} ${value.toPrecision(4)}`);
    print(`epoch ${epoch + 1}: ${values.join('  ')}`);
  },
});
