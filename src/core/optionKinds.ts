// Kinds of option values: common checks for every factory. Folders above core add their own kinds by `kindOf`.
import { ArgumentError } from './errors.ts';
import { didYouMean } from './nearest.ts';
import { shown } from './shown.ts';

/** A kind of values: the values a user may give (In), and the checked value that the factory uses (Out). */
export interface Kind<In, Out = In> {
  /** Ends the sentence "it must be ...". */
  readonly rule: string;
  readonly accepts: (value: unknown) => value is In;
  /**
   * Returns the checked value. `at` names the factory and the option.
   * @throws ArgumentError if the rule does not accept the value.
   */
  readonly read: (value: unknown, at: string) => Out;
  /** Data from which the factory can make the value again. Without it, the checked value is such data. */
  toConfig?(value: Out): unknown;
}

interface KindDetails<In, Out> {
  readonly rule: string;
  readonly accepts: (value: unknown) => value is In;
  /** Turns an accepted value into the one that the factory uses. */
  readonly convert?: (value: In, at: string) => Out;
  /** Ends the error about a value that is not accepted, such as `; did you mean 'relu'?`. */
  readonly hint?: (value: unknown) => string;
  readonly toConfig?: (value: Out) => unknown;
}

/* @__NO_SIDE_EFFECTS__ */
export function kindOf<In, Out = In>({ rule, accepts, convert, hint, toConfig }: KindDetails<In, Out>): Kind<In, Out> {
  return {
    rule,
    accepts,
    read(value, at) {
      if (!accepts(value)) refuse(at, value, rule, hint?.(value));
      return convert ? convert(value, at) : (value as unknown as Out);
    },
    ...(toConfig && { toConfig }),
  };
}

/** Throws the error about a value that a rule does not accept. */
export function refuse(at: string, value: unknown, rule: string, hint = ''): never {
  throw new ArgumentError(`${at} is ${shown(value)}; it must be ${rule}${hint}`);
}

const numberRanges = {
  finite: ['a number', () => true],
  'above 0': ['a number above 0', (x) => x > 0],
  'at least 0': ['a number of at least 0', (x) => x >= 0],
  'at least 1': ['a number of at least 1', (x) => x >= 1],
  '0 to 1': ['a number from 0 to 1', (x) => x >= 0 && x <= 1],
  'within 0 and 1': ['a number above 0 and below 1', (x) => x > 0 && x < 1],
  '0 to below 1': ['a number of at least 0 and less than 1', (x) => x >= 0 && x < 1],
} satisfies Record<string, readonly [rule: string, holds: (x: number) => boolean]>;

const isNumber = (value: unknown): value is number => typeof value === 'number';

/** A finite number within a range. */
/* @__NO_SIDE_EFFECTS__ */
export function number(range: keyof typeof numberRanges = 'finite'): Kind<number> {
  const [rule, holds] = numberRanges[range];
  return kindOf({ rule, accepts: (value): value is number => isNumber(value) && Number.isFinite(value) && holds(value) });
}

const integerRanges = {
  any: ['an integer', () => true],
  'above 0': ['a positive integer', (n) => n > 0],
  'at least 0': ['an integer of at least 0', (n) => n >= 0],
} satisfies Record<string, readonly [rule: string, holds: (n: number) => boolean]>;

/** An integer within a range. */
/* @__NO_SIDE_EFFECTS__ */
export function integer(range: keyof typeof integerRanges = 'any'): Kind<number> {
  const [rule, holds] = integerRanges[range];
  return kindOf({ rule, accepts: (value): value is number => isNumber(value) && Number.isSafeInteger(value) && holds(value) });
}

export const positiveInteger: Kind<number> = /* @__PURE__ */ integer('above 0');

/** Any number, also NaN and the infinities. */
export const anyNumber: Kind<number> = /* @__PURE__ */ kindOf({ rule: 'a number, NaN and Infinity included', accepts: isNumber });

/** Seed of a random stream. */
export const seed: Kind<number> = /* @__PURE__ */ integer();

export const boolean: Kind<boolean> = /* @__PURE__ */ kindOf({
  rule: 'true or false',
  accepts: (value): value is boolean => typeof value === 'boolean',
});

/** A text with at least one character. */
export const text: Kind<string> = /* @__PURE__ */ kindOf({
  rule: 'a text that is not empty',
  accepts: (value): value is string => typeof value === 'string' && value !== '',
});

const quoted = (values: readonly (string | number)[]): string =>
  joined(values.map((value) => (typeof value === 'string' ? `'${value}'` : `${value}`)));

