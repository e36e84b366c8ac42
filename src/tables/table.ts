// Tables: typed columns of a CSV file in memory, and their way to the arrays of a model.
import { ArgumentError, DataError } from '../core/errors.ts';
import { fitsI32 } from '../core/dtype.ts';
import { didYouMean } from '../core/nearest.ts';
import { kindOf } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, required, optional } from '../core/options.ts';
import { type Tensor, hostTensor } from '../graph/tensor.ts';
import type { ColumnType } from './csvOptions.ts';

/** A column of numbers. */
export interface NumberColumn {
  readonly name: string;
  readonly type: Exclude<ColumnType, 'string'>;
  /** One value per row: numbers, indices of categories, 0 and 1 of booleans, or milliseconds since 1970 of dates. */
  readonly values: Float64Array;
  /** Categories in the order of their indices. Undefined for other types. */
  readonly vocabulary: readonly string[] | undefined;
}

/** A column of texts. */
export interface TextColumn {
  readonly name: string;
  readonly type: 'string';
  /** One text per row. */
  readonly values: readonly string[];
  readonly vocabulary: undefined;
}

/** One column of a table. */
export type TableColumn = NumberColumn | TextColumn;

type ColumnNames = string | readonly string[];

const columnNames = /* @__PURE__ */ kindOf<ColumnNames>({
  rule: 'the name of a column, or a list of them',
  accepts: (value): value is ColumnNames =>
    typeof value === 'string' || (Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string')),
});

export const toArraysOptions = declareOptions('table.toArrays', {
  /** Columns of x. A list gives x of shape [rows, columns], one name gives [rows]. */
  inputs: required(columnNames, ['age']),
  /** Columns of y, in the same way. There is no y if it is absent. */
  target: optional(columnNames),
});
export type ToArraysOptions = OptionsOf<typeof toArraysOptions>;

/** Inputs and targets of a table. */
export interface TableArrays {
  /** f32, or i32 if all columns are categories and booleans. */
  readonly x: Tensor;
  /** The same for the targets. Undefined without the option target. */
  readonly y: Tensor;
}

/** Typed columns of equally many rows. */
export interface Table<Columns = Readonly<Record<string, ColumnType>>> {
  /** Number of rows. */
  readonly rows: number;
  /** Columns by name. */
  readonly columns: { readonly [N in keyof Columns]: Columns[N] extends 'string' ? TextColumn : NumberColumn };
  /**
   * Inputs and targets as tensors on the host. Categories are indices: give them to an embedding or to categoryEncoding, or use them as targets
   * of sparseCategoricalCrossentropy.
   * @throws ArgumentError for a column that the table does not have, DataError for a column of texts.
   */
  toArrays(options: ToArraysOptions): TableArrays;
}

export function makeTable<Columns>(rows: number, columns: Readonly<Record<string, TableColumn>>): Table<Columns> {
  return {
    rows,
    columns: columns as Table<Columns>['columns'],
    toArrays(options) {
      const { inputs, target } = toArraysOptions.read(options);
      const x = tensorOf(rows, columns, inputs);
      return { x, y: target === undefined ? (undefined as never) : tensorOf(rows, columns, target) };
    },
  };
}

function tensorOf(rows: number, columns: Readonly<Record<string, TableColumn>>, names: ColumnNames): Tensor {
  const where = 'table.toArrays';
  const list = typeof names === 'string' ? [names] : names;
  const found = list.map((name) => {
    if (!Object.hasOwn(columns, name)) {
      const known = Object.keys(columns);
      throw new ArgumentError(`${where}: the table has no column '${name}'; it has ${known.join(', ')}${didYouMean(name, known)}`);
    }
    const { type, values } = columns[name];
    if (type === 'string') throw new DataError(`${where}: the column '${name}' has texts; read it as a category`);
    return { values, isWhole: type === 'category' || type === 'boolean' };
  });
  const shape = typeof names === 'string' ? [rows] : [rows, list.length];
  const isWhole = found.every((column) => column.isWhole && column.values.every(fitsI32));
  const data = isWhole ? new Int32Array(rows * list.length) : new Float32Array(rows * list.length);
  found.forEach(({ values }, c) => values.forEach((value, row) => (data[row * list.length + c] = value)));
  return hostTensor({ shape, dtype: isWhole ? 'i32' : 'f32' }, data);
}
