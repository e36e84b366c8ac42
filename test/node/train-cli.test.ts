import { spawn } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Refusal, parseTrainOptions } from '../../scripts/trainOptions.ts';
import { disguised, ensureBuilt, root } from './library.ts';

beforeAll(ensureBuilt);

interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The program that `npm run train -- …` starts after it has built the library. */
function train(...args: string[]): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', ...disguised, 'scripts/train.ts', ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

interface Summary {
  readonly config: Readonly<Record<string, unknown>>;
  readonly device: { readonly kind: string };
  readonly history: readonly {
    readonly epoch: number;
    readonly loss: number;
    readonly accuracy: number;
    readonly imagesPerSecond: number;
  }[];
  readonly test: { readonly loss: number; readonly accuracy: number };
  readonly testSize: number;
  readonly seconds: number;
  readonly imagesPerSecond: number;
}

async function summary(...args: string[]): Promise<Summary> {
  const { code, stdout, stderr } = await train('--json', ...args);
  // stderr is not empty on every machine, because Dawn warns there of limits that it lowers.
  expect(code, stderr).toBe(0);
  // The whole of stdout is one JSON document.
  return JSON.parse(stdout) as Summary;
}

describe('wrong options are refused in one line', () => {
  test.each<[string, RegExp]>([
    ['--modle cnn', /^unknown option '--modle' \(Did you mean --model\?\)/],
    ['--model rnn', /'--model <name>' argument 'rnn' is invalid. Allowed choices are mlp, cnn, linear/],
    ['--learning-rate fast', /'--learning-rate <x>' argument 'fast' is invalid. It is a number above 0/],
    ['--learning-rate 0', /It is a number above 0/],
    ['--epochs 1.5', /'--epochs <n>' argument '1.5' is invalid. It is a whole number from 1/],
    ['--batch-size', /'--batch-size <n>' argument missing/],
    ['--seed -1', /It is a whole number from 0/],
    ['mlp', /^unexpected argument 'mlp'/],
    [
      '--model linear --loss categoricalCrossentropy',
      /--loss categoricalCrossentropy does not fit --model linear.*use meanSquaredError or meanAbsoluteError/,
    ],
    ['--dataset digits --train-size 1438', /--train-size 1438 is more than the 1437 training images of digits/],
    ['--train-size 100 --batch-size 101', /--batch-size 101 is more than the 100 images/],
  ])('%s', (args, message) => {
    const { exitCode, output } = parseTrainOptions(args.split(' ')) as Refusal;
    expect(exitCode).toBe(2);
    expect(output).toMatch(message);
    expect(output).toMatch(/^[^\n]+\n$/);
  });

  test('and end the program with 2, and write to stderr only', async () => {
    const { code, stdout, stderr } = await train('--modle', 'cnn');
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^unknown option '--modle'[^\n]*\n$/);
  });
});

test('--help lists every option', async () => {
  const { code, stdout } = await train('--help');
  expect(code).toBe(0);
  const names = [
    'model',
    'dataset',
    'train-size',
    'optimizer',
    'loss',
    'learning-rate',
    'epochs',
    'batch-size',
    'device',
    'seed',
    'json',
    'help',
  ];
  for (const name of names) expect(stdout).toContain(`--${name}`);
});

test('a run to a file prints device, epochs and test metrics, one line each', async () => {
  const { code, stdout, stderr } = await train('--dataset', 'digits', '--device', 'cpu', '--epochs', '2', '--seed', '3');
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Device: cpu.*\n/);
  expect(stdout).toMatch(/Epoch 1\/2 {2}loss \d\.\d{4} {2}accuracy \d\.\d{4} {2}\d+ images\/s\n/);
  expect(stdout).toMatch(/\nLoss: \d+\.\d{4}, Accuracy: \d\.\d{4}\n$/);
});

test('--json prints the configuration, the device, the history and the test metrics; a seed repeats them', async () => {
  const args = ['--dataset', 'digits', '--device', 'cpu', '--epochs', '8', '--batch-size', '32', '--learning-rate', '0.003', '--seed', '5'];
  const [first, second] = [await summary(...args), await summary(...args)];
  expect(first.config).toEqual({
    model: 'mlp',
    dataset: 'digits',
    trainSize: 1437,
    optimizer: 'adam',
    loss: 'sparseCategoricalCrossentropy',
    learningRate: 0.003,
    epochs: 8,
    batchSize: 32,
    device: 'cpu',
    seed: 5,
  });
  expect(first.device.kind).toBe('cpu');
  expect(first.history.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 8 }, (_, i) => i + 1));
  expect(first.testSize).toBe(360);
  expect(first.test.accuracy).toBeGreaterThan(0.9);
  expect(first.imagesPerSecond).toBeCloseTo((1437 * 8) / first.seconds, 6);
  expect(second.test).toEqual(first.test);
  expect(second.history.map(({ loss }) => loss)).toEqual(first.history.map(({ loss }) => loss));
});

test('trains on the GPU to the same result as on the CPU with the same seed', async () => {
  const args = ['--dataset', 'digits', '--epochs', '3', '--seed', '7'];
  const gpu = await summary('--device', 'webgpu', ...args);
  const cpu = await summary('--device', 'cpu', ...args);
  expect(gpu.device.kind).toBe('webgpu');
  gpu.history.forEach(({ loss }, i) => expect(Math.abs(loss / cpu.history[i].loss - 1)).toBeLessThan(1e-4));
});

test.each([
  ['a regression', '--model linear --loss meanAbsoluteError --optimizer adam'],
  ['a convolutional network', '--model cnn --train-size 256'],
  ['a loss over one-hot targets', '--loss meanSquaredError --optimizer rmsprop'],
])('trains %s', async (_, args) => {
  const { history } = await summary('--dataset', 'digits', '--epochs', '3', '--device', 'cpu', ...args.split(' '));
  expect(history[2].loss).toBeLessThan(history[0].loss);
});

test('a loss that is not finite ends the program with 1 and says what to change', async () => {
  const { code, stderr } = await train(
    '--dataset',
    'digits',
    '--device',
    'cpu',
    '--model',
    'linear',
    '--learning-rate',
    '900',
    '--epochs',
    '2',
  );
  expect(code).toBe(1);
  expect(stderr).toMatch(/use a smaller --learning-rate than 900/);
});
