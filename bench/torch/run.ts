// Compares ombre with PyTorch eager on the same machine: two processes that take turns, with the same data and first weights. Bundled into
// one file, it needs Node with the package `webgpu`, and a Python with torch.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { deviceInfo } from 'ombre';
import type { Engine, Unit } from '../engines/engine.ts';
import { engineOn } from '../engines/ombre.ts';
import { channelsFirst, uniform } from '../hostData.ts';
import { type Clock, burst, calibrate, timeSteps } from '../inside/timing.ts';
import { median } from '../median.ts';
import { machine, resultPath, save } from '../results.ts';
import { type Workload, workloads } from '../workloads.ts';
import { type Card, TorchProcess } from './peer.ts';
import { writeTensors } from './tensorsFile.ts';

/** A product of another size is the same workload for both. */
const product = (n: number): Workload => ({
  ...workloads.matmul1024,
  inputs: () => ({ a: uniform([n, n], 1, 1), b: uniform([n, n], 1, 2) }),
});

const products = { matmul256: 256, matmul512: 512, matmul1024: 1024, matmul2048: 2048, matmul4096: 4096 } as const;
const trainings = ['mlp', 'mlpwide', 'cnn', 'gpt', 'lstm', 'lstm28', 'lstm200', 'lstm1000'] as const;
type Name = keyof typeof products | (typeof trainings)[number];
const names = [...(Object.keys(products) as (keyof typeof products)[]), ...trainings];

const isProduct = (name: Name): name is keyof typeof products => name in products;
const workloadOf = (name: Name): Workload => (isProduct(name) ? product(products[name]) : workloads[name]);

/** As in the other benches: results before any update differ by rounding only, losses after three updates by a little more. */
const tolerances = { first: 1e-4, updated: 1e-3 };
const samples = 4096;

interface Options {
  readonly workloads: readonly Name[];
  readonly rounds: number;
  readonly milliseconds: number;
  readonly device: 'webgpu' | 'wasm';
  readonly threads?: number;
  readonly clock: Clock;
  readonly python: string;
  readonly peak?: number;
  readonly results: string;
}

interface Measured {
  readonly workload: Name;
  readonly values: { readonly ombre: readonly number[]; readonly torch: readonly number[] };
  /** Milliseconds of a step, one entry for each round. */
  readonly times: { readonly ombre: number[]; readonly torch: number[] };
}

const listOfNames = (text: string): Name[] =>
  text.split(',').map((name) => {
    if (!(names as readonly string[]).includes(name)) throw new InvalidArgumentError(`'${name}' is none of ${names.join(', ')}.`);
    return name as Name;
  });

const above = (text: string): number => {
  if (Number(text) > 0) return Number(text);
  throw new InvalidArgumentError('It is a number above 0.');
};

const countFrom =
  (least: number) =>
  (text: string): number => {
    if (Number.isInteger(Number(text)) && Number(text) >= least) return Number(text);
    throw new InvalidArgumentError(`It is a whole number from ${least} up.`);
  };

function parseOptions(): Options {
  return new Command('npm run bench:torch --')
    .usage('[options]')
    .description('Compares ombre with PyTorch eager (TF32 off): products in TFLOP/s, training in steps a second.')
    .option('--workloads <names>', names.join(','), listOfNames, names)
    .option('--rounds <n>', 'number of rounds; the first process changes from one to the next', above, 7)
    .option('--milliseconds <n>', 'approximate milliseconds of each process in a round', above, 1000)
    .addOption(new Option('--device <name>', "ombre's device").choices(['webgpu', 'wasm']).default('webgpu'))
    .option('--threads <n>', "number of PyTorch's threads on the CPU; without it, PyTorch chooses", countFrom(1))
    .addOption(
      new Option('--clock <name>', 'elapsed time, or time of all threads on a core, for a machine that others use; only on the CPU')
        .choices(['wall', 'processor'] satisfies Clock[])
        .default('wall'),
    )
    .option('--python <path>', 'a Python with torch', process.env.OMBRE_PYTHON ?? 'python3')
    .option('--peak <tflops>', "the card's plain f32 peak; without it, that of an NVIDIA card at its highest clock", above)
    .option('--results <folder>', 'folder for all measurements, as torch-TIME.json', 'bench/results')
    .option('--build', 'only build the files for another machine, into bench/dist')
    .parse(process.argv)
    .opts<Options>();
}

