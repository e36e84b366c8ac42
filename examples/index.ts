// All examples by name. Each is a module that loads when it is chosen: `npm run example -- regression`.
import type { Example } from './example.ts';

export interface ExampleEntry {
  /** One sentence for the list. */
  readonly about: string;
  readonly load: () => Promise<Example>;
}

export const examples: Readonly<Record<string, ExampleEntry>> = {
  regression: {
    about: 'a line through noisy points, by gradients and updates of your own',
    load: async () => (await import('./regression.ts')).regression,
  },
  mnist: {
    about: 'a convolutional network for MNIST, above 99 % of the test images',
    load: async () => (await import('./mnist.ts')).mnist,
  },
};
