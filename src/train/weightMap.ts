// Maps between the names and layouts of a file and the paths and layouts of a model. A map is plain data and works in both directions.
import type { HostArray } from '../core/dtype.ts';
import { ArgumentError, checkOptions } from '../core/errors.ts';
import { type Rearrangement, planRearrangement, rearrange, rearrangeBack } from '../core/rearrange.ts';
import { formatShape, sameShape, sizeOf } from '../core/shape.ts';
import { shown } from '../core/shown.ts';
import type { StoredDtype, StoredTensor } from '../formats/safetensors.ts';
import type { Tensor } from '../graph/tensor.ts';
import { type NameParts, fillName, namePattern } from './namePatterns.ts';
import type { ModelVariable } from './weights.ts';

/** Tensors of a file and the weights of a model that have the same numbers. `{x}` is one or more characters without a slash. */
export interface WeightRule {
  /** Names in the file, such as `{m}.weight`. Several tensors are one array, stacked along the first axis on the left side of `axes`. */
  readonly names: string | readonly string[];
  /** Paths in the model, such as `{m}/kernel`. Several weights are one array, stacked along the first axis on the right side of `axes`. */
  readonly paths: string | readonly string[];
  /**
   * Axes in the file and in the model: 'o i h w -> h w i o'. `(a b)` is one axis made of two, and `...` are all other axes. An axis that only the
   * file has is summed. @default the same axes
   */
  readonly axes?: string;
  /** For an axis, the entry in the file of each entry in the model. */
  readonly order?: Readonly<Record<string, readonly number[]>>;
  /** Sizes of axes that do not follow from the weight: { c: 4, h: 6, w: 6 } for 'o (c h w) -> (h w c) o'. */
  readonly sizes?: Readonly<Record<string, number>>;
}

