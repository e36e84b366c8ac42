// Kinds of options: how a value in a config of Keras becomes an option of a layer, and the reverse.
import {
  type ReadAt,
  type WriteAt,
  readActivation,
  readConstraint,
  readInitializer,
  readRegularizer,
  writeActivation,
  writeConstraint,
  writeInitializer,
  writeRegularizer,
} from './functions.ts';
import { ArgumentError } from '../../core/errors.ts';
import { shown } from '../../core/shown.ts';
import { camelCase, snakeCase } from './place.ts';

export interface KerasOption {
  /** Name of the option here. By default Keras's name in camelCase. */
  readonly name?: string;
  /** Names in files of older programs. */
  readonly aliases?: readonly string[];
  /** The name that TensorFlow.js has. */
  readonly tensorFlowJsName?: string;
  /** Whether `read` is called for a config without the option, too. */
  readonly always?: true;
  /** Option of the layer for a value; undefined leaves the option out. */
  readonly read: (value: unknown, at: ReadAt) => unknown;
  /** Value in a config; undefined leaves it out. */
  readonly write: (value: unknown, at: WriteAt) => unknown;
}

/** Options of a class by Keras's name. */
export type OptionTable = Readonly<Record<string, KerasOption>>;

const orAbsent = (value: unknown): unknown => (value === null ? undefined : value);

/** A value that both sides write alike. null is an option that is left out. */
export const same: KerasOption = { read: orAbsent, write: (value) => value };

/** A word with underscores: 'multi_hot' is 'multiHot'. */
export const word: KerasOption = {
  read: (value) => (typeof value === 'string' ? camelCase(value) : orAbsent(value)),
  write: (value) => (typeof value === 'string' ? snakeCase(value) : value),
};

/** One number along the only axis, which Keras also writes as a list of one. */
export const single: KerasOption = {
  read: (value) => (Array.isArray(value) && value.length === 1 ? (value[0] as unknown) : orAbsent(value)),
  write: (value) => (Array.isArray(value) && value.length === 1 ? (value[0] as unknown) : value),
};

/** A list of one number, of which a file may have the number only. */
export const listOfOne: KerasOption = { read: single.read, write: (value) => (typeof value === 'number' ? [value] : value) };

export const activation: KerasOption = { read: readActivation, write: writeActivation };
export const initializer: KerasOption = { always: true, read: readInitializer, write: writeInitializer };
export const regularizer: KerasOption = { read: readRegularizer, write: writeRegularizer };
export const constraint: KerasOption = { read: readConstraint, write: writeConstraint };

/** The same kind under another name of the option here. */
export const named = (kind: KerasOption, name: string): KerasOption => ({ ...kind, name });

/** An option that is accepted with these values only, because layers here have no such choice. It is not written. */
export const only = (...values: readonly unknown[]): KerasOption => ({
  read: (value, { place, option }) =>
    value === null || values.includes(value)
      ? undefined
      : place.fail(`${option} is ${shown(value)}; only ${values.map(shown).join(' or ')} is supported here`),
  write: () => undefined,
});

/** An option that changes no result here. It is neither read nor written. */
export const ignored: KerasOption = { read: () => undefined, write: () => undefined };

/** Rules of the outputs of a layer. */
export const outputRules: OptionTable = { activation, activity_regularizer: regularizer };

export const dataFormat: OptionTable = { data_format: only('channels_last') };

export const kernelRules: OptionTable = {
  kernel_initializer: initializer,
  kernel_regularizer: regularizer,
  kernel_constraint: constraint,
};

export const biasRules: OptionTable = {
  use_bias: same,
  bias_initializer: initializer,
  bias_regularizer: regularizer,
  bias_constraint: constraint,
};

/** Backends of Keras disagree about the coefficient of 'bicubic', and TensorFlow.js about the corners of 'bilinear'. */
export const interpolation: KerasOption = {
  read: (value, { place, isTensorFlowJs }) => {
    if (value === 'bicubic')
      place.fail("interpolation is 'bicubic', which the backends of Keras compute in different ways; use 'bilinear'");
    if (value === 'bilinear' && isTensorFlowJs)
      place.fail("interpolation is 'bilinear', which has other corners in TensorFlow.js; use 'nearest'");
    return orAbsent(value);
  },
  write: (value, { where }) => {
    if (value !== 'bicubic') return value;
    throw new ArgumentError(
      `${where}: interpolation is 'bicubic', which the backends of Keras compute in different ways; it must be 'nearest' or 'bilinear'`,
    );
  },
};
