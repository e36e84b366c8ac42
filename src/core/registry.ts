// Makes objects again from their configs. Tables of the library's own factories are passed in, so that core does not import them.
import { type Config, type Configured, isConfig, plainData, revive } from './config.ts';
import { ArgumentError } from './errors.ts';
import { didYouMean } from './nearest.ts';
import { shown } from './shown.ts';

/** Names of the tables of factories, which begin the kinds of the library: `layers.dense`. */
const tableNames = [
  ...['layers', 'losses', 'optimizers', 'schedules', 'metrics'],
  ...['initializers', 'regularizers', 'constraints', 'callbacks', 'adversarial'],
] as const;

/** Factories by table and name. */
export type FactoryTables = Readonly<Partial<Record<(typeof tableNames)[number], Readonly<Record<string, (options: never) => unknown>>>>>;

const registered = new Map<string, (options: never) => unknown>();

/**
 * Registers a factory of your own, so that its results have a config and can be made again by `fromConfig`. Returns the factory to use.
 * Options are plain data, or objects with a config. A kind that is registered again is replaced.
 *
 *     const scaledRelu = register('scaledRelu', ({ scale }: { scale: number }) => (x: Tensor) => x.relu().mul(scale));
 *     layers.dense({ units: 8, activation: scaledRelu({ scale: 2 }) });
 *
 * @throws ArgumentError for a kind that is empty or begins like a kind of the library, or a factory that is not a function.
 */
export function register<A extends readonly [options?: object], T extends object>(
  kind: string,
  factory: (...options: A) => T,
): (...options: A) => Configured<T> {
  if (typeof kind !== 'string' || !/^\S+$/.test(kind)) {
    throw new ArgumentError(`register: kind is ${shown(kind)}; it must be a text without blanks, such as 'scaledRelu'`);
  }
  if (tableNames.some((table) => kind.startsWith(`${table}.`))) {
    throw new ArgumentError(
      `register: kind is '${kind}'; kinds of the library begin so: choose another, such as 'my.${kind.split('.')[1]}'`,
    );
  }
  if (typeof factory !== 'function') {
    throw new ArgumentError(`register: factory of '${kind}' is ${shown(factory)}; it must be a function of one options object`);
  }
  const make = (...given: A): Configured<T> => {
    // A copy: the caller may change the options later.
    const options = { ...given[0] };
    return attach(kind, options, factory(...given));
  };
  registered.set(kind, make as unknown as (options: never) => unknown);
  return make;
}

function attach<T extends object>(kind: string, options: object, made: T): Configured<T> {
  if ((typeof made !== 'object' && typeof made !== 'function') || (made as unknown) === null || !Object.isExtensible(made)) {
    throw new ArgumentError(`${kind}: the registered factory returned ${shown(made)}; it must return a new object or function`);
  }
  const data = (): Config['options'] => plainData(options, kind) as Config['options'];
  return Object.defineProperty(made, 'config', { get: () => ({ kind, options: data() }), configurable: true }) as Configured<T>;
}

/** Makers of kinds whose options are read by the maker itself. `make` makes the configs inside. */
export type ConfigMakers = Readonly<Record<string, (options: Config['options'], make: (config: Config) => unknown) => unknown>>;

/**
 * Makes the object that a config describes, and the objects in its options. `tables` holds the factories of the library.
 * @throws ArgumentError for data that are not a config, an unknown kind, or options that the factory refuses.
 */
export function makeFromConfig(config: unknown, tables: FactoryTables, makers: ConfigMakers = {}): unknown {
  if (!isConfig(config)) {
    throw new ArgumentError(
      `fromConfig: config is ${shown(config)}; it must be { kind, options }, as the config of a layer, loss or optimizer is`,
    );
  }
  const make = (inner: Config): unknown => makeFromConfig(inner, tables, makers);
  if (Object.hasOwn(makers, config.kind)) return makers[config.kind](config.options, make);
  const factory = factoryOf(config.kind, tables);
  return factory(revive(config.options, make) as never);
}

function factoryOf(kind: string, tables: FactoryTables): (options: never) => unknown {
  const [, table, name] = /^(\w+)\.(.+)$/.exec(kind) ?? [];
  const builtIn = Object.hasOwn(tables, table ?? '') ? tables[table as keyof FactoryTables] : undefined;
  const factory = builtIn ? (Object.hasOwn(builtIn, name) ? builtIn[name] : undefined) : registered.get(kind);
  if (factory) return factory;
  const known = [...Object.entries(tables).flatMap(([of, row]) => Object.keys(row).map((one) => `${of}.${one}`)), ...registered.keys()];
  throw new ArgumentError(
    `fromConfig: unknown kind '${kind}'; kinds are those of the library (${Object.keys(tables).join(', ')}) ` +
      `and those given to register(kind, factory)${didYouMean(kind, known)}`,
  );
}
