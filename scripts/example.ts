/** `npm run example -- NAME`: runs an example and prints its figures. Without a name it prints the list. */
import { performance } from 'node:perf_hooks';
import { Argument, Command, Option } from 'commander';
import { setDevice } from 'ombre';
import { examples } from '../examples/index.ts';
import { readBook } from './book.ts';
import { deviceLine } from './deviceLine.ts';

interface Options {
  readonly device: 'auto' | 'webgpu' | 'cpu';
  readonly small: boolean;
}

const list = Object.entries(examples)
  .map(([name, { about }]) => `  ${name.padEnd(16)} ${about}`)
  .join('\n');

async function run(name: string | undefined, { device, small: isSmall }: Options): Promise<void> {
  if (name === undefined) return console.log(`The examples are\n${list}`);
  await setDevice(device);
  console.log(deviceLine());
  const example = await examples[name].load();
  const began = performance.now();
  const figures = await example({ isSmall, print: (line) => console.log(line), book: readBook });
  console.log(`${((performance.now() - began) / 1000).toFixed(1)} s`);
  console.table(figures);
}

await new Command('npm run example --')
  .description('Runs an example from the folder examples.')
  .addArgument(new Argument('[name]', 'which one').choices(Object.keys(examples)))
  .addOption(new Option('--device <name>', 'where to compute').choices(['auto', 'webgpu', 'cpu']).default('auto'))
  .option('--small', 'the size of the tests: seconds on the CPU', false)
  .addHelpText('after', `\nExamples:\n${list}`)
  .action(run)
  .parseAsync();
