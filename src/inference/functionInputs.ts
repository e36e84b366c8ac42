// Shapes and dtypes of the arguments of a function that is exported.
import { batchAxis } from '../core/batchAxis.ts';
import type { Dtype } from '../core/dtype.ts';
import { ArgumentError } from '../core/errors.ts';
import type { Shape } from '../core/shape.ts';
import { shown } from '../core/shown.ts';
import type { TensorType } from '../graph/op.ts';
import { nameOfLeaf } from './namedTensors.ts';

/** Shape and dtype of an input of a function. 'batch' as the first size is free. */
export interface ExportInput {
  readonly shape: readonly (number | 'batch')[];
  /** @default 'f32' */
  readonly dtype?: Dtype;
  /** Name in the file. @default the name in the record, otherwise a common name, or that with `_1` and so on */
  readonly name?: string;
}

/** A list of inputs is the arguments of a function. A record is its only argument. */
export type ExportInputs = readonly ExportInput[] | Readonly<Record<string, ExportInput>>;

export interface FunctionInputs {
  readonly names: readonly string[];
  /** A free first size is `batchAxis`. */
  readonly types: readonly TensorType[];
  /** The arguments of the function, made of one value for each input. */
  readonly argumentsOf: <T>(values: readonly T[]) => unknown[];
}

const isInput = (value: unknown): value is ExportInput => Array.isArray((value as Partial<ExportInput> | undefined)?.shape);

/**
 * Reads the option `inputs`. `base` is the name of inputs without names.
 * @throws ArgumentError for inputs without a shape.
 */
export function functionInputs(where: string, inputs: ExportInputs, base: string): FunctionInputs {
  const isList = Array.isArray(inputs);
  const entries = Object.entries(inputs as Readonly<Record<string, ExportInput>>);
  const wrong = entries.find(([, value]) => !isInput(value));
  if (wrong || entries.length === 0) {
    const got = wrong ? `inputs.${wrong[0]} is ${shown(wrong[1])}` : 'inputs is empty';
    throw new ArgumentError(`${where}: ${got}; give { shape, dtype } for each argument, as in { inputs: [{ shape: ['batch', 3] }] }`);
  }
  return {
    names: entries.map(([key, { name }], i) => name ?? (isList ? nameOfLeaf('', entries.length, i, base) : key)),
    types: entries.map(([, { shape, dtype = 'f32' }]) => ({ shape: sizesOf(where, shape), dtype })),
    argumentsOf: (values) => (isList ? [...values] : [Object.fromEntries(entries.map(([name], i) => [name, values[i]]))]),
  };
}

function sizesOf(where: string, shape: ExportInput['shape']): Shape {
  return shape.map((n, axis) => {
    if (n === 'batch' && axis === 0) return batchAxis;
    if (typeof n === 'number' && Number.isSafeInteger(n) && n >= 0) return n;
    throw new ArgumentError(`${where}: a shape has ${shown(n)} as axis ${axis}; sizes are integers, and 'batch' may be the first`);
  });
}
