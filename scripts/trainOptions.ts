/** The options of `npm run train`. All are checked before anything is loaded. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { DeviceName } from 'ombre';
import { type LossName, type ModelName, type OptimizerName, learningRateFor, learningRates, lossNames, recipes } from '../demo/recipes.ts';
import { deviceChoices } from './deviceLine.ts';

export type DatasetName = 'mnist' | 'digits';

export interface TrainOptions {
  readonly model: ModelName;
  readonly dataset: DatasetName;
  readonly trainSize: number;
  readonly optimizer: OptimizerName;
  readonly loss: LossName;
  readonly learningRate: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly device: DeviceName;
  readonly seed: number;
  readonly json: boolean;
}

/** Text to print instead of training: the help, or a complaint of one line. */
export interface Refusal {
  readonly exitCode: 0 | 2;
  readonly output: string;
}

const trainSizes: Readonly<Record<DatasetName, number>> = { mnist: 60_000, digits: 1_437 };

function number(integer: boolean, min: number, max: number, exclusive = false): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? NaN : Number(text);
    const inside = exclusive ? value > min : value >= min;
    if (inside && value <= max && (!integer || Number.isInteger(value))) return value;
    throw new InvalidArgumentError(`It is ${integer ? 'a whole number' : 'a number'} ${exclusive ? 'above' : 'from'} ${min} up to ${max}.`);
  };
}

type Given = Partial<TrainOptions> & Pick<TrainOptions, 'model' | 'dataset' | 'epochs' | 'device' | 'seed'>;

/** Reads the arguments after `npm run train --`. */
export function parseTrainOptions(args: readonly string[]): TrainOptions | Refusal {
  let output = '';
  const command = new Command('npm run train --')
    .usage('[options]')
    .description('Trains a model on handwritten digits and tests it, on the GPU if there is one.')
    .addOption(new Option('--model <name>', 'what to train').choices(Object.keys(recipes)).default('mlp'))
    .addOption(new Option('--dataset <name>', 'data set to train on').choices(Object.keys(trainSizes)).default('mnist'))
    .option('--train-size <n>', 'use the first n training images (default: all)', number(true, 1, 60_000))
    .addOption(new Option('--optimizer <name>', 'optimizer (default: adam; linear: sgd)').choices(Object.keys(learningRates)))
    .addOption(
      new Option('--loss <name>', 'loss to minimise (default: sparseCategoricalCrossentropy; linear: meanSquaredError)').choices(lossNames),
    )
    .option(
      '--learning-rate <x>',
      "step size (default: the optimizer's, 0.001 or sgd 0.01; mlp with adam: 0.003)",
      number(false, 0, 1000, true),
    )
    .option('--epochs <n>', 'passes over the training images', number(true, 1, 100_000), 3)
    .option('--batch-size <n>', 'images per step (default: 128; cnn: 32)', number(true, 1, 60_000))
    .addOption(new Option('--device <name>', 'where to compute').choices(deviceChoices).default('auto'))
    .option('--seed <n>', 'for initial weights and shuffling', number(true, 0, Number.MAX_SAFE_INTEGER), 0)
    .option('--json', 'print only a summary as JSON')
    .helpOption('--help', 'show this help')
    .allowExcessArguments(true)
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureOutput({ writeOut: (text) => (output += text), writeErr: (text) => (output += text) });
  try {
    command.parse([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { exitCode: 0, output };
    return refuse(output.replace(/^error: /, ''));
  }
  if (command.args.length > 0) return refuse(`unexpected argument '${command.args[0]}'; every option starts with --`);
  return complete(command.opts<Given>());
}

function complete(given: Given): TrainOptions | Refusal {
  const { model, dataset } = given;
  const { defaults, losses } = recipes[model];
  const optimizer = given.optimizer ?? defaults.optimizer;
  const options: TrainOptions = {
    model,
    dataset,
    trainSize: given.trainSize ?? trainSizes[dataset],
    optimizer,
    loss: given.loss ?? defaults.loss,
    learningRate: given.learningRate ?? learningRateFor(model, optimizer),
    epochs: given.epochs,
    batchSize: given.batchSize ?? Math.min(defaults.batchSize, given.trainSize ?? trainSizes[dataset]),
    device: given.device,
    seed: given.seed,
    json: given.json ?? false,
  };
  if (!losses.includes(options.loss)) {
    return refuse(`--loss ${options.loss} does not fit --model ${model}, whose output is one number; use ${losses.join(' or ')}`);
  }
  if (options.trainSize > trainSizes[dataset]) {
    return refuse(`--train-size ${options.trainSize} is more than the ${trainSizes[dataset]} training images of ${dataset}`);
  }
  if (options.batchSize > options.trainSize) {
    return refuse(
      `--batch-size ${options.batchSize} is more than the ${options.trainSize} images to train on; use ${options.trainSize} or less`,
    );
  }
  return options;
}

/** Commander writes suggestions on separate lines. Here a complaint is one line. */
const refuse = (complaint: string): Refusal => ({
  exitCode: 2,
  output: `${complaint.trim().replace(/\s*\n\s*/g, ' ')} (--help lists the options)\n`,
});
