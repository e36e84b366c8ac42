// Event files of callbacks.tensorBoard and summaryWriter, with everything that they can hold. test/golden/tensorBoard.json is what TensorBoard 2.21
// read in these files: scripts/golden/tensorBoard.py.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { setDevice } from '../../src/engine/index.ts';
import { input, layers } from '../../src/nn/index.ts';
import { concat, setSeed, tensor } from '../../src/ops/index.ts';
import '../../src/ops/methods.ts';
import { optimizers } from '../../src/optim/index.ts';
import { type Model, callbacks, createModel, sequential, summaryWriter } from '../../src/train/index.ts';
import { type Event, eventsOf, nodesOf, pixelsOf } from '../support/eventFiles.ts';
import { quiet } from '../support/models.ts';

interface GoldenNode {
  readonly name: string;
  readonly op: string;
  readonly input?: readonly string[];
  readonly attr?: Readonly<Record<string, Record<string, unknown>>>;
}
interface Golden {
  readonly runs: Readonly<Record<string, { readonly tags: Readonly<Record<string, { readonly plugin: string; readonly rows: readonly unknown[][] }>>; readonly graph?: readonly GoldenNode[] }>>; // prettier-ignore
  readonly hparams: readonly [string, string][];
  readonly sessions: readonly { readonly name: string; readonly status: string; readonly hparams: Record<string, unknown>; readonly metrics: readonly [string, string, number, number][] }[]; // prettier-ignore
}
const golden = JSON.parse(readFileSync(new URL('../golden/tensorBoard.json', import.meta.url), 'utf8')) as Golden;

// A folder of one's own keeps the files: TensorBoard may read them.
const kept = process.env.OMBRE_EVENTS;
const folder = kept ?? mkdtempSync(join(tmpdir(), 'ombre-'));
beforeAll(() => setDevice('cpu'));
afterAll(() => {
  if (!kept) rmSync(folder, { recursive: true });
});

/** Two inputs, a model inside the model, and a layer that is used twice. */
function twoInputs(): Model {
  const [left, right] = [input({ shape: [3], name: 'left' }), input({ shape: [3], name: 'right' })];
  const encoder = sequential([layers.dense({ units: 4, activation: 'relu', inputShape: [3] }), layers.dense({ units: 2 })]);
  const both = concat([encoder.apply(left), encoder.apply(right)], 1);
  return createModel({ inputs: [left, right], outputs: layers.dense({ units: 1, useBias: false, name: 'head' }).apply(both) });
}

async function writeAll(): Promise<void> {
  setSeed(1);
  const model = sequential([
    layers.conv2d({ filters: 2, kernelSize: [2, 3], inputShape: [4, 4, 1], name: 'filters' }),
    layers.flatten(),
    layers.dense({ units: 1, activation: (x) => x, name: 'head' }),
  ]);
  model.compile({ optimizer: optimizers.sgd({ learningRate: 0.0625 }), loss: 'mse', metrics: ['meanAbsoluteError'] });
  const x = tensor(Float32Array.from({ length: 96 }, (_, i) => Math.sin(i)), [6, 4, 4, 1]); // prettier-ignore
  const y = tensor(
    Float32Array.from({ length: 6 }, (_, i) => i / 6),
    [6, 1],
  );
  const board = callbacks.tensorBoard({
    logDir: `${folder}/fit/`,
    histogramFreq: 2,
    writeImages: true,
    writeStepsPerSecond: true,
    hparams: { units: 2, learningRate: 0.0625, optimizer: 'sgd', augmented: false },
  });
  const draw = callbacks.sample({ every: 2, fn: (_, epoch) => board.writer.addImages('samples', x.slice([0], [2]), epoch) });
  await model.fit(x, y, { ...quiet, epochs: 3, batchSize: 4, validationData: [x, y], shuffle: false, callbacks: [board, draw] });

  const writer = summaryWriter({ logDir: `${folder}/written` });
  // Not awaited one by one: the file has the order of the calls.
  const grey = tensor([[0, 0.5, 1], [-1, 2, 0.25]]); // prettier-ignore
  await Promise.all([
    writer.addScalar('numbers/one', 0.5, 0),
    writer.addScalar('numbers/one', NaN, 2 ** 31 - 1),
    writer.addHistogram('spread', [0, 1, 2, 3, NaN], 1),
    writer.addHistogram('spread of a tensor', grey, 1),
    writer.addImage('grey', grey, 3),
    writer.addImage('grey with opacity', tensor([0, 10, 300, -5], [1, 2, 2], 'i32'), 0),
    writer.addImage(
      'colours',
      tensor(
        Float32Array.from({ length: 12 }, (_, i) => i / 11),
        [2, 2, 3],
      ),
      0,
    ),
    writer.addImage('mask', tensor([[true, false]]), 0),
    writer.addImage('canvas', { width: 2, height: 1, data: Uint8ClampedArray.from([1, 2, 3, 255, 5, 6, 7, 128]) }, 0),
    writer.addText('notes', 'A **text** with ü.', 0),
    writer.addText('notes', 'Another one.', 5),
    writer.addText('list', ['a', 'b', ''], 0),
    writer.addText('table', [['name', 'value'], ['x', '1']], 0), // prettier-ignore
    writer.addGraph(twoInputs()),
    writer.addHparams({ depth: 3, name: 'first' }, { accuracy: 0.75 }),
    writer.addHparams({ depth: 4, name: 'second' }, { accuracy: 0.875 }, { runName: 'trial_2' }),
  ]);
}

let files: { readonly run: string; readonly events: Event[] }[];
beforeAll(async () => {
  vi.spyOn(console, 'log').mockImplementation(() => undefined);
  await writeAll();
  files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.includes('tfevents'))
    .map((path) => ({ run: relative(folder, dirname(join(folder, path))), events: eventsOf(readFileSync(join(folder, path))) }));
});

