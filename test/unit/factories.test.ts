// Every public factory: its options are declared once, documented, checked, and written in its config. New factories need no row here.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { optionsDocument } from '../../scripts/optionsDocument.ts';
import type { Config } from '../../src/core/config.ts';
import { ArgumentError } from '../../src/core/errors.ts';
import { register } from '../../src/core/registry.ts';
import { shown } from '../../src/core/shown.ts';
import { callbacks } from '../../src/callbacks/index.ts';
import { losses } from '../../src/losses/index.ts';
import { metrics } from '../../src/metrics/index.ts';
import { constraints, initializers, layers, regularizers } from '../../src/nn/index.ts';
import { optimizers, schedules } from '../../src/optim/index.ts';
import { adversarial } from '../../src/train/adversarial.ts';
import { fromConfig } from '../../src/train/fromConfig.ts';
import { declarations, docsOf, timesDeclared } from '../support/declarations.ts';

const tables: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  layers,
  losses,
  initializers,
  regularizers,
  constraints,
  optimizers,
  schedules,
  metrics,
  callbacks,
  adversarial,
};

type Factory = (options?: unknown) => { readonly config: Config };

const factories = Object.entries(tables).flatMap(([table, row]) =>
  Object.entries(row).map(([name, factory]) => [`${table}.${name}`, factory as Factory] as const),
);

/** Options that a factory needs, with the examples of its declaration. */
const examplesOf = (name: string): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(declarations.get(name)!.options).flatMap(([option, { need, value }]) =>
      need === 'required' ? [[option, typeof value === 'function' ? register(`example.${option}`, () => value)() : value]] : [],
    ),
  );

/** The message of the ArgumentError that a call throws, or undefined if it works. */
function refusal(call: () => unknown): string | undefined {
  try {
    call();
    return undefined;
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    return error.message;
  }
}

const values: readonly unknown[] = [
  ...[null, true, false, 0, -0, 1, -1, 0.5, 2.5, 8, NaN, Infinity, -Infinity, 2 ** 60, 'x', '', '1', 10n, Symbol('s')],
  ...[[], [1], [1, 2], [1, -1], [0.5, 0.5], [NaN], ['x'], [[1]], new Array(2), {}, { a: 1 }, new Map(), new Float32Array(2), new Date()],
  ...[() => 1, class {}],
];

/** Whether a config can hold a value that was accepted. */
const isPlain = (value: unknown): boolean => typeof value !== 'function' && (typeof value !== 'object' || Array.isArray(value));

/** The config of what a config, sent as JSON, describes. */
const sent = (config: Config): Config => fromConfig<{ config: Config }>(JSON.parse(JSON.stringify(config)) as Config).config;

test('every declaration is the only one of its factory', () => {
  expect(declarations.size).toBeGreaterThanOrEqual(factories.length);
  expect([...declarations.keys()].filter((name) => timesDeclared(name) !== 1)).toEqual([]);
});

test('docs/options.md is what `npm run docs` writes', async () => {
  const committed = readFileSync(new URL('../../docs/options.md', import.meta.url), 'utf8');
  // A comparison of the texts would print both.
  expect(committed === (await optionsDocument()), 'docs/options.md is stale: run `npm run docs` and commit it').toBe(true);
});

describe.each([...declarations])('the options of %s', (name, { options }) => {
  test('have a sentence each, and their defaults in the docs', () => {
    const docs = docsOf(name);
    expect([...docs.keys()]).toEqual(Object.keys(options));
    for (const [option, { need, value }] of Object.entries(options)) {
      const { sentence, standard } = docs.get(option)!;
      expect(sentence, `${name}: ${option} needs a sentence`).toMatch(/^[A-Z0-9'].*[.)]$/);
      if (need === 'required') expect(standard, `${name}: ${option} is required and has no default`).toBeUndefined();
      if (need === 'default') expect(standard, `${name}: ${option}`).toBe(shown(value));
    }
  });
});

describe.each(factories)('%s', (name, factory) => {
  const declaration = declarations.get(name);

  test('has a declaration', () => expect(declaration, `declareOptions('${name}', ...) is missing`).toBeDefined());
  if (!declaration) return;
  const examples = examplesOf(name);
  const options = Object.entries(declaration.options);

  test('without options works, or names the missing option', () => {
    const missing = Object.keys(examples)[0];
    for (const given of [[], [undefined], [{}]]) {
      const message = refusal(() => factory(...given));
      if (missing === undefined) expect(message).toBeUndefined();
      else expect(message).toMatch(new RegExp(`^${name}: ${missing} is missing; it must be .*, such as ${name}\\(\\{ ${missing}: `));
    }
  });

  test('refuses options that are not one object', () => {
    for (const given of [null, 1, 'x', true, [1], () => 1]) {
      expect(refusal(() => factory(given))).toContain(`${name}: options come as one object, such as `);
    }
  });

  test('offers the near name of an unknown option', () => {
    for (const [option] of options) {
      const message = refusal(() => factory({ ...examples, [`${option}s`]: 1 }));
      expect(message).toContain(`${name}: unknown option '${option}s'; it takes `);
      expect(message).toContain(`; did you mean '${option}'?`);
    }
    expect(refusal(() => factory({ ...examples, zzzzzzzz: 1 }))).toContain(`${name}: unknown option 'zzzzzzzz'; it takes `);
  });

  test.each(options)('%s: accepts by its rule, else names itself; the config comes back', (option, { kind }) => {
    for (const value of values) {
      const given = { ...examples, [option]: value };
      const message = refusal(() => factory(given));
      if (message !== undefined) {
        expect(message.startsWith(`${name}: `) && message.includes(option), `${shown(value)}: ${message}`).toBe(true);
      } else {
        expect(kind.accepts(value), `${option}: ${shown(value)}`).toBe(true);
        if (!isPlain(value)) continue;
        const { config } = factory(given);
        expect(config.kind).toBe(name);
        expect(sent(config)).toEqual(config);
      }
    }
  });

  test('writes all options into its config', () => {
    const { config } = factory(examples);
    const known = options.filter(([, { need }]) => need !== 'absent').map(([option]) => option);
    expect(Object.keys(config.options)).toEqual(known);
    expect(sent(config)).toEqual(config);
    expect(JSON.stringify(sent(config))).toBe(JSON.stringify(config));
  });
});
