// Messages between the page of the examples and its worker. A worker runs one example.
import type { Figures, Row } from '../../examples/example.ts';
import type { Pixels } from '../../examples/pixels.ts';
import type { ChosenDevice, DeviceChoice } from '../protocol.ts';

export type Size = 'small' | 'full';

export type Command =
  /** Chooses the device, before the example runs. */
  | { readonly type: 'device'; readonly device: DeviceChoice }
  | {
      readonly type: 'run';
      readonly name: string;
      readonly size: Size;
      /** Address of the folder with the files of MNIST. */
      readonly mnistUrl: string;
      /** Files of CIFAR-10 that the user has chosen. */
      readonly cifar: readonly File[];
    };

export type WorkerEvent =
  | ({ readonly type: 'device' } & ChosenDevice)
  /** Data are read. The sizes are 0 while they are unknown. */
  | { readonly type: 'loading'; readonly what: string; readonly loadedBytes: number; readonly totalBytes: number }
  | { readonly type: 'loaded' }
  | { readonly type: 'line'; readonly text: string }
  | { readonly type: 'row'; readonly title: string; readonly row: Row }
  | { readonly type: 'images'; readonly title: string; readonly images: readonly Pixels[] }
  /** SVG for both colour schemes. */
  | { readonly type: 'drawing'; readonly title: string; readonly light: string; readonly dark: string }
  | { readonly type: 'finished'; readonly figures: Figures; readonly seconds: number }
  | { readonly type: 'failed'; readonly message: string };
