// One row of bad input: a call that an op refuses, and what it says.
import type { Dtype } from '../../src/core/dtype.ts';
import { ArgumentError, DataError, DtypeError, type OmbreError, ShapeError } from '../../src/core/errors.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { tensor } from '../../src/ops/index.ts';

/** Description of the fault in the input. */
export type Fault = 'operand' | 'rank' | 'size' | 'dtype' | 'axis' | 'empty' | 'index' | 'option' | 'value';

export interface ErrorRow {
  /** The exported function; `random.normal` for the methods of `random`. */
  readonly op: string;
  readonly fault: Fault;
  readonly call: () => unknown;
  readonly type: typeof OmbreError;
  /** How the message begins: op, what came, rule and fix. */
  readonly message: string | RegExp;
}

type ErrorTypes = Readonly<Record<Fault, typeof OmbreError>>;

/** The error class for each fault, unless the row has another one. */
const usual: ErrorTypes = {
  operand: ArgumentError,
  rank: ShapeError,
  size: ShapeError,
  dtype: DtypeError,
  axis: ShapeError,
  empty: ShapeError,
  index: DataError,
  option: ArgumentError,
  value: ArgumentError,
};

/** A row; the message begins with the op's name. */
export const bad = (op: string, fault: Fault, call: () => unknown, text: string, type = usual[fault]): ErrorRow => ({
  op,
  fault,
  call,
  type,
  message: `${op}: ${text}`,
});

/** A tensor with a type only. */
export const input = (shape: readonly number[], dtype: Dtype = 'f32'): Tensor => placeholder(shape, dtype, { position: 0 });

export const i32 = (...values: number[]): Tensor => tensor(values, [values.length], 'i32');
export const u32 = (...values: number[]): Tensor => tensor(values, [values.length], 'u32');
