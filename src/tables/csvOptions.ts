// Options of the readers of CSV files.
import { ArgumentError } from '../core/errors.ts';
import { boolean, kindOf, text } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required } from '../core/options.ts';

/** Types of columns. */
export const columnTypes = ['number', 'category', 'string', 'date', 'boolean'] as const;
/** A number; a category, read as its index in a vocabulary; a text; a date as milliseconds since 1970; or true and false. */
export type ColumnType = (typeof columnTypes)[number];

type Columns = Readonly<Record<string, ColumnType>>;

const columnsKind = /* @__PURE__ */ kindOf<Columns>({
  rule: `a record of types by name, each one of ${columnTypes.join(', ')}`,
  accepts: (value): value is Columns =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.keys(value).length > 0 &&
    Object.values(value).every((type) => (columnTypes as readonly unknown[]).includes(type)),
});

const missingRules = ['error', 'drop', 'mean', 'median', 'mostFrequent'] as const;
/** Treatment of empty cells. A number replaces them. */
export type Missing = (typeof missingRules)[number] | number;

const isMissing = (value: unknown): value is Missing => typeof value === 'number' || (missingRules as readonly unknown[]).includes(value);

type MissingOption = Missing | Readonly<Record<string, Missing>>;

const missingKind = /* @__PURE__ */ kindOf<MissingOption>({
  rule: `one of ${missingRules.join(', ')}, a number, or a record of them by column`,
  accepts: (value): value is MissingOption =>
    isMissing(value) || (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isMissing)),
});

type Vocabularies = Readonly<Record<string, readonly string[]>>;

const vocabulariesKind = /* @__PURE__ */ kindOf<Vocabularies>({
  rule: 'a record of lists of texts by column',
  accepts: (value): value is Vocabularies =>
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((list) => Array.isArray(list) && list.length > 0 && list.every((entry) => typeof entry === 'string')),
});

const csvOptions = {
  /** Types of the columns by name, such as `{ age: 'number', city: 'category' }`. Columns that are not named are not read. */
  columns: /* @__PURE__ */ required(columnsKind, { age: 'number' }),
  /** The first row has the names of the columns. False takes the order of `columns`. @default true */
  header: /* @__PURE__ */ optional(boolean, true),
  /** Text between the cells. @default ',' */
  delimiter: /* @__PURE__ */ optional(text, ','),
  /**
   * Treatment of empty cells: an error, rows left out, a number, or the mean, median or most frequent value of the column. Cells of texts are
   * empty texts. Categories and booleans take the most frequent value instead of a mean or median, and refuse numbers. @default 'error'
   */
  missing: /* @__PURE__ */ optional(missingKind, 'error'),
  /** Categories by column, in the order of their indices. Another word is then an error. @default the words of the file, in the order of their rows */
  vocabularies: /* @__PURE__ */ optional(vocabulariesKind),
};

type Checked = {
  readonly columns: Columns;
  readonly delimiter: string;
  readonly missing: MissingOption;
  readonly vocabularies?: Vocabularies;
};

function checkColumns({ columns, delimiter, missing, vocabularies }: Checked, where: string): void {
  if (/["\r\n]/.test(delimiter)) throw new ArgumentError(`${where}: delimiter has a quote or a line break; use another text`);
  const named = [...Object.keys(vocabularies ?? {}), ...(typeof missing === 'object' ? Object.keys(missing) : [])];
  const unknown = named.find((name) => !Object.hasOwn(columns, name));
  if (unknown !== undefined) throw new ArgumentError(`${where}: the options name the column '${unknown}', which columns does not have`);
  const untyped = Object.keys(vocabularies ?? {}).find((name) => columns[name] !== 'category');
  if (untyped !== undefined) throw new ArgumentError(`${where}: vocabularies has the column '${untyped}', whose type is not 'category'`);
  for (const [name, rule] of typeof missing === 'object' ? Object.entries(missing) : []) {
    if (missingOf(missing, name, columns[name]) === rule) continue;
    throw new ArgumentError(
      `${where}: missing of the column '${name}' is ${rule}, but its type is ${columns[name]}; use 'error', 'drop' or 'mostFrequent'`,
    );
  }
}

/** The rule of a column. A column that a record does not name has the rule `error`. Categories and booleans have no mean and no numbers. */
export function missingOf(missing: MissingOption, name: string, type: ColumnType): Missing {
  const rule = typeof missing === 'object' ? (missing[name] ?? 'error') : missing;
  if (type !== 'category' && type !== 'boolean') return rule;
  return rule === 'mean' || rule === 'median' ? 'mostFrequent' : typeof rule === 'number' ? 'error' : rule;
}

export const readCsvOptions = declareOptions('readCsv', csvOptions, checkColumns);
export type ReadCsvOptions = OptionsOf<typeof readCsvOptions>;

export const csvDatasetOptions = declareOptions(
  'csvDataset',
  {
    ...csvOptions,
    /** Column of the targets, or a list of them. Elements have no y if it is absent. */
    target: optional(
      kindOf<string | readonly string[]>({
        rule: 'the name of a column, or a list of them',
        accepts: (value): value is string | readonly string[] =>
          typeof value === 'string' || (Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string')),
      }),
    ),
  },
  (settings, where) => {
    checkColumns(settings, where);
    const { columns, missing, vocabularies = {} } = settings;
    for (const [name, type] of Object.entries(columns)) {
      if (type === 'string')
        throw new ArgumentError(`${where}: the column '${name}' has the type string, which is no number; leave it out or use 'category'`);
      if (type === 'category' && !Object.hasOwn(vocabularies, name)) {
        throw new ArgumentError(
          `${where}: vocabularies lacks the column '${name}'; a file that is read in parts needs its categories before`,
        );
      }
      const rule = missingOf(missing, name, type);
      if (rule === 'mean' || rule === 'median' || rule === 'mostFrequent') {
        throw new ArgumentError(`${where}: missing is '${rule}', which needs all rows; use 'error', 'drop' or a number`);
      }
    }
  },
);
export type CsvDatasetOptions = OptionsOf<typeof csvDatasetOptions>;
