// The short variant of bench/gpu for a page: products, convolutions, memory traffic, attention, and the cost of a call.
import { type ConvolutionLayer, measureLayers, measureSquares } from '../bench/gpu/products.ts';
import { emptyCall, measureAttention, measureBandwidth } from '../bench/gpu/programs.ts';
import { copyBandwidth } from '../bench/gpu/timing.ts';
import type { Target } from '../src/graph/op.ts';

/** Sizes of all measurements. */
export interface Sizes {
  readonly copyBytes: number;
  readonly products: readonly number[];
  readonly layers: readonly ConvolutionLayer[];
  /** Rows of 4,096 numbers. */
  readonly rows: number;
  readonly attentionTimes: readonly number[];
  readonly batch: number;
  readonly calls: number;
}

/** `short` takes less than a minute on a card. `tiny` is for tests, and for devices implemented on a CPU. */
export const sizesByName: Readonly<Record<'short' | 'tiny', Sizes>> = {
  short: {
    copyBytes: 2 ** 26,
    products: [256, 512, 1024, 2048],
    layers: [
      [[16, 56, 56, 64], [3, 3, 64, 64], 1],
      [[16, 28, 28, 128], [3, 3, 128, 128], 1],
      [[16, 56, 56, 64], [3, 3, 64, 128], 2],
    ],
    rows: 4096,
    attentionTimes: [512, 1024],
    batch: 4,
    calls: 300,
  },
  tiny: {
    copyBytes: 2 ** 20,
    products: [32],
    layers: [[[1, 8, 8, 8], [3, 3, 8, 8], 1]],
    rows: 16,
    attentionTimes: [16],
    batch: 1,
    calls: 10,
  },
};

/** One measured figure. */
export interface Figure {
  readonly section: string;
  readonly name: string;
  readonly milliseconds: number;
  readonly rate: number;
  readonly unit: 'TFLOP/s' | 'GB/s' | 'calls/s';
  /** Name of the kernel, if there are several. */
  readonly kernel?: string;
  /** Whether it is the kernel that runs without tuning. */
  readonly isFirst?: boolean;
}

/** Measures the device of `ombre` and yields each figure. All of them run on an open device with the same adapter. */
export async function* measureGpu(device: GPUDevice, target: Target, sizes: Sizes): AsyncGenerator<Figure> {
  const copy = await copyBandwidth(device, sizes.copyBytes);
  const name = `copy of ${sizes.copyBytes} bytes`;
  yield { section: 'memory', name, milliseconds: (2e3 * sizes.copyBytes) / copy, rate: copy / 1e9, unit: 'GB/s' };
  const products = [
    ['product', measureSquares(device, target, sizes.products)],
    ['convolution', measureLayers(device, target, sizes.layers, 3)],
  ] as const;
  for (const [section, figures] of products) {
    for await (const { shape, kernel, isFirst, milliseconds, teraflops } of figures)
      yield { section, name: shape, kernel, isFirst, milliseconds, rate: teraflops, unit: 'TFLOP/s' };
  }
  for await (const { name, milliseconds, gigabytesPerSecond } of measureBandwidth(sizes.rows))
    yield { section: 'memory', name, milliseconds, rate: gigabytesPerSecond, unit: 'GB/s' };
  for await (const { time, batch, causal, kind, forms } of measureAttention(sizes.attentionTimes, sizes.batch)) {
    const name = `T ${time}, batch ${batch}${causal ? ', causal' : ''}, ${kind}`;
    for (const { form, milliseconds, teraflops } of forms)
      yield { section: 'attention', name, kernel: form, milliseconds, rate: teraflops, unit: 'TFLOP/s' };
  }
  const milliseconds = await emptyCall(sizes.calls);
  yield { section: 'call', name: 'compiled product of 4 x 4', milliseconds, rate: 1000 / milliseconds, unit: 'calls/s' };
}