/** "a, b or c". */
const joined = (parts: readonly string[]): string =>
  parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} or ${parts[parts.length - 1]}`;

/** One of a few names or numbers. */
/* @__NO_SIDE_EFFECTS__ */
export function oneOf<const Value extends string | number>(...values: readonly Value[]): Kind<Value> {
  return kindOf({
    rule: quoted(values),
    accepts: (value): value is Value => (values as readonly unknown[]).includes(value),
    hint: (value) => didYouMean(value, values.map(String)),
  });
}

/** A list whose elements are of one kind. `least` is the smallest length. */
/* @__NO_SIDE_EFFECTS__ */
export function listOf<In, Out>(element: Kind<In, Out>, elements: string, least: 0 | 1 = 0): Kind<readonly In[], readonly Out[]> {
  const rule = `a list of ${least ? 'one or more ' : ''}${elements}`;
  return {
    rule,
    accepts: (value): value is readonly In[] =>
      Array.isArray(value) && value.length >= least && Array.from<unknown>(value).every((part) => element.accepts(part)),
    read(value, at) {
      if (!Array.isArray(value) || value.length < least) refuse(at, value, rule);
      return Object.freeze(Array.from<unknown, Out>(value, (part, i) => element.read(part, `${at}[${i}]`)));
    },
    ...(element.toConfig && { toConfig: (value) => value.map((part) => element.toConfig!(part)) }),
  };
}

/** Whether every element of a list is accepted. Array.from reads holes as undefined. */
const isListOf = (value: unknown, accepts: (element: unknown) => boolean): value is readonly number[] =>
  Array.isArray(value) && Array.from<unknown>(value).every(accepts);

const frozenCopy = <T>(list: readonly T[]): readonly T[] => Object.freeze([...list]);

/** Sizes of axes, without the batch axis. */
export const shape: Kind<readonly number[]> = /* @__PURE__ */ kindOf({
  rule: 'a list of positive integers, without the batch axis',
  accepts: (value): value is readonly number[] => isListOf(value, positiveInteger.accepts),
  convert: frozenCopy,
});

/** Sizes of axes, of which one may be -1: it follows from the others. */
export const shapeWithOneOpen: Kind<readonly number[]> = /* @__PURE__ */ kindOf({
  rule: 'a list of positive integers, of which one may be -1',
  accepts: (value): value is readonly number[] =>
    isListOf(value, (size) => size === -1 || positiveInteger.accepts(size)) && value.filter((size) => size === -1).length <= 1,
  convert: frozenCopy,
});

type Tuples = { 1: readonly [number]; 2: readonly [number, number]; 3: readonly [number, number, number] };

const sizeRules = {
  1: 'a positive integer',
  2: 'a positive integer, or two: [height, width]',
  3: 'a positive integer, or three: [depth, height, width]',
} as const;

/** Sizes along the axes of a window: one positive integer for all axes, or one for each. Reads as one for each. */
/* @__NO_SIDE_EFFECTS__ */
export function sizes<const Axes extends keyof Tuples>(axes: Axes): Kind<number | Tuples[Axes], Tuples[Axes]> {
  return kindOf<number | Tuples[Axes], Tuples[Axes]>({
    rule: sizeRules[axes],
    accepts: (value): value is number | Tuples[Axes] =>
      positiveInteger.accepts(value) || (isListOf(value, positiveInteger.accepts) && value.length === axes),
    convert: (value) => frozenCopy(typeof value === 'number' ? new Array<number>(axes).fill(value) : value) as unknown as Tuples[Axes],
  });
}

/** A function of one signature. */
/* @__NO_SIDE_EFFECTS__ */
export function callable<F extends (...args: never[]) => unknown>(rule = 'a function'): Kind<F> {
  return kindOf({ rule, accepts: (value): value is F => typeof value === 'function' });
}

/** An object with methods of these names. */
/* @__NO_SIDE_EFFECTS__ */
export function objectWith<T extends object>(rule: string, ...methods: readonly (keyof T & string)[]): Kind<T> {
  return kindOf({
    rule,
    accepts: (value): value is T =>
      typeof value === 'object' &&
      value !== null &&
      methods.every((name) => typeof (value as Record<string, unknown>)[name] === 'function'),
  });
}

/** A value that is checked later, by its user, such as data or a loss by its output. `rule` is for the docs. */
/* @__NO_SIDE_EFFECTS__ */
export const checkedLater = <T>(rule: string): Kind<T> => kindOf({ rule, accepts: (value): value is T => value !== undefined });

/** A value of either kind. */
/* @__NO_SIDE_EFFECTS__ */
export function either<In1, Out1, In2, Out2>(first: Kind<In1, Out1>, second: Kind<In2, Out2>): Kind<In1 | In2, Out1 | Out2> {
  return kindOf<In1 | In2, Out1 | Out2>({
    rule: `${first.rule} or ${second.rule}`,
    accepts: (value): value is In1 | In2 => first.accepts(value) || second.accepts(value),
    convert: (value, at) => (first.accepts(value) ? first.read(value, at) : second.read(value, at)),
  });
}

/** A function, or the name of one in a table. `find` makes the function of a name; `check` wraps a function that was given. */
/* @__NO_SIDE_EFFECTS__ */
export function named<Name extends string, F extends (...args: never[]) => unknown>(details: {
  /** Names of the table, read late: the table may come after this kind in its file. */
  readonly names: () => readonly Name[];
  readonly find: (name: Name) => F;
  readonly check?: (given: F, at: string) => F;
  /** Ends the error about an unknown name, after the nearest one. */
  readonly hint?: (value: unknown) => string;
  readonly toConfig?: (value: F) => unknown;
}): Kind<Name | F, F> {
  const { names, find, check = (given) => given, hint = () => '', toConfig } = details;
  const isName = (value: unknown): value is Name => (names() as readonly unknown[]).includes(value);
  const kind: Kind<Name | F, F> = {
    get rule() {
      return `one of ${names().join(', ')}, or a function`;
    },
    accepts: (value): value is Name | F => typeof value === 'function' || isName(value),
    read(value, at) {
      if (typeof value === 'function') return check(value as F, at);
      return isName(value) ? find(value) : refuse(at, value, kind.rule, didYouMean(value, names()) + hint(value));
    },
    ...(toConfig && { toConfig }),
  };
  return kind;
}
