// How the time of a step grows with the batch: only ombre, with once, twice and four times the batch, in turns in one process. Proportional
// growth doubles the time at each step.
import type { ScaleResult } from './inside/job.ts';
import { type Saved, row, underHead, writePart } from './markdown.ts';
import type { Options } from './options.ts';
import { median } from './median.ts';
import { Sheet, type Spread, ratioText, spreadOf, timeText } from './report.ts';
import { machine, resultPath, save } from './results.ts';
import type { Stack } from './stack.ts';
import { type WorkloadName, scaledWorkloads, workloads } from './workloads.ts';

const multiples = [1, 2, 4];

interface Scaled {
  readonly workload: WorkloadName;
  readonly batch: number;
  readonly runs: ScaleResult[];
}

/** The measurements of one call on one stack, as they are saved. */
export interface SavedScaling extends Pick<Saved, 'date' | 'stack' | 'description' | 'machine'> {
  readonly options: Pick<Options, 'runs' | 'rounds' | 'milliseconds'>;
  readonly multiples: readonly number[];
  readonly workloads: readonly Scaled[];
}

/** Time of each multiple divided by that of the one before, in the same round. Median of the rounds, then of the runs. */
function growth({ runs }: Scaled): (Spread | undefined)[] {
  return multiples
    .slice(1)
    .map((_, i) => spreadOf(runs.map(({ times }) => median(times[i + 1].map((own, round) => own / times[i][round])))));
}

/** The batch size: the number of labels. gpt has one label for each position. */
const batchOf = (name: (typeof scaledWorkloads)[number]): number => workloads[name].inputs().labels.shape[0];

export async function measureScaling(stack: Stack, options: Options): Promise<void> {
  const date = new Date().toISOString();
  const { runs, rounds, milliseconds, timeout } = options;
  const path = resultPath(options.results, `scale-${stack.name}`, date);
  const names = scaledWorkloads.filter((name) => options.workloads.includes(name));
  const scaled: Scaled[] = names.map((name) => ({ workload: name, batch: batchOf(name), runs: [] }));
  const saved = (): SavedScaling => ({
    date,
    stack: stack.name,
    description: stack.description,
    machine: machine(),
    options: { runs, rounds, milliseconds },
    multiples,
    workloads: scaled.map((one) => ({ ...one, growth: growth(one) })),
  });
  for (let run = 0; run < runs; run++) {
    for (const { workload, runs } of scaled) {
      const outcome = await stack.run({ kind: 'scale', device: stack.device, workload, times: multiples, rounds, milliseconds }, timeout);
      if (!('result' in outcome)) throw new Error(`${workload}: ${outcome.error}`);
      runs.push(outcome.result);
    }
    save(path, saved());
  }
  if (options.markdown) await writeScaling(options.markdown, saved());
  console.log(`${scaleTable(scaled)}\n\n${path}`);
}

const head = ['workload', 'rows', ...multiples.map((n) => `x ${n}`), ...multiples.slice(1).map((n, i) => `x ${n} / x ${multiples[i]}`)];

function cellsOf(one: Scaled): string[] {
  const times = multiples.map((_, i) => timeText(median(one.runs.map(({ times }) => median(times[i])))));
  return [one.workload, String(one.batch), ...times, ...growth(one).map((spread) => ratioText(spread))];
}

/** Writes the part of one stack. */
export const writeScaling = (path: string, saved: SavedScaling): Promise<void> =>
  writePart(path, `scale-${saved.stack}`, markdownOf(saved));

function markdownOf({ description, date, machine, workloads: scaled, options: { runs, rounds, milliseconds } }: SavedScaling): string {
  const how = `${runs > 1 ? `Medians of ${runs} runs (smallest-largest in brackets), each the median` : 'Medians'} of ${rounds} rounds of about ${milliseconds} ms a batch size.`;
  return [
    `${description}; ${machine.cpu ?? 'CPU'}, ${machine.cores} cores; ${date.slice(0, 10)}. ${how}`,
    '',
    row(head),
    underHead(head),
    ...scaled.map((one) => row(cellsOf(one))),
  ].join('\n');
}

function scaleTable(scaled: readonly Scaled[]): string {
  const sheet = new Sheet(
    'Milliseconds a step of ombre as the batch doubles, and the ratio inside a round (median; 2 is in proportion)',
    head,
  );
  for (const one of scaled) sheet.add(cellsOf(one));
  const above = scaled.filter((one) => growth(one).some((spread) => spread && spread.median > 2)).map(({ workload }) => workload);
  return `${sheet.toString()}\n${above.length === 0 ? 'No doubling takes more than twice as long.' : `More than twice as long: ${above.join(', ')}.`}`;
}
