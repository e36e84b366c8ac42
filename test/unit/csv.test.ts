// CSV files: the cells are those of Python's csv module, written by scripts/golden/csvRows.py; then types, vocabularies, missing cells and errors.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ArgumentError, DataError, FormatError, type OmbreError } from '../../src/core/errors.ts';
import '../../src/ops/methods.ts';
import { openRows } from '../../src/tables/rows.ts';
import { type ReadCsvOptions, csvDataset, readCsv, textDataset } from '../../src/tables/index.ts';

interface Case {
  readonly name: string;
  readonly text: string;
  readonly delimiter: string;
  readonly cells: readonly (readonly string[])[];
}
const golden = JSON.parse(readFileSync(new URL('../golden/csv.json', import.meta.url), 'utf8')) as readonly Case[];

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ombre-csv-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const collect = async <T>(elements: AsyncIterable<T>): Promise<T[]> => {
  const found: T[] = [];
  for await (const element of elements) found.push(element);
  return found;
};
const cellsOf = async (text: string, delimiter: string): Promise<(readonly string[])[]> =>
  (await collect((await openRows('test', bytes(text), delimiter)).rows)).map(({ cells }) => cells);

describe('cells', () => {
  test.each(golden)('$name: those of the csv module of Python', async ({ text, delimiter, cells }) => {
    expect(await cellsOf(text, delimiter)).toEqual(cells);
  });

  test('a row at the border of two parts is read whole, with its line', async () => {
    const size = 1 << 20;
    // The border is within a quoted cell, after a quote of a pair, and between CR and LF.
    for (const shift of Array.from({ length: 12 }, (_, i) => i)) {
      const filler = 'x'.repeat(size - shift);
      const rows = await collect((await openRows('test', bytes(`${filler},1\r\n"a""\r\n",é\r\n3,4\r\n`), ',')).rows);
      expect(rows.slice(1)).toEqual([
        { line: 2, cells: ['a"\r\n', 'é'] },
        { line: 4, cells: ['3', '4'] },
      ]);
      expect(rows[0].cells[0]).toBe(filler);
    }
  });
});

const houses = 'area,city,price,garden,built,note\n50,Ulm,1.5e2,yes,2001-02-03,"a,b"\n70.5,Bonn,-3,no,2001-02-03 04:05:06,\n20,Ulm,+.5,TRUE,2001-02-03T04:05:06+01:00,c\n'; // prettier-ignore
const types = { area: 'number', city: 'category', price: 'number', garden: 'boolean', built: 'date', note: 'string' } as const;