/** Whole results are too large for a line of JSON, so every n-th element is compared. */
const sampled = (values: ArrayLike<number>): number[] => {
  const stride = Math.max(1, Math.floor(values.length / samples));
  return Array.from({ length: Math.ceil(values.length / stride) }, (_, i) => values[i * stride]);
};

/** @throws Error if the results of the two differ. Times would then be useless. */
function compare(what: string, a: readonly number[], b: readonly number[], allowed: number): void {
  const scale = a.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const worst = a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0) / scale;
  const told = `ombre ${a.slice(0, 3).join(', ')}, PyTorch ${b.slice(0, 3).join(', ')}`;
  // Not (worst > allowed), which is false for NaN.
  if (a.length !== b.length || !(worst <= allowed)) {
    throw new Error(
      `the two disagree; nothing more is timed\n${what}: ${told}; they differ by ${worst.toExponential(1)}, ${allowed} is allowed`,
    );
  }
}

/** Both processes after set-up, with equal first results. */
async function prepare(
  name: Name,
  ombre: Engine,
  torch: TorchProcess,
  folder: string,
): Promise<{ unit: Unit; values: Measured['values'] }> {
  const workload = workloadOf(name);
  const { kind, optimizer } = workload;
  const [parameters, inputs] = [workload.parameters(), workload.inputs()];
  const file = join(folder, name);
  const all = Object.entries({ ...parameters, ...inputs });
  writeTensors(file, Object.fromEntries(all.map(([key, tensor]) => [key, channelsFirst(tensor)])));
  await torch.ask({ do: 'prepare', workload: name, kind, optimizer, file, inputs: Object.keys(inputs) });
  const unit = await ombre.prepare(isProduct(name) ? 'matmul1024' : name, {
    ...workload,
    parameters: () => parameters,
    inputs: () => inputs,
  });
  const values = { ombre: [] as number[], torch: [] as number[] };
  for (const [what, steps, allowed] of [
    ['first result', 1, tolerances.first],
    ['after three more steps', 3, tolerances.updated],
  ] as const) {
    for (let i = 0; i < steps; i++) await unit.step();
    await torch.time(steps, steps);
    const own = sampled((await unit.read())[0]);
    const { values: other } = await torch.ask<{ values: number[] }>({ do: 'values', count: samples });
    compare(`${name}, ${what}`, own, other, allowed);
    values.ombre.push(own[0]);
    values.torch.push(other[0]);
  }
  return { unit, values };
}

async function measure(
  name: Name,
  ombre: Engine,
  torch: TorchProcess,
  folder: string,
  { rounds, milliseconds, clock }: Options,
): Promise<Measured> {
  const { unit, values } = await prepare(name, ombre, torch, folder);
  const inRow = burst[workloadOf(name).kind];
  const steps = { ombre: await calibrate(unit, milliseconds, clock), torch: 0 };
  await torch.time(3, 3);
  steps.torch = Math.min(2000, Math.max(1, Math.round(milliseconds / (await torch.time(3, 3)))));
  const turns = {
    ombre: () => timeSteps(unit, steps.ombre, inRow, clock),
    torch: () => torch.time(steps.torch, inRow),
  };
  const times = { ombre: [] as number[], torch: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? (['ombre', 'torch'] as const) : (['torch', 'ombre'] as const);
    for (const side of order) times[side].push(await turns[side]());
  }
  return { workload: name, values, times };
}

