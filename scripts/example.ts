/** `npm run example -- NAME`: runs an example and prints its figures. Without a name it prints the list. */
import { performance } from 'node:perf_hooks';
import { Argument, Command, Option } from 'commander';
import { type DeviceName, datasets, setDevice } from 'ombre';
import { runOn } from '../examples/example.ts';
import { examples } from '../examples/index.ts';
import { readBook } from './book.ts';
import { cifarFiles } from './cifarFiles.ts';
import { deviceChoices, deviceLine } from './deviceLine.ts';
import { readReviews } from './reviews.ts';
import { showPictures } from './showPicture.ts';

interface Options {
  readonly device: DeviceName;
  readonly small: boolean;
  readonly large: boolean;
  readonly cifar?: string;
  readonly pictures?: string;
}

const list = Object.entries(examples)
  .map(([name, { about }]) => `  ${name.padEnd(16)} ${about}`)
  .join('\n');

async function run(name: string | undefined, { device, small: isSmall, large: isLarge, cifar: folder, pictures }: Options): Promise<void> {
  if (name === undefined) return console.log(`The examples are\n${list}`);
  await setDevice(device);
  console.log(deviceLine());
  const example = await examples[name].load();
  const began = performance.now();
  const print = (line: string): void => console.log(line);
  const run = runOn({
    isSmall,
    isLarge,
    print,
    // Curves are for the page. The lines of the epochs have the same values.
    plot: () => undefined,
    show: showPictures(print, pictures),
    mnist: () => datasets.mnist(),
    book: readBook,
    reviews: readReviews,
    cifar: folder === undefined ? undefined : cifarFiles(folder),
  });
  const figures = await example(run);
  console.log(`${((performance.now() - began) / 1000).toFixed(1)} s`);
  console.table(figures);
}

await new Command('npm run example --')
  .description('Runs an example from the folder examples.')
  .addArgument(new Argument('[name]', 'which one').choices(Object.keys(examples)))
  .addOption(new Option('--device <name>', 'where to compute').choices(deviceChoices).default('auto'))
  .option('--small', 'the size of the tests: seconds on the CPU', false)
  .addOption(new Option('--large', 'the size for a GPU, for examples that have one').default(false).conflicts('small'))
  .option('--cifar <folder>', 'images of resnet: a folder with the binary version of CIFAR-10')
  .option('--pictures <folder>', 'writes pictures as PNG and SVG files instead of characters')
  .addHelpText('after', `\nExamples:\n${list}`)
  .action(run)
  .parseAsync();