describe('readCsv', () => {
  test('types of columns', async () => {
    const { rows, columns } = await readCsv(bytes(houses), { columns: types });
    expect(rows).toBe(3);
    expect(Array.from(columns.area.values)).toEqual([50, 70.5, 20]);
    expect(Array.from(columns.price.values)).toEqual([150, -3, 0.5]);
    expect(Array.from(columns.city.values)).toEqual([0, 1, 0]);
    expect(columns.city.vocabulary).toEqual(['Ulm', 'Bonn']);
    expect(Array.from(columns.garden.values)).toEqual([1, 0, 1]);
    expect(columns.note.values).toEqual(['a,b', '', 'c']);
    const day = Date.UTC(2001, 1, 3);
    expect(Array.from(columns.built.values)).toEqual([day, Date.UTC(2001, 1, 3, 4, 5, 6), Date.UTC(2001, 1, 3, 3, 5, 6)]);
  });

  test('toArrays gives x and y; categories are i32', async () => {
    const table = await readCsv(bytes(houses), { columns: types, vocabularies: { city: ['Bonn', 'Ulm'] } });
    const { x, y } = table.toArrays({ inputs: ['area', 'garden'], target: 'city' });
    expect([x.dtype, await x.array()]).toEqual(['f32', [[50, 1], [70.5, 0], [20, 1]]]); // prettier-ignore
    expect([y.dtype, await y.array()]).toEqual(['i32', [1, 0, 1]]);
    expect(table.toArrays({ inputs: 'area' }).y).toBeUndefined();
    expect(() => table.toArrays({ inputs: ['are'] })).toThrow("table.toArrays: the table has no column 'are'; it has area, city, price, garden, built, note; did you mean 'area'?"); // prettier-ignore
    expect(() => table.toArrays({ inputs: 'note' })).toThrow("table.toArrays: the column 'note' has texts; read it as a category");
  });

  test.each<[string, ReadCsvOptions['missing'], number[], number[]]>([
    ['drop', 'drop', [1, 3, 8], [0, 1, 1]],
    ['a number', { a: -1, c: 'mostFrequent' }, [1, -1, 3, 8, -1], [0, 1, 1, 1, 1]],
    ['mean', 'mean', [1, 4, 3, 8, 4], [0, 1, 1, 1, 1]],
    ['median', { a: 'median', c: 'mostFrequent' }, [1, 3, 3, 8, 3], [0, 1, 1, 1, 1]],
  ])('missing cells: %s', async (_, missing, a, c) => {
    const { columns } = await readCsv(bytes('a,c\n1,u\n,v\n3,v\n8,v\n," "\n'), { columns: { a: 'number', c: 'category' }, missing });
    expect(Array.from(columns.a.values)).toEqual(a);
    expect(Array.from(columns.c.values)).toEqual(c);
  });

  test('sources: a path, a Blob and a file without a header', async () => {
    const path = join(folder, 'a.tsv');
    writeFileSync(path, '1\t2\n3\t4\n');
    const options = { columns: { b: 'number', a: 'number' }, header: false, delimiter: '\t' } as const;
    for (const source of [path, new Blob(['1\t2\n3\t4\n'])]) {
      expect(Array.from((await readCsv(source, options)).columns.a.values)).toEqual([2, 4]);
    }
  });

  const one = (text: string, options: Partial<ReadCsvOptions> = {}): Promise<unknown> =>
    readCsv(bytes(text), { columns: { a: 'number' }, ...options });
  test.each<[string, () => Promise<unknown>, typeof OmbreError, string]>([
    [
      'a missing column',
      () => one('b,A\n1,2\n'),
      DataError,
      "readCsv: bytes, line 1: the column 'a' is missing; the file has b, A; did you mean 'A'?",
    ],
    [
      'a word',
      () => one('a\n1\n"x\ny"\n', { columns: { a: 'number' } }),
      DataError,
      "readCsv: bytes, line 3, column 'a': 'x\ny' is not a number",
    ],
    [
      'a line after breaks in quotes',
      () => one('a,b\n1,"x\ny\nz"\ntwo,3\n'),
      DataError,
      "line 5, column 'a': 'two' is not a number; correct it",
    ],
    ['a hexadecimal number', () => one('a\n0x10\n'), DataError, "line 2, column 'a': '0x10' is not a number"],
    ['a ragged row', () => one('a,b\n1,2\n\n3\n'), DataError, 'readCsv: bytes, line 4: has 1 cells instead of 2; correct the row'],
    ['a longer row', () => one('a,b\n1,2,3\n'), DataError, 'line 2: has 3 cells instead of 2'],
    ['an empty cell', () => one('a,b\n,2\n'), DataError, "line 2, column 'a': the cell is empty; set missing to 'drop'"],
    ['only empty cells', () => one('a,b\n,2\n', { missing: 'mean' }), DataError, "readCsv: all cells of the column 'a' are empty"],
    ['two equal names', () => one('a,a\n1,2\n'), DataError, "line 1: two columns have the name 'a'"],
    ['an empty file', () => one(''), DataError, 'readCsv: bytes is empty; it needs a row with the names of the columns'],
    ['an open quote', () => one('a,b\n1,2\n"3,4\n'), FormatError, 'readCsv: bytes, line 3: a quote is not closed'],
    ['text after a quote', () => one('a,b\n"1"x,2\n'), FormatError, 'readCsv: bytes, line 2: text follows a closing quote'],
    ['no boolean', () => one('a\nmaybe\n', { columns: { a: 'boolean' } }), DataError, "'maybe' is not true or false, yes or no, 1 or 0"],
    ['no date', () => one('a\n31.5.2024\n', { columns: { a: 'date' } }), DataError, "'31.5.2024' is not a date such as 2024-05-31"],
    ['another category', () => one('a\nUlmm\n', { columns: { a: 'category' }, vocabularies: { a: ['Ulm'] } }), DataError, "'Ulmm' is not in the vocabulary of 1 categories; did you mean 'Ulm'?"], // prettier-ignore
    ['a wrong type', () => one('a\n1\n', { columns: { a: 'int' as never } }), ArgumentError, 'readCsv: columns is { a: \'int\' }; it must be a record of types by name'], // prettier-ignore
    ['a mean of categories', () => one('a\n1\n', { columns: { a: 'category' }, missing: { a: 'mean' } }), ArgumentError, "missing of the column 'a' is mean, but its type is category"], // prettier-ignore
    [
      'a column of the options',
      () => one('a\n1\n', { missing: { b: 0 } }),
      ArgumentError,
      "the options name the column 'b', which columns does not have",
    ],
  ])('error: %s', async (_, act, type, message) => {
    const error = await act().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(type);
    expect((error as Error).message).toContain(message);
  });
});

