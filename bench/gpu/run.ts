// Speed of the kernels on the GPU of this machine: products and convolutions by tile, attention in both forms, memory traffic. Requires timestamp-query.
import { Command } from 'commander';
import { deviceInfo, setDevice } from 'ombre';
import { openDevice } from '../../src/runtime/webgpu/device.ts';
import { machine, resultPath, save } from '../results.ts';
import { type ProductFigure, measureConvolutions, measureProducts, measureSplits, measureTransposed } from './products.ts';
import { type AttentionFigure, type BandwidthFigure, emptyCall, measureAttention, measureBandwidth } from './programs.ts';
import { copyBandwidth } from './timing.ts';

/** Dawn rounds timestamps to 65 microseconds by default; the first flag turns this off. The second flag gives f16 on NVIDIA. */
const dawnFlags = ['disable-dawn-features=timestamp_quantization', 'enable-dawn-features=vulkan_enable_f16_on_nvidia'];

interface Options {
  readonly short: boolean;
  readonly results: string;
  readonly sections: string;
}

const options = new Command('npm run bench:gpu --')
  .usage('[options]')
  .description('The kernels for GPUs by the GPU clock: every tile, bandwidth, attention. The command takes some minutes on a large card.')
  .option('--short', 'fewer shapes: three products, five convolutions with three kernels each, one attention length', false)
  .option(
    '--sections <names>',
    'parts to run: products, transposed, convolutions, bandwidth, attention, call',
    'products,transposed,convolutions,bandwidth,attention,call',
  )
  .option('--results <folder>', 'folder for all figures, as gpu-TIME.json', 'bench/results')
  .option('--build', 'only build bench/dist/gpu.mjs, to run it on another machine')
  .parse(process.argv)
  .opts<Options>();

/** The first choice and the fastest tile, one line for each shape. */
function printProducts(title: string, figures: readonly ProductFigure[]): void {
  console.log(`\n${title}: first choice, and the fastest kernel, in TFLOP/s (workgroups)`);
  for (const shape of new Set(figures.map((figure) => figure.shape))) {
    const kernels = figures.filter((figure) => figure.shape === shape);
    const first = kernels.find(({ isFirst }) => isFirst)!;
    const best = kernels.reduce((a, b) => (b.milliseconds < a.milliseconds ? b : a));
    const text = ({ kernel, teraflops, workgroups, milliseconds }: ProductFigure): string =>
      `${kernel} ${teraflops.toFixed(2)} (${workgroups}, ${(1000 * milliseconds).toFixed(1)} us)`;
    console.log(`  ${shape}: ${text(first)}${best === first ? '' : `; ${text(best)}`}`);
  }
}

async function main(): Promise<void> {
  const date = new Date().toISOString();
  const path = resultPath(options.results, 'gpu', date);
  const { device, info, target } = await openDevice({ dawnFlags });
  if (!device.features.has('timestamp-query')) throw new Error('this adapter has no timestamp-query');
  const sections = options.sections.split(',');
  const copy = await copyBandwidth(device, options.short ? 2 ** 26 : 2 ** 29);
  console.log(`${info.vendor} ${info.architecture} ${info.description}; a copy moves ${(copy / 1e9).toFixed(0)} GB/s`);
  const result = {
    date,
    machine: machine(),
    device: info,
    copyGigabytesPerSecond: copy / 1e9,
    products: [] as ProductFigure[],
    splits: [] as ProductFigure[],
    transposed: [] as ProductFigure[],
    convolutions: [] as ProductFigure[],
    bandwidth: [] as BandwidthFigure[],
    attention: [] as AttentionFigure[],
    emptyCallMilliseconds: 0,
  };
  if (sections.includes('products')) {
    for await (const figure of measureProducts(device, target, options.short)) result.products.push(figure);
    printProducts('Products, rows x k x columns', result.products);
    if (!options.short) for await (const figure of measureSplits(device, target)) result.splits.push(figure);
    printProducts('Products with k in parts', result.splits);
  }
  if (sections.includes('transposed')) {
    for await (const figure of measureTransposed(device, target)) result.transposed.push(figure);
    printProducts('Products with a transposed second factor', result.transposed);
  }
  if (sections.includes('convolutions')) {
    for await (const figure of measureConvolutions(device, target, options.short)) result.convolutions.push(figure);
    printProducts('Convolutions', result.convolutions);
  }
  save(path, result);
  await setDevice('webgpu', { dawnFlags, tuning: false });
  if (sections.includes('bandwidth')) {
    console.log('\nMemory traffic, as a share of a copy');
    for await (const figure of measureBandwidth()) {
      result.bandwidth.push(figure);
      const { name, dispatches, milliseconds, gigabytesPerSecond: rate } = figure;
      console.log(
        `  ${name}: ${dispatches} dispatches, ${milliseconds.toFixed(3)} ms, ${rate.toFixed(0)} GB/s, ${((1e11 * rate) / copy).toFixed(0)} %`,
      );
    }
  }
  if (sections.includes('attention')) {
    console.log('\nAttention, 8 heads of depth 64: ms (TFLOP/s; causal: half of the pairs)');
    for await (const figure of measureAttention(options.short ? [512] : [512, 1024, 2048, 4096])) {
      result.attention.push(figure);
      const { time, batch, causal, kind, forms } = figure;
      const texts = forms.map((one) => `${one.form} ${one.milliseconds.toFixed(2)} (${one.teraflops.toFixed(1)})`);
      console.log(`  T ${time}, batch ${batch}${causal ? ', causal' : ''}, ${kind}: ${texts.join('; ')}`);
    }
  }
  if (sections.includes('call')) {
    result.emptyCallMilliseconds = await emptyCall();
    console.log(`\nA compiled call of one tiny product takes ${(1000 * result.emptyCallMilliseconds).toFixed(0)} us`);
  }
  console.log(`\n${deviceInfo().description}\n${path}`);
  save(path, result);
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.stack : error);
  process.exitCode = 1;
}
// Dawn's event loop would keep the process running.
process.exit();
