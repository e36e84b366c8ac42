// The inputs and results of an example. Examples import the public entries only, so each one can be copied into a project of your own.
import type { Callback } from 'ombre';

/** Inputs of an example from the terminal, the page or the test. */
export interface Run {
  /** A small size: the example ends within seconds on the CPU. The tests use it. */
  readonly isSmall: boolean;
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

/** A callback that prints one line after each epoch. */
export const printEpochs = (print: Run['print']): Callback => ({
  onEpochEnd(epoch, logs) {
    const values = Object.entries(logs).map(([name, value]) => `${name} ${value.toPrecision(4)}`);
    print(`epoch ${epoch + 1}: ${values.join('  ')}`);
  },
});