/** TFLOP/s with one fused multiply-add for each clock on each f32 lane. */
const peakOf = ({ multiprocessors, lanes, clock }: Card): number | undefined =>
  multiprocessors && lanes && clock ? (multiprocessors * lanes * 2 * clock) / 1e6 : undefined;

/** Rates from medians. The ratio is the median of those inside a round; above 1 ombre is faster. */
function summaryOf({ workload, times }: Measured, peak: number | undefined) {
  const ratios = times.ombre.map((own, round) => times.torch[round] / own);
  const rates = (['ombre', 'torch'] as const).map((side) => 1000 / median(times[side]));
  const teraflops = isProduct(workload) ? rates.map((rate) => (rate * 2 * products[workload] ** 3) / 1e12) : undefined;
  return {
    ratio: { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) },
    stepsPerSecond: { ombre: rates[0], torch: rates[1] },
    ...(teraflops && { teraflops: { ombre: teraflops[0], torch: teraflops[1] } }),
    ...(teraflops && peak && { shareOfPeak: { ombre: teraflops[0] / peak, torch: teraflops[1] / peak } }),
  };
}

function tableOf(measured: readonly Measured[], peak: number | undefined): string {
  const number = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
  const rows = measured.map((one) => {
    const { ratio, stepsPerSecond, teraflops, shareOfPeak } = summaryOf(one, peak);
    const cell = (side: 'ombre' | 'torch'): string =>
      teraflops
        ? `${teraflops[side].toFixed(3)} TFLOP/s${shareOfPeak ? `, ${(100 * shareOfPeak[side]).toFixed(1)} %` : ''}`
        : `${number(stepsPerSecond[side])} steps/s`;
    return [
      one.workload,
      cell('ombre'),
      cell('torch'),
      `${ratio.median.toFixed(2)} x (${ratio.least.toFixed(2)}-${ratio.most.toFixed(2)})`,
    ];
  });
  const all = [['workload', 'ombre', 'PyTorch', 'PyTorch / ombre'], ...rows];
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => row[column].length)));
  return all.map((row) => row.map((text, i) => (i === 0 ? text.padEnd(widths[i]) : text.padStart(widths[i]))).join('   ')).join('\n');
}

async function main(): Promise<void> {
  const options = parseOptions();
  const date = new Date().toISOString();
  const path = resultPath(options.results, 'torch', date);
  const folder = mkdtempSync(join(tmpdir(), 'ombre-torch-'));
  const torch = new TorchProcess(options.python, fileURLToPath(new URL('steps.py', import.meta.url)));
  try {
    const card = await torch.ask<Card>({ do: 'describe', threads: options.threads ?? null, clock: options.clock });
    const ombre = engineOn(options.device);
    await ombre.start();
    const peak = options.peak ?? peakOf(card);
    const { vendor, architecture, description } = deviceInfo();
    const where = card.device === 'cpu' ? `CPU, ${card.threads} thread${card.threads === 1 ? '' : 's'}` : card.name;
    console.log(`ombre ${ombre.version}: ${[vendor, architecture, description].filter(Boolean).join(' ')}`);
    console.log(`PyTorch ${card.torch} eager, TF32 off: ${where}${peak ? `; plain f32 peak ${peak.toFixed(1)} TFLOP/s` : ''}`);
    const measured: Measured[] = [];
    for (const name of options.workloads) {
      measured.push(await measure(name, ombre, torch, folder, options));
      save(path, {
        date,
        machine: machine(),
        ombre: { version: ombre.version, device: deviceInfo() },
        torch: card,
        peak,
        options,
        workloads: measured.map((one) => ({ ...one, summary: summaryOf(one, peak) })),
      });
    }
    console.log(`\n${tableOf(measured, peak)}\n\n${path}`);
  } finally {
    torch.end();
    rmSync(folder, { recursive: true });
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
// Dawn's event loop would keep the process running.
process.exit();