/** How the weights of a model are named and laid out in files of another library. Plain data: `JSON.stringify` stores it. */
export interface WeightMap {
  /** The first rule with a path that fits a weight counts. */
  readonly rules: readonly WeightRule[];
  /** Names in files that are ignored if no weight needs them. */
  readonly ignore?: readonly string[];
  /** Other spellings of names in files, with the names that rules have. All of them are applied, in order. */
  readonly aliases?: readonly (readonly [spelling: string, name: string])[];
  /** Names of copies that files have, with the name of the tensor. They are written and not read. */
  readonly copies?: Readonly<Record<string, string>>;
  /** Texts for the header of files that are written. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Weights and tensors of one use of a rule. */
interface Binding {
  readonly names: readonly string[];
  readonly variables: readonly ModelVariable[];
  readonly plan: Rearrangement;
  /** Shape of each tensor in the file. */
  readonly shape: readonly number[];
}

const example = "{ rules: [{ names: '{m}.weight', paths: '{m}/kernel', axes: 'o i -> i o' }] }";
const listOf = <T>(one: T | readonly T[]): readonly T[] => (Array.isArray(one) ? (one as readonly T[]) : [one as T]);
const isTexts = (value: unknown): boolean => listOf(value).length > 0 && listOf(value).every((text) => typeof text === 'string');

/** @throws ArgumentError for a value that is no map. */
export function checkMap(where: string, map: WeightMap): void {
  checkOptions(`${where}: map`, map, ['rules', 'ignore', 'aliases', 'copies', 'metadata'], example);
  const { rules } = map as Partial<WeightMap>;
  if (!Array.isArray(rules)) throw new ArgumentError(`${where}: map has the rules ${shown(rules)}; it must be like ${example}`);
  (rules as readonly WeightRule[]).forEach((rule, i) => {
    checkOptions(`${where}: rule ${i} of map`, rule, ['names', 'paths', 'axes', 'order', 'sizes'], example);
    if (isTexts(rule.names) && isTexts(rule.paths)) return;
    throw new ArgumentError(
      `${where}: rule ${i} of map has the names ${shown(rule.names)} and the paths ${shown(rule.paths)}; both must be texts`,
    );
  });
}

/** The use of rules for each weight, and the weights without a rule. @throws ArgumentError if a rule does not fit the shape of a weight. */
function bind(where: string, map: WeightMap, variables: readonly ModelVariable[]): { bindings: Binding[]; free: ModelVariable[] } {
  const byPath = new Map(variables.map((variable) => [variable.path, variable]));
  const matchers = map.rules.map((rule) => ({ rule, paths: listOf(rule.paths), match: listOf(rule.paths).map(namePattern) }));
  const bound = new Set<ModelVariable>();
  const bindings: Binding[] = [];
  const free: ModelVariable[] = [];
  const bindOne = (variable: ModelVariable): boolean => {
    for (const { rule, paths, match } of matchers) {
      const parts = match.reduce<NameParts | undefined>((found, matches) => found ?? matches(variable.path), undefined);
      const group = parts && paths.map((path) => byPath.get(fillName(path, parts)));
      if (!group?.every((one) => one && !bound.has(one))) continue;
      const members = group as ModelVariable[];
      const names = listOf(rule.names).map((name) => fillName(name, parts!));
      bindings.push({ names, variables: members, ...layoutOf(where, rule, members, names) });
      for (const member of members) bound.add(member);
      return true;
    }
    return false;
  };
  for (const variable of variables) if (!bound.has(variable) && !bindOne(variable)) free.push(variable);
  return { bindings, free };
}

function layoutOf(
  where: string,
  { axes, order, sizes }: WeightRule,
  variables: readonly ModelVariable[],
  names: readonly string[],
): Pick<Binding, 'plan' | 'shape'> {
  const [{ path, tensor }] = variables;
  const isStacked = names.length > 1;
  const text = axes ?? '... -> ...';
  const to = variables.length > 1 ? [variables.length, ...tensor.shape] : tensor.shape;
  const isOneShape = variables.every((variable) => sameShape(variable.tensor.shape, tensor.shape));
  const plan = isOneShape
    ? planRearrangement(text, { to, ...(order && { order }), ...(sizes && { sizes }), ...(isStacked && { first: names.length }) })
    : undefined;
  if (plan && (!isStacked || plan.from[0] === names.length)) return { plan, shape: isStacked ? plan.from.slice(1) : plan.from };
  const all = variables.map((variable) => `${variable.path} ${formatShape(variable.tensor.shape)}`).join(', ');
  throw new ArgumentError(
    `${where}: the rule '${text}' of map does not fit ${all} with '${names.join("', '")}'; change the rule of ${path}`,
  );
}

const floats: readonly StoredDtype[] = ['F32', 'F16', 'BF16', 'F64'];
const kinds: Readonly<Record<Tensor['dtype'], readonly StoredDtype[]>> = {
  ...{ f32: floats, f16: ['F16'], bool: ['BOOL'] },
  ...{ i32: ['I32', 'I16', 'I8', 'U16', 'U8'], u32: ['U32', 'U16', 'U8'] },
};

type HostData = Float32Array | Int32Array | Uint32Array | Uint8Array;

function hostData({ dtype }: Tensor, length: number): HostData {
  if (dtype === 'i32') return new Int32Array(length);
  if (dtype === 'u32') return new Uint32Array(length);
  return dtype === 'bool' ? new Uint8Array(length) : new Float32Array(length);
}

/** Weights that a file has for a model. The lists have a text for each weight or tensor that does not fit. */
export interface FittingWeights {
  readonly found: ReadonlyMap<Tensor, HostArray>;
  readonly missing: readonly string[];
  readonly different: readonly string[];
  readonly extra: readonly string[];
}

const typed = ({ dtype, shape }: { readonly dtype: string; readonly shape: readonly number[] }): string => `${dtype}${formatShape(shape)}`;

/** Weights of a file by the variables of a model. @throws ArgumentError for a map that does not fit the model. */
export function readMapped(map: WeightMap, variables: readonly ModelVariable[], file: ReadonlyMap<string, StoredTensor>): FittingWeights {
  const where = 'loadWeights';
  const aliases = (map.aliases ?? []).map(([spelling, name]) => ({ matches: namePattern(spelling), name }));
  const standing = (given: string): string =>
    aliases.reduce((name, alias) => {
      const parts = alias.matches(name);
      return parts ? fillName(alias.name, parts) : name;
    }, given);
  const tensors = new Map<string, { readonly name: string; readonly tensor: StoredTensor }>();
  const extra: string[] = [];
  for (const [name, tensor] of file) {
    const known = standing(name);
    // A name counts more than another spelling of it.
    if ((known !== name && file.has(known)) || tensors.has(known)) extra.push(`${name} ${typed(tensor)} (the file has ${known} too)`);
    else tensors.set(known, { name, tensor });
  }
  const { bindings, free } = bind(where, map, variables);
  const missing = free.map(({ path, tensor }) => `${path} ${typed(tensor)} (map has no rule for it)`);
  const different: string[] = [];
  const found = new Map<Tensor, HostData>();
  const used = new Set<string>();
  for (const { names, variables: members, plan, shape } of bindings) {
    const [{ tensor }] = members;
    const given = names.flatMap((name) => tensors.get(name) ?? []);
    for (const { name } of given) used.add(name);
    const lacking = names.filter((name) => !tensors.has(name));
    const wrong = given.filter((one) => !kinds[tensor.dtype].includes(one.tensor.dtype) || !sameShape(one.tensor.shape, shape));
    for (const { path, tensor: wanted } of members) {
      const needs = `${path} ${typed(wanted)}`;
      if (lacking.length) missing.push(`${needs} (the file has no '${lacking.join("', '")}')`);
      else for (const one of wrong) different.push(`${needs} needs ${formatShape(shape)}, and '${one.name}' is ${typed(one.tensor)}`);
    }
    if (lacking.length || wrong.length) continue;
    const source = joined(given.map((one) => one.tensor.data as HostData), tensor); // prettier-ignore
    const size = sizeOf(tensor.shape);
    const target = rearrange(source, hostData(tensor, size * members.length), plan);
    members.forEach((member, i) => found.set(member.tensor, members.length === 1 ? target : target.slice(i * size, (i + 1) * size)));
  }
  const ignored = [...(map.ignore ?? []), ...Object.keys(map.copies ?? {})].map(namePattern);
  for (const [known, { name, tensor }] of tensors) {
    if (!used.has(name) && !ignored.some((matches) => matches(known))) extra.push(`${name} ${typed(tensor)}`);
  }
  return { found, missing, different, extra };
}

/** Arrays one after another. */
function joined(parts: readonly HostData[], tensor: Tensor): HostData {
  if (parts.length === 1) return parts[0];
  const whole = hostData(tensor, parts.reduce((total, { length }) => total + length, 0)); // prettier-ignore
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Weights of a model as tensors of a file. `stored` has them in the order of `variables`. @throws ArgumentError if a weight has no rule. */
export function writeMapped(
  map: WeightMap,
  variables: readonly ModelVariable[],
  stored: readonly StoredTensor[],
): [string, StoredTensor][] {
  const where = 'saveWeights';
  const { bindings, free } = bind(where, map, variables);
  if (free.length) {
    throw new ArgumentError(`${where}: map has no rule for ${free.map(({ path }) => path).join(', ')}; add rules, or save without a map`);
  }
  const place = new Map(variables.map((variable, i) => [variable, stored[i]]));
  const tensors = bindings.flatMap(({ names, variables: members, plan, shape }): [string, StoredTensor][] => {
    const [{ tensor }] = members;
    const parts = members.map((member) => place.get(member)!);
    const source = joined(parts.map(({ data }) => data as HostData), tensor); // prettier-ignore
    const size = sizeOf(shape);
    const whole = rearrangeBack(source, hostData(tensor, size * names.length), plan);
    return names.map((name, i) => [name, { dtype: parts[0].dtype, shape, data: whole.slice(i * size, (i + 1) * size) }]);
  });
  const byName = new Map(tensors);
  const copies = Object.entries(map.copies ?? {}).flatMap(([copy, name]): [string, StoredTensor][] =>
    byName.has(name) ? [[copy, byName.get(name)!]] : [],
  );
  return [...tensors, ...copies];
}
