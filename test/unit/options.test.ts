// The declaration of options: types, defaults, error texts and configs. Rules of the real factories are tested in factories.test.ts.
import { describe, expect, expectTypeOf, test } from 'vitest';
import { plainData } from '../../src/core/config.ts';
import { ArgumentError, checkOptions } from '../../src/core/errors.ts';
import {
  anyNumber,
  boolean,
  callable,
  either,
  integer,
  type Kind,
  listOf,
  named,
  number,
  objectWith,
  oneOf,
  positiveInteger,
  seed,
  shape,
  shapeWithOneOpen,
  sizes,
  text,
} from '../../src/core/optionKinds.ts';
import { type OptionsOf, type SettingsOf, declareOptions, optional, required, withConfig } from '../../src/core/options.ts';
import { shown } from '../../src/core/shown.ts';
import { type FactoryTables, makeFromConfig, register } from '../../src/core/registry.ts';

const double = (x: number): number => 2 * x;
const functions = { double, half: (x: number): number => x / 2 };
const transform = named<keyof typeof functions, (x: number) => number>({
  names: () => ['double', 'half'],
  find: (name) => functions[name],
  toConfig: (fn) => Object.entries(functions).find(([, known]) => known === fn)?.[0] ?? fn,
});

const boxOptions = declareOptions(
  'layers.box',
  {
    /** Number of outputs. */
    units: required(positiveInteger, 64),
    /** Size of the window. @default 3 */
    size: optional(sizes(2), 3),
    /** Function of each output. @default 'double' */
    transform: optional(transform, 'double'),
    /** Largest value. */
    limit: optional(anyNumber),
    /** Rates, one for each output. */
    rates: optional(listOf(number('0 to 1'), 'numbers from 0 to 1')),
  },
  ({ units, rates }, where) => {
    if (rates && rates.length !== units) throw new ArgumentError(`${where}: ${rates.length} rates for ${units} units`);
  },
);

interface Box {
  readonly run: (x: number) => number;
}

const box = (options: OptionsOf<typeof boxOptions>): Box & { config: unknown } => {
  const settings = boxOptions.read(options);
  return withConfig({ run: settings.transform }, boxOptions, settings);
};
const tables = { layers: { box } } as FactoryTables;

/** Runs a call that must fail, and returns the message of its ArgumentError. */
function messageOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(ArgumentError);
    return (error as Error).message;
  }
  throw new Error('the call did not fail');
}

describe('a declaration', () => {
  test('gives the types of options and settings', () => {
    expectTypeOf<OptionsOf<typeof boxOptions>>().toEqualTypeOf<{
      units: number;
      size?: number | readonly [number, number];
      transform?: 'double' | 'half' | ((x: number) => number);
      limit?: number;
      rates?: readonly number[];
    }>();
    expectTypeOf<SettingsOf<typeof boxOptions>>().toEqualTypeOf<{
      readonly units: number;
      readonly size: readonly [number, number];
      readonly transform: (x: number) => number;
      readonly limit: number | undefined;
      readonly rates: readonly number[] | undefined;
    }>();
  });

  test('fills in defaults, reads undefined as not given, and freezes its settings', () => {
    const rates = [0.5];
    const settings = boxOptions.read({ units: 1, size: undefined, rates });
    expect(settings).toEqual({ units: 1, size: [3, 3], transform: double, limit: undefined, rates: [0.5] });
    rates[0] = 7;
    expect(settings.rates).toEqual([0.5]);
    expect(Object.isFrozen(settings) && Object.isFrozen(settings.rates) && Object.isFrozen(settings.size)).toBe(true);
  });

  test.each<[string, unknown, string]>([
    ['no options', undefined, 'layers.box: units is missing; it must be a positive integer, such as layers.box({ units: 64 })'],
    ['a missing option', {}, 'layers.box: units is missing; it must be a positive integer, such as layers.box({ units: 64 })'],
    ['undefined', { units: undefined }, 'layers.box: units is missing; it must be a positive integer'],
    ['null', { units: null }, 'layers.box: units is null; it must be a positive integer'],
    ['a wrong type', { units: 'x' }, "layers.box: units is 'x'; it must be a positive integer"],
    ['null for an optional one', { units: 1, limit: null }, 'layers.box: limit is null; it must be a number, NaN and Infinity included'],
    ['an element', { units: 1, rates: [2] }, 'layers.box: rates[0] is 2; it must be a number from 0 to 1'],
    [
      'a name nearby',
      { units: 1, transform: 'duoble' },
      "is 'duoble'; it must be one of double, half, or a function; did you mean 'double'?",
    ],
    [
      'an unknown option',
      { unit: 1 },
      "layers.box: unknown option 'unit'; it takes units, size, transform, limit, rates; did you mean 'units'?",
    ],
    ['an option far from all', { units: 1, q: 1 }, "layers.box: unknown option 'q'; it takes units, size, transform, limit, rates"],
    ['options that disagree', { units: 2, rates: [1] }, 'layers.box: 1 rates for 2 units'],
    ['a number', 3, 'layers.box: options come as one object, such as layers.box({ units: 64 }); got 3'],
    ['null as options', null, 'layers.box: options come as one object, such as layers.box({ units: 64 }); got null'],
    ['a list', [1], 'layers.box: options come as one object, such as layers.box({ units: 64 }); got [1]'],
    ['a function', () => 1, 'layers.box: options come as one object, such as layers.box({ units: 64 }); got a function'],
  ])('refuses %s', (_, options, message) => {
    expect(messageOf(() => boxOptions.read(options))).toContain(message);
  });

  test('without options names none', () => {
    const none = declareOptions('losses.none', {});
    expect(messageOf(() => none.read({ a: 1 }))).toBe("losses.none: unknown option 'a'; it takes no options");
    expect(messageOf(() => none.read(1))).toBe('losses.none: options come as one object, such as losses.none(); got 1');
    const some = declareOptions('losses.some', { a: optional(text), b: optional(text, 'x') });
    expect(messageOf(() => some.read(1))).toBe("losses.some: options come as one object, such as losses.some({ b: 'x' }); got 1");
    expect(messageOf(() => checkOptions('f', 1, ['a']))).toBe('f: options come as one object, such as { a: … }; got 1');
    expect(none.config(none.read(undefined))).toEqual({ kind: 'losses.none', options: {} });
  });
});

