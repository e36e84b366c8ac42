// The uniform struct of a kernel: its fields as the text declares them, and the layout of their values in WGSL's alignment. WebGPU
// specification, "Alignment and Size" and "Address Space Layout Constraints".
import { f32Bits } from './literals.ts';
import { complain, unknownName } from './names.ts';

export interface StructField {
  readonly name: string;
  readonly type: string;
  /** Type of the elements. */
  readonly scalar: string;
  /** Position of the first word, and number of words. */
  readonly offset: number;
  readonly words: number;
}

export interface StructLayout {
  readonly fields: readonly StructField[];
  /** Number of words, padding included. */
  readonly words: number;
}

/** A flag is 1 or 0. Vectors and arrays take a list of their elements. */
export type ParamValue = number | boolean | readonly number[];
export type ParamValues = Readonly<Record<string, ParamValue>>;

interface TypeLayout {
  readonly scalar: string;
  /** In words. */
  readonly size: number;
  readonly alignment: number;
}

const scalarOf: Readonly<Record<string, string>> = { u: 'u32', i: 'i32', f: 'f32' };

/** Returns undefined for a type that uniforms of kernels do not use. */
function typeLayout(type: string): TypeLayout | undefined {
  if (/^[uif]32$/.test(type)) return { scalar: type, size: 1, alignment: 1 };
  const vector = /^vec([234])(?:<([uif]32)>|([uif]))$/.exec(type);
  if (vector) {
    const size = Number(vector[1]);
    return { scalar: vector[2] ?? scalarOf[vector[3]], size, alignment: size === 2 ? 2 : 4 };
  }
  const array = /^array<(.+), *(\d+)>$/.exec(type);
  const element = array && typeLayout(array[1]);
  // Elements of an array in a uniform begin at multiples of 16 bytes; only types of that size need no gaps.
  return element?.size === 4 ? { ...element, size: 4 * Number(array![2]) } : undefined;
}

const roundUp = (n: number, unit: number): number => Math.ceil(n / unit) * unit;

/** The span of a struct's declaration in a text; undefined if there is none. */
export function findStruct(
  text: string,
  name: string,
): { readonly start: number; readonly end: number; readonly body: string } | undefined {
  const match = new RegExp(`^struct ${name} \\{([^}]*)\\}`, 'm').exec(text);
  return match ? { start: match.index, end: match.index + match[0].length, body: match[1] } : undefined;
}

/** The fields between the braces of a struct, in order. `kernel` is named in errors. */
export function parseStruct(kernel: string, body: string): StructLayout {
  const code = body.replace(/\/\/[^\n]*/g, '');
  const fields: StructField[] = [];
  let end = 0;
  let alignment = 1;
  for (const [, name, type] of code.matchAll(/(\w+)\s*:\s*(\w+(?:<[^<>]*(?:<[^<>]*>[^<>]*)?>)?)/g)) {
    const layout = typeLayout(type);
    if (!layout) complain(kernel, `params.${name} is ${type}; use u32, i32, f32, vectors of them, or arrays of 16-byte elements`);
    const offset = roundUp(end, layout.alignment);
    fields.push({ name, type, scalar: layout.scalar, offset, words: layout.size });
    end = offset + layout.size;
    alignment = Math.max(alignment, layout.alignment);
  }
  return { fields, words: roundUp(end, alignment) };
}

/** A struct of u32 fields, for kernels whose text is written by code. */
export const wordFields = (names: readonly string[]): StructLayout => ({
  fields: names.map((name, offset) => ({ name, type: 'u32', scalar: 'u32', offset, words: 1 })),
  words: names.length,
});

/** The lines that declare a struct. */
export const declareStruct = (name: string, { fields }: StructLayout): string[] => [
  `struct ${name} {`,
  ...fields.map((field) => `  ${field.name}: ${field.type},`),
  '}',
];

/** The words of a struct from the values of its fields. Throws if a field is missing, unknown or of another size. */
export function layOut(kernel: string, { fields, words }: StructLayout, values: ParamValues): number[] {
  const known = fields.map(({ name }) => name);
  for (const name of Object.keys(values)) if (!known.includes(name)) unknownName(kernel, 'param', name, known);
  const laid = new Array<number>(words).fill(0);
  for (const field of fields) {
    const value = values[field.name];
    if (value === undefined) complain(kernel, `param '${field.name}' is missing; its params are ${known.join(', ')}`);
    const parts = typeof value === 'object' ? value : [Number(value)];
    if (parts.length !== field.words) {
      complain(kernel, `param '${field.name}' is ${field.type} and takes ${field.words} numbers, got ${parts.length}`);
    }
    parts.forEach((part, i) => (laid[field.offset + i] = wordFor(kernel, field, part)));
  }
  return laid;
}

function wordFor(kernel: string, { name, type, scalar }: StructField, value: number): number {
  if (scalar === 'f32') return f32Bits(value);
  if (!Number.isInteger(value) || (scalar === 'u32' && value < 0)) {
    complain(kernel, `param '${name}' is ${value}; ${type} takes whole numbers${scalar === 'u32' ? ' from 0 on' : ''}`);
  }
  return scalar === 'i32' ? value >>> 0 : value;
}
