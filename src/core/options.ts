// One declaration for each factory: name, check, default and example of every option. The declaration gives the TypeScript types, the error
// texts, the config from which the object can be made again, and the tables of docs/options.md. JSDoc of the options is part of the
// declaration.
import { type Config, type Configured, plainData } from './config.ts';
import { ArgumentError, checkOptions } from './errors.ts';
import type { Kind } from './optionKinds.ts';
import { shown } from './shown.ts';

/** Required options have no default. Optional ones have a default, or may be absent. */
export type Need = 'required' | 'default' | 'absent';

/** One option: its kind, and whether it must be given. */
export interface Option<In, Out, N extends Need> {
  readonly kind: Kind<In, Out>;
  readonly need: N;
  /** Default value, or the example of a required option. */
  readonly value: unknown;
}

/** Options of a factory by name. */
export type OptionTable = Readonly<Record<string, Option<unknown, unknown, Need>>>;

/** An option that must be given. `example` is a value that works: errors show it, and tests call the factory with it. */
/* @__NO_SIDE_EFFECTS__ */
export function required<In, Out>(kind: Kind<In, Out>, example: NoInfer<In>): Option<In, Out, 'required'> {
  return { kind, need: 'required', value: example };
}

/** An option that may be left out, with its default. */
export function optional<In, Out>(kind: Kind<In, Out>, value: NoInfer<In>): Option<In, Out, 'default'>;
/** An option that may be left out. Its setting is then undefined. */
export function optional<In, Out>(kind: Kind<In, Out>): Option<In, Out, 'absent'>;
/* @__NO_SIDE_EFFECTS__ */
export function optional<In, Out>(kind: Kind<In, Out>, value?: In): Option<In, Out, 'default' | 'absent'> {
  return { kind, need: value === undefined ? 'absent' : 'default', value };
}

type InputOf<O> = O extends Option<infer In, unknown, Need> ? In : never;
type SettingOf<O> = O extends Option<unknown, infer Out, infer N> ? ('absent' extends N ? Out | undefined : Out) : never;
type RequiredNames<T extends OptionTable> = { [N in keyof T]: T[N] extends Option<unknown, unknown, 'required'> ? N : never }[keyof T];
/** A mapping over the names of T keeps the docs of its properties. A mapping that renames (`as`) would drop them. */
type Inputs<T extends OptionTable, N extends keyof T> = { [K in N]: InputOf<T[K]> };
type Flat<T> = { [N in keyof T]: T[N] };

type InputsOf<T extends OptionTable> = Flat<Inputs<T, RequiredNames<T>> & Partial<Inputs<T, Exclude<keyof T, RequiredNames<T>>>>>;
/** The options of a table as a factory reads them: converted, with their defaults. */
export type SettingsIn<T extends OptionTable> = { readonly [N in keyof T]: SettingOf<T[N]> };

/** The options that a user gives to the factory of a declaration. */
export type OptionsOf<D> = D extends Declaration<infer T> ? InputsOf<T> : never;

/** The checked options of a declaration, with defaults. */
export type SettingsOf<D> = D extends Declaration<infer T> ? SettingsIn<T> : never;

export interface Declaration<T extends OptionTable = OptionTable> {
  /** Public name of the factory, such as `layers.dense`. It is the kind in configs. */
  readonly factory: string;
  readonly options: T;
  /**
   * Checks options and fills in defaults. undefined means not given.
   * @throws ArgumentError for a missing, wrong or unknown option.
   */
  read(options: unknown): SettingsIn<T>;
  /**
   * Settings as plain data.
   * @throws ArgumentError for a function that no registered factory made.
   */
  config(settings: SettingsIn<T>): Config;
}

/**
 * Declares the options of a factory. Each option has a JSDoc sentence above it, with `@default`. `check` throws for options that exclude
 * each other.
 *
 *     const dropoutOptions = declareOptions('layers.dropout', {
 *       rate: required(number('0 to 1'), 0.5),
 *     });
 *     export type DropoutOptions = OptionsOf<typeof dropoutOptions>;
 */
/* @__NO_SIDE_EFFECTS__ */
export function declareOptions<T extends OptionTable>(
  factory: string,
  options: T,
  check?: (settings: SettingsIn<T>, where: string) => void,
): Declaration<T> {
  const declaration: Declaration<T> = {
    factory,
    options,
    read(given) {
      const values = asRecord(declaration, given);
      const settings: Record<string, unknown> = {};
      for (const [name, { kind, need, value: standard }] of Object.entries(options)) {
        const value = values[name] === undefined && need === 'default' ? standard : values[name];
        if (value !== undefined) settings[name] = kind.read(value, `${factory}: ${name}`);
        else if (need === 'required') throw missing(declaration, name);
        else settings[name] = undefined;
      }
      check?.(settings as SettingsIn<T>, factory);
      return Object.freeze(settings) as SettingsIn<T>;
    },
    config(settings) {
      const entries = Object.entries(options).flatMap(([name, { kind }]) => {
        const value: unknown = settings[name];
        if (value === undefined) return [];
        return [[name, plainData(kind.toConfig ? kind.toConfig(value) : value, `${factory}: ${name}`)]];
      });
      return { kind: factory, options: Object.fromEntries(entries) as Config['options'] };
    },
  };
  return declaration;
}

/** The factory's name in its table: `dense` of `layers.dense`. */
export const nameOf = ({ factory }: Pick<Declaration, 'factory'>): string => factory.slice(factory.indexOf('.') + 1);

/** A call that works, such as `layers.dense({ units: 64 })`: with the required options, or otherwise with the first default. */
function exampleCall({ factory, options }: Declaration): string {
  const all = Object.entries(options);
  const needed = all.filter(([, { need }]) => need === 'required');
  const shownOnes = needed.length ? needed : all.filter(([, { need }]) => need === 'default').slice(0, 1);
  const entries = shownOnes.map(([name, { value }]) => `${name}: ${shown(value)}`);
  return `${factory}(${entries.length ? `{ ${entries.join(', ')} }` : ''})`;
}

const missing = (declaration: Declaration, name: string): ArgumentError =>
  new ArgumentError(
    `${declaration.factory}: ${name} is missing; it must be ${declaration.options[name].kind.rule}, such as ${exampleCall(declaration)}`,
  );

function asRecord(declaration: Declaration, given: unknown): Readonly<Record<string, unknown>> {
  if (given === undefined) return {};
  const { factory, options } = declaration;
  const known = Object.keys(options);
  checkOptions(factory, given, known, exampleCall(declaration));
  return given as Record<string, unknown>;
}

/** Adds `config` to the result of a factory. The config is computed when it is read. */
export function withConfig<Made extends object, T extends OptionTable>(
  made: Made,
  declaration: Declaration<T>,
  settings: SettingsIn<T>,
): Configured<Made> {
  return Object.defineProperty(made, 'config', { get: () => declaration.config(settings), configurable: true }) as Configured<Made>;
}