/** Values of a run in the form of the golden file. */
function tagsOf(run: string): Map<string, { plugin: string; rows: unknown[][] }> {
  const tags = new Map<string, { plugin: string; rows: unknown[][] }>();
  for (const { step, values } of files.filter((file) => file.run === run).flatMap(({ events }) => events)) {
    for (const { tag, scalar, histogram, plugin, strings } of values.filter((value) => value.plugin !== 'hparams')) {
      const kind = plugin ?? (histogram ? 'histograms' : 'scalars');
      const entry = tags.get(tag) ?? { plugin: kind, rows: [] };
      tags.set(tag, entry);
      if (kind === 'scalars') entry.rows.push([step, scalar]);
      else if (histogram) {
        const of = new Map(histogram);
        const doubles = (field: number): number[] => Array.from({ length: (of.get(field) as Buffer).length / 8 }, (_, i) => (of.get(field) as Buffer).readDoubleLE(8 * i)); // prettier-ignore
        entry.rows.push([step, doubles(6).map((limit, i) => [limit, doubles(7)[i]])]);
      } else if (kind === 'images') {
        const [width, height, ...images] = strings!.values;
        entry.rows.push([step, [Number(width), Number(height)], images.map(pixelsOf)]);
      } else {
        expect(strings!.values.length).toBe(strings!.shape.reduce((a, b) => a * b, 1));
        entry.rows.push([step, strings!.shape, strings!.values.map(String)]);
      }
    }
  }
  return tags;
}

/** Numbers that differ by rounding only. Rates of steps depend on the machine. */
function expectClose(found: unknown, wanted: unknown, at: string): void {
  if (typeof wanted === 'number' && typeof found === 'number') {
    if (Number.isNaN(wanted)) expect(found, at).toBeNaN();
    else expect(Math.abs(found - wanted), `${at}: ${found} and ${wanted}`).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(wanted)));
  } else if (Array.isArray(wanted) && Array.isArray(found)) {
    expect(found.length, at).toBe(wanted.length);
    wanted.forEach((value, i) => expectClose(found[i], value, `${at}[${i}]`));
  } else expect(found, at).toEqual(wanted === 'NaN' ? NaN : wanted);
}

describe('what TensorBoard read', () => {
  test('has the same runs', () => {
    expect([...new Set(files.map(({ run }) => run))].sort()).toEqual(Object.keys(golden.runs));
  });

  test.each(Object.keys(golden.runs))('has the same values in %s', (run) => {
    const found = tagsOf(run);
    const wanted = golden.runs[run].tags;
    expect([...found.keys()].sort()).toEqual(Object.keys(wanted).sort());
    for (const [tag, { plugin, rows }] of found) {
      expect(plugin, tag).toBe(wanted[tag].plugin);
      if (tag !== 'epoch_steps_per_second') expectClose(rows, wanted[tag].rows, `${run} ${tag}`);
    }
  });

  test.each(Object.keys(golden.runs).filter((run) => golden.runs[run].graph))('has the same graph in %s', (run) => {
    const graphs = files.filter((file) => file.run === run).flatMap(({ events }) => events.flatMap(({ graph }) => graph ?? []));
    expect(graphs.length).toBe(1);
    const plain = ({ name, op, input: inputs = [], attr = {} }: GoldenNode) => ({
      ...{ name, op, input: inputs },
      attr: Object.fromEntries(Object.entries(attr).map(([option, value]) => [option, goldenAttribute(value)])),
    });
    expect(nodesOf(graphs[0])).toEqual(golden.runs[run].graph!.map(plain));
  });

  test('has the same hyperparameters, and the metrics of each session', () => {
    const found = files
      .flatMap(({ run, events }) => events.map(({ values }) => ({ run, values: values.filter(({ plugin }) => plugin === 'hparams') })))
      .filter(({ values }) => values.length);
    const begun = found.filter(({ values }) => values[0].tag === '_hparams_/session_start_info');
    const ended = found.filter(({ values }) => values[0].tag === '_hparams_/session_end_info' && values[0].status === 1);
    expect(begun.map(({ run, values }) => [run, values[0].hparams]).sort()).toEqual(golden.sessions.map(({ name, hparams }) => [name, hparams])); // prettier-ignore
    expect(ended.map(({ run }) => run).sort()).toEqual(golden.sessions.map(({ name }) => name));
    expect(golden.sessions.map(({ status }) => status)).toEqual(['STATUS_SUCCESS', 'STATUS_SUCCESS', 'STATUS_SUCCESS']);
    const metricsOf = (name: string): string[] => golden.sessions.find((session) => session.name === name)!.metrics.map(([group, tag]) => (group ? `${group}/${tag}` : tag)); // prettier-ignore
    expect(metricsOf('fit')).toEqual(expect.arrayContaining(['train/epoch_loss', 'validation/epoch_loss', 'validation/epoch_meanAbsoluteError'])); // prettier-ignore
    expect(golden.sessions.map(({ metrics }) => metrics.find(([, tag]) => tag === 'accuracy')?.[2])).toEqual([undefined, 0.75, 0.875]);
  });
});

/** An attribute as TensorBoard's JSON has it. */
function goldenAttribute(value: Record<string, unknown>): unknown {
  const [[kind, found]] = Object.entries(value);
  if (kind === 's') return Buffer.from(found as string, 'base64').toString();
  if (kind === 'i') return Number(found);
  if (kind !== 'list') return found;
  const list = found as { i?: string[]; f?: number[]; shape?: { dim?: { size: string }[] }[] };
  return list.shape?.map(({ dim = [] }) => dim.map(({ size }) => Number(size))) ?? list.i?.map(Number) ?? list.f;
}
