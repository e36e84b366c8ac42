// Typed columns: cells as numbers, category indices, texts, dates or booleans.
import { DataError } from '../core/errors.ts';
import { shown } from '../core/shown.ts';
import { didYouMean } from '../core/nearest.ts';
import type { SettingsOf } from '../core/options.ts';
import { type ColumnType, type Missing, type readCsvOptions, missingOf } from './csvOptions.ts';
import { type Row, openRows } from './rows.ts';
import type { FileSource } from '../formats/places.ts';

/** A column while it is read. An empty cell of another type than string is NaN. */
export interface ColumnReader {
  readonly name: string;
  readonly type: ColumnType;
  readonly rule: Missing;
  /** Categories so far, in the order of their indices. Only of categories. */
  readonly vocabulary: string[] | undefined;
  /** Value of a cell: a text of a column of texts, else a number. @throws DataError that names line and column. */
  read(cell: string, line: number): number | string;
}

/** Rows of a file as values in the order of its columns. */
export interface TypedRows {
  readonly columns: readonly ColumnReader[];
  readonly rows: AsyncIterable<readonly (number | string)[]>;
}

const words: Readonly<Record<string, number>> = { true: 1, false: 0, yes: 1, no: 0, 1: 1, 0: 0 };

/** A decimal number, with an exponent or without. `Number` would also accept hexadecimal numbers and empty cells. */
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const notFinite: Readonly<Record<string, number>> = {
  nan: NaN,
  inf: Infinity,
  '-inf': -Infinity,
  infinity: Infinity,
  '-infinity': -Infinity,
};
/** An ISO 8601 date, with a time or without. */
const isoDate = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

/** Milliseconds since 1970. A time without a zone is UTC, so that results do not depend on the machine. */
function dateOf(cell: string): number | undefined {
  if (!isoDate.test(cell)) return undefined;
  const iso = cell.replace(' ', 'T');
  const value = Date.parse(iso.includes('T') && !/(Z|[+-]\d{2}:?\d{2})$/.test(iso) ? `${iso}Z` : iso);
  return Number.isNaN(value) ? undefined : value;
}

type Settings = SettingsOf<typeof readCsvOptions>;

const rules: Readonly<Record<'number' | 'date' | 'boolean', string>> = {
  number: "a number; correct it, or let the column's type be 'category' or 'string'",
  date: 'a date such as 2024-05-31 or 2024-05-31T12:00:00Z',
  boolean: 'true or false, yes or no, 1 or 0',
};

function columnReader(where: string, file: string, name: string, { columns, missing, vocabularies }: Settings): ColumnReader {
  const type = columns[name];
  const given = vocabularies?.[name];
  const vocabulary = type === 'category' ? [...(given ?? [])] : undefined;
  const indices = new Map(vocabulary?.map((word, i) => [word, i]));
  const refuse = (cell: string, line: number, rule: string): never => {
    throw new DataError(`${where}: ${file}, line ${line}, column '${name}': ${shown(cell)} is not ${rule}`);
  };
  const category = (word: string, line: number): number => {
    const known = indices.get(word);
    if (known !== undefined) return known;
    if (given) refuse(word, line, `in the vocabulary of ${given.length} categories${didYouMean(word, given)}`);
    indices.set(word, vocabulary!.length);
    return vocabulary!.push(word) - 1;
  };
  return {
    name,
    type,
    rule: missingOf(missing, name, type),
    vocabulary,
    read(cell, line) {
      if (type === 'string') return cell;
      const word = cell.trim();
      if (word === '') return NaN;
      switch (type) {
        case 'number':
          return decimal.test(word) ? Number(word) : (notFinite[word.toLowerCase()] ?? refuse(cell, line, rules.number));
        case 'date':
          return dateOf(word) ?? refuse(cell, line, rules.date);
        case 'boolean':
          return words[word.toLowerCase()] ?? refuse(cell, line, rules.boolean);
        case 'category':
          return category(word, line);
      }
    },
  };
}

/** Positions of the columns in the rows. */
function positionsOf(where: string, file: string, names: readonly string[], header: Row): readonly number[] {
  const found = header.cells.map((cell) => cell.trim());
  return names.map((name) => {
    const position = found.indexOf(name);
    if (position < 0) {
      throw new DataError(
        `${where}: ${file}, line ${header.line}: the column '${name}' is missing; the file has ${found.join(', ')}${didYouMean(name, found)}`,
      );
    }
    if (found.indexOf(name, position + 1) >= 0) {
      throw new DataError(`${where}: ${file}, line ${header.line}: two columns have the name '${name}'; rename one of them`);
    }
    return position;
  });
}

/**
 * Opens a CSV file as rows of values. Rows with empty cells in columns of the rule `drop` are left out, and numbers replace those of columns
 * with a number as rule. Other empty cells are NaN.
 */
export async function openTyped(where: string, source: FileSource, settings: Settings): Promise<TypedRows> {
  const names = Object.keys(settings.columns);
  const { name: file, rows } = await openRows(where, source, settings.delimiter);
  const columns = names.map((name) => columnReader(where, file, name, settings));
  async function* read(): AsyncGenerator<readonly (number | string)[]> {
    let positions: readonly number[] | undefined = settings.header ? undefined : names.map((_, i) => i);
    let width = settings.header ? undefined : names.length;
    for await (const row of rows) {
      const { cells, line } = row;
      if (!positions) {
        positions = positionsOf(where, file, names, row);
        width = cells.length;
        continue;
      }
      if (cells.length !== width) {
        throw new DataError(
          `${where}: ${file}, line ${line}: has ${cells.length} cells instead of ${width}; correct the row, or quote a cell with the delimiter`,
        );
      }
      const at = positions;
      const values = columns.map((column, i) => {
        const value = column.read(cells[at[i]], line);
        if (typeof value === 'string' || !Number.isNaN(value) || cells[at[i]].trim() !== '') return value;
        if (column.rule === 'error') {
          throw new DataError(
            `${where}: ${file}, line ${line}, column '${column.name}': the cell is empty; set missing to 'drop', 'mean' or a value`,
          );
        }
        return typeof column.rule === 'number' ? column.rule : NaN;
      });
      const isDropped = columns.some(({ rule }, i) => rule === 'drop' && cells[at[i]].trim() === '' && Number.isNaN(values[i]));
      if (!isDropped) yield values;
    }
    if (!positions) throw new DataError(`${where}: ${file} is empty; it needs a row with the names of the columns`);
  }
  return { columns, rows: read() };
}