const anything: readonly unknown[] = [
  ...[null, true, 0, -0, 1, -1, 0.5, 2.5, NaN, Infinity, 2 ** 60, 'x', '', '1', 10n, Symbol('s')],
  ...[[], [1], [1, 2], [1, -1, 2], [1.5], ['a'], new Array(2), {}, { a: 1 }, new Map(), new Float32Array(2), new Date(), double],
];

describe('a kind of values', () => {
  const kinds: readonly [string, Kind<unknown, unknown>, accepted: readonly unknown[]][] = [
    ['number()', number(), [0, -0, 1, -1, 0.5, 2.5, 2 ** 60]],
    ["number('above 0')", number('above 0'), [1, 0.5, 2.5, 2 ** 60]],
    ["number('at least 0')", number('at least 0'), [0, -0, 1, 0.5, 2.5, 2 ** 60]],
    ["number('at least 1')", number('at least 1'), [1, 2.5, 2 ** 60]],
    ["number('0 to 1')", number('0 to 1'), [0, -0, 1, 0.5]],
    ["number('0 to below 1')", number('0 to below 1'), [0, -0, 0.5]],
    ['anyNumber', anyNumber, [0, -0, 1, -1, 0.5, 2.5, NaN, Infinity, 2 ** 60]],
    ['integer()', integer(), [0, -0, 1, -1]],
    ['positiveInteger', positiveInteger, [1]],
    ["integer('at least 0')", integer('at least 0'), [0, -0, 1]],
    ['seed', seed, [0, -0, 1, -1]],
    ['boolean', boolean, [true]],
    ['text', text, ['x', '1']],
    ['oneOf', oneOf('x', 'y'), ['x']],
    ['shape', shape, [[], [1], [1, 2]]],
    ['shapeWithOneOpen', shapeWithOneOpen, [[], [1], [1, 2], [1, -1, 2]]],
    ['sizes(1)', sizes(1), [1, [1]]],
    ['sizes(2)', sizes(2), [1, [1, 2]]],
    ['listOf', listOf(number(), 'numbers'), [[], [1], [1, 2], [1, -1, 2], [1.5]]],
    ['listOf of one or more', listOf(number(), 'numbers', 1), [[1], [1, 2], [1, -1, 2], [1.5]]],
    ['callable', callable(), [double]],
    ['objectWith', objectWith<Map<unknown, unknown>>('a map', 'clear'), [new Map()]],
    ['either', either(boolean, text), [true, 'x', '1']],
    ['named', transform, [double]],
  ];

  test.each(kinds)('%s accepts what its rule says and refuses the rest', (_, kind, accepted) => {
    const seen = anything.filter((value) => {
      if (kind.accepts(value)) return kind.read(value, 'f: a') !== undefined;
      expect(messageOf(() => kind.read(value, 'f: a'))).toMatch(/^f: a(\[\d\])? is .*; it must be ./);
      return false;
    });
    expect(seen).toEqual(accepted);
  });

  test('reads one size as one for each axis', () => {
    expect(sizes(3).read(2, 'f: a')).toEqual([2, 2, 2]);
    expect(sizes(1).rule).toBe('a positive integer');
    expect(either(number('above 0'), sizes(2)).rule).toBe('a number above 0 or a positive integer, or two: [height, width]');
  });

  test('offers the near name of a list of names', () => {
    expect(messageOf(() => oneOf('valid', 'same').read('vlid', 'f: padding'))).toBe(
      "f: padding is 'vlid'; it must be 'valid' or 'same'; did you mean 'valid'?",
    );
  });

  test('shows values briefly', () => {
    expect(shown({ a: [1, 'b', null], c: undefined })).toBe("{ a: [1,'b',null], c: undefined }");
    expect(shown([new Array(1)])).toBe('[[undefined]]');
    expect(shown(new Float32Array(1))).toBe('a Float32Array');
    expect(shown(Array.from({ length: 99 }, () => 1))).toHaveLength(80);
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(shown(cycle)).toBe('[[[…]]]');
  });
});

