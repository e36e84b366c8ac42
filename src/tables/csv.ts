// Readers of CSV files: whole tables, and datasets of files that are larger than the memory.
import { ArgumentError, DataError } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import { type Dataset, type Sample, makeDataset } from '../data/dataset.ts';
import type { FileSource } from '../formats/places.ts';
import { type Tensor, hostTensor } from '../graph/tensor.ts';
import { type CsvDatasetOptions, type ReadCsvOptions, csvDatasetOptions, readCsvOptions } from './csvOptions.ts';
import { type ColumnReader, openTyped } from './columns.ts';
import { type Table, type TableColumn, makeTable } from './table.ts';

/**
 * Reads a CSV file into a table of typed columns. The source is a path in Node, an address, a File or Blob, a file handle, or bytes.
 *
 *     const table = await readCsv('flats.csv', { columns: { area: 'number', city: 'category', price: 'number' }, missing: 'mean' });
 *     const { x, y } = table.toArrays({ inputs: ['area', 'city'], target: 'price' });
 *
 * Quotes, line breaks within quotes, CRLF and a byte order mark follow RFC 4180, as Python's csv module reads them.
 * @throws DataError that names line and column: for a column that is missing, a cell of another type, an empty cell, a row of another length.
 */
export async function readCsv<const Columns extends ReadCsvOptions['columns']>(
  source: FileSource,
  options: ReadCsvOptions & { readonly columns: Columns },
): Promise<Table<Columns>> {
  const where = 'readCsv';
  const { columns, rows } = await openTyped(where, source, readCsvOptions.read(options));
  const values: (number | string)[][] = columns.map(() => []);
  for await (const row of rows) row.forEach((value, i) => values[i].push(value));
  const made = columns.map((column, i): [string, TableColumn] => {
    const { name, type, vocabulary } = column;
    if (type === 'string') return [name, { name, type, values: values[i] as string[], vocabulary: undefined }];
    const numbers = Float64Array.from(values[i] as number[]);
    fillMissing(where, column, numbers);
    return [name, { name, type, values: numbers, vocabulary }];
  });
  return makeTable(values[0].length, Object.fromEntries(made));
}

/** Replaces NaN by a value of the other rows. */
function fillMissing(where: string, { name, type, rule }: ColumnReader, values: Float64Array): void {
  if (rule !== 'mean' && rule !== 'median' && rule !== 'mostFrequent') return;
  const known = values.filter((value) => !Number.isNaN(value));
  if (known.length === values.length) return;
  if (known.length === 0) throw new DataError(`${where}: all cells of the column '${name}' are empty; leave the column out`);
  const value =
    rule === 'mostFrequent' || type === 'category' || type === 'boolean'
      ? mostFrequent(known)
      : rule === 'mean'
        ? mean(known)
        : median(known);
  values.forEach((old, i) => {
    if (Number.isNaN(old)) values[i] = value;
  });
}

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function median(values: Float64Array): number {
  const sorted = values.slice().sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The smallest of the values that are most frequent, as in scikit-learn's SimpleImputer. */
function mostFrequent(values: Float64Array): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].reduce((best, entry) => (entry[1] > best[1] || (entry[1] === best[1] && entry[0] < best[0]) ? entry : best))[0];
}

/**
 * A dataset of the rows of a CSV file, which is read in parts of one MiB: for files that are larger than the memory. Elements are { x } or
 * { x, y }: x is f32 [columns without the targets, in the order of `columns`], and y is a scalar, or [targets] for a list of them.
 *
 *     csvDataset(file, { columns: { a: 'number', b: 'number', kind: 'boolean' }, target: 'kind' }).shuffle(10_000).batch(64)
 *
 * The file is opened for each iteration.
 * @throws ArgumentError for options that need all rows; at the iteration, the errors of readCsv.
 */
export function csvDataset(source: FileSource, options: CsvDatasetOptions): Dataset {
  const where = 'csvDataset';
  const { target, ...settings } = csvDatasetOptions.read(options);
  const names = Object.keys(settings.columns);
  const targets = target === undefined ? [] : typeof target === 'string' ? [target] : target;
  const unknown = targets.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new ArgumentError(`${where}: target is the column '${unknown}', which columns does not have${didYouMean(unknown, names)}`);
  }
  const inputs = names.filter((name) => !targets.includes(name));
  if (inputs.length === 0) throw new ArgumentError(`${where}: all columns are targets; name a column of inputs`);
  const at = (list: readonly string[]): readonly number[] => list.map((name) => names.indexOf(name));
  const [inputsAt, targetsAt] = [at(inputs), at(targets)];
  const tensorAt = (row: readonly (number | string)[], positions: readonly number[], shape: readonly number[]): Tensor =>
    hostTensor(
      { shape, dtype: 'f32' },
      Float32Array.from(positions, (position) => row[position] as number),
    );
  return makeDataset<Sample>(undefined, async function* () {
    const { rows } = await openTyped(where, source, settings);
    for await (const row of rows) {
      const x = tensorAt(row, inputsAt, [inputs.length]);
      yield targets.length ? { x, y: tensorAt(row, targetsAt, typeof target === 'string' ? [] : [targets.length]) } : { x };
    }
  });
}