describe('csvDataset', () => {
  test('gives rows as samples, again at each iteration', async () => {
    const dataset = csvDataset(bytes('a,b,k\n1,2,no\n3,4,yes\n5,6,yes\n'), {
      columns: { b: 'number', k: 'boolean', a: 'number' },
      target: 'k',
    });
    for (let epoch = 0; epoch < 2; epoch++) {
      const [first, second] = await collect(dataset.batch(2));
      expect([await first.x.array(), await first.y!.array()]).toEqual([[[2, 1], [4, 3]], [0, 1]]); // prettier-ignore
      expect(await second.x.array()).toEqual([[6, 5]]);
    }
  });

  test('errors come at the row, after the rows before it', async () => {
    const seen: unknown[] = [];
    const read = async (): Promise<void> => {
      for await (const { x } of csvDataset(bytes('a\n1\nx\n'), { columns: { a: 'number' } })) seen.push(await x.array());
    };
    await expect(read()).rejects.toThrow("csvDataset: bytes, line 3, column 'a': 'x' is not a number");
    expect(seen).toEqual([[1]]);
  });

  test.each<[string, Parameters<typeof csvDataset>[1], string]>([
    ['texts', { columns: { a: 'string' } }, "csvDataset: the column 'a' has the type string"],
    ['categories', { columns: { a: 'category' } }, "csvDataset: vocabularies lacks the column 'a'"],
    ['a mean', { columns: { a: 'number' }, missing: 'mean' }, "csvDataset: missing is 'mean', which needs all rows"],
    ['another target', { columns: { a: 'number' }, target: 'b' }, "csvDataset: target is the column 'b', which columns does not have"],
    ['only targets', { columns: { a: 'number' }, target: 'a' }, 'csvDataset: all columns are targets; name a column of inputs'],
  ])('error: %s', (_, options, message) => expect(() => csvDataset(bytes(''), options)).toThrow(message));
});

describe('textDataset', () => {
  test.each([1, 2, 3, 5, 100])('lines of a file that is read in parts of %s bytes', async (partBytes) => {
    expect(await collect(textDataset(bytes('one\r\nzwölf\n\n  \nthree\rfour'), { partBytes }))).toEqual(['one', 'zwölf', 'three', 'four']);
    expect(await collect(textDataset(bytes('a\n\nb\r\n'), { partBytes, skipEmpty: false }))).toEqual(['a', '', 'b']);
  });
});