/** Writes a config as JSON, makes the thing again and returns the config of the new thing. */
const again = (made: { config: unknown }): unknown =>
  (makeFromConfig(JSON.parse(JSON.stringify(made.config)), tables) as { config: unknown }).config;

describe('a config', () => {
  test('holds all options, and JSON brings it back', () => {
    const made = box({ units: 2, limit: -Infinity, rates: [0, 1] });
    expect(made.config).toEqual({
      kind: 'layers.box',
      options: { units: 2, size: [3, 3], transform: 'double', limit: { $number: '-Infinity' }, rates: [0, 1] },
    });
    expect(again(made)).toEqual(made.config);
    for (const limit of [NaN, -0, Infinity, 1e-300]) {
      const { options } = again(box({ units: 1, limit })) as { options: { limit: unknown } };
      expect(options.limit).toEqual(plainData(limit, 'limit'));
    }
  });

  test('refuses functions of the user when it is read, not before', () => {
    const made = box({ units: 1, transform: (x) => x });
    expect(made.run(3)).toBe(3);
    expect(messageOf(() => made.config)).toBe(
      'layers.box: transform is a function of your own, which a config cannot hold; ' +
        'make it by a factory that register(kind, factory) returned, which gives it a config',
    );
  });

  test('holds functions of registered factories', () => {
    const times = register(
      'times',
      ({ factor }: { factor: number }) =>
        (x: number) =>
          factor * x,
    );
    const made = box({ units: 1, transform: times({ factor: 5 }) });
    expect(made.config).toMatchObject({ options: { transform: { kind: 'times', options: { factor: 5 } } } });
    expect(again(made)).toEqual(made.config);
    const copy = makeFromConfig(JSON.parse(JSON.stringify(made.config)), tables) as Box;
    expect(copy.run(2)).toBe(10);
  });

  test('of a registered factory holds plain data and nested things', () => {
    const pair = register('pair', (options: { inner: object; at?: number; tags: readonly string[] }) => ({ inner: options.inner }));
    const options = { inner: box({ units: 1 }), at: undefined, tags: ['a'] };
    const made = pair(options);
    options.tags = [];
    expect(made.config).toEqual({ kind: 'pair', options: { inner: box({ units: 1 }).config, tags: ['a'] } });
    const copy = makeFromConfig(made.config, tables) as { inner: Box };
    expect(copy.inner.run(4)).toBe(8);
    const later = register('pair', () => ({ inner: 1 }));
    expect(makeFromConfig(later().config, tables)).toMatchObject({ inner: 1 });
  });

  test.each<[string, unknown, string]>([
    ['nothing', undefined, 'fromConfig: config is undefined; it must be { kind, options }'],
    ['a text', 'layers.box', "fromConfig: config is 'layers.box'; it must be { kind, options }"],
    ['no options', { kind: 'layers.box' }, "fromConfig: config is { kind: 'layers.box' }; it must be { kind, options }"],
    ['another key', { kind: 'a', options: {}, more: 1 }, 'it must be { kind, options }'],
    [
      'an unknown kind',
      { kind: 'layers.bx', options: {} },
      "fromConfig: unknown kind 'layers.bx'; kinds are those of the library (layers) and those given to register(kind, factory); did you mean 'layers.box'?",
    ],
    ['a name of Object', { kind: 'layers.toString', options: {} }, "fromConfig: unknown kind 'layers.toString'; kinds are"],
    ['a table of Object', { kind: 'constructor.name', options: {} }, "unknown kind 'constructor.name'"],
    ['wrong options', { kind: 'layers.box', options: { units: 0 } }, 'layers.box: units is 0; it must be a positive integer'],
    ['a nested one', { kind: 'layers.box', options: { units: { kind: 'q.q', options: {} } } }, "fromConfig: unknown kind 'q.q'"],
  ])('with %s is refused', (_, config, message) => {
    expect(messageOf(() => makeFromConfig(config, tables))).toContain(message);
  });

  test.each<[string, () => unknown, string]>([
    ['an empty kind', () => register('', () => ({})), "register: kind is ''; it must be a text without blanks"],
    ['a kind of the library', () => register('layers.mine', () => ({})), "register: kind is 'layers.mine'; kinds of the library begin so"],
    ['no factory', () => register('a', 1 as never), "register: factory of 'a' is 1; it must be a function"],
    ['a factory that makes nothing', () => register('a', () => 1 as never)(), 'a: the registered factory returned 1'],
    ['a frozen thing', () => register('a', () => Object.freeze({ b: 1 }))(), 'a: the registered factory returned { b: 1 }'],
    ['an object of a class', () => register('a', (_: object) => ({}))({ at: new Date() }).config, 'a.at is an object of your own'],
    ['data that look like a number', () => plainData({ $number: 'NaN' }, 'a'), 'a is an object of your own'],
  ])('refuses %s', (_, call, message) => {
    expect(messageOf(call)).toContain(message);
  });
});
