// Small words of WGSL: literals, types, uniform fields, and the named functions of shaders/ that an expression calls.
import type { Dtype } from '../../core/dtype.ts';
import mathSource from '../../../shaders/math.wgsl?raw';
import randomSource from '../../../shaders/random.wgsl?raw';
import specialSource from '../../../shaders/special.wgsl?raw';
import trigonometrySource from '../../../shaders/trigonometry.wgsl?raw';

/** Type of an element in a storage buffer. */
export const storageType = (dtype: Dtype): string => (dtype === 'bool' ? 'u32' : dtype);

/** Type of an element while computing: f16 is computed in f32. */
export const valueType = (dtype: Dtype): string => (dtype === 'f16' ? 'f32' : dtype);

/** From what lies in memory to what is computed with. */
export function loaded(dtype: Dtype, stored: string): string {
  if (dtype === 'bool') return `${stored} != 0u`;
  return dtype === 'f16' ? `f32(${stored})` : stored;
}

/** From a computed value to what lies in memory. */
export function stored(dtype: Dtype, value: string): string {
  if (dtype === 'bool') return `select(0u, 1u, ${value})`;
  return dtype === 'f16' ? `f16(${value})` : value;
}

const bits = new DataView(new ArrayBuffer(4));

/** The 32-bit word of a scalar, as it travels in the buffer of scalars and in uniforms. */
export function wordOf(value: number, dtype: Dtype): number {
  if (dtype === 'f32' || dtype === 'f16') bits.setFloat32(0, value);
  else if (dtype === 'bool') bits.setUint32(0, value ? 1 : 0);
  else bits.setInt32(0, value | 0);
  return bits.getUint32(0);
}

/** A value from its 32-bit word. */
export function fromWord(dtype: Dtype, word: string): string {
  switch (dtype) {
    case 'bool':
      return `${word} != 0u`;
    case 'u32':
      return word;
    case 'i32':
      return `bitcast<i32>(${word})`;
    default:
      return `bitcast<f32>(${word})`;
  }
}

/** A literal; infinities and NaN, which WGSL does not let one write, come through a uniform field. */
export function literal(value: number, dtype: Dtype, fields: Fields): string {
  switch (dtype) {
    case 'bool':
      return value ? 'true' : 'false';
    case 'u32':
      return `${value >>> 0}u`;
    case 'i32':
      return value === -2147483648 ? 'bitcast<i32>(2147483648u)' : `${value | 0}i`;
    default: {
      const rounded = Math.fround(value);
      if (!Number.isFinite(rounded)) return `bitcast<f32>(${fields.add('constant', wordOf(rounded, 'f32'))})`;
      const text = Object.is(rounded, -0) ? '-0.0' : String(rounded);
      return /[.e]/.test(text) ? `${text}f` : `${text}.0f`;
    }
  }
}

/** The u32 fields of a uniform struct, collected while a kernel is written. */
export class Fields {
  readonly values: number[] = [];
  private readonly names: string[] = [];
  private readonly variable: string;
  private readonly type: string;

  constructor(variable: string, type: string) {
    this.variable = variable;
    this.type = type;
  }

  /** Adds a field and returns the expression that reads it. */
  add(name: string, value: number): string {
    const unique = this.names.includes(name) ? `${name}_${this.names.length}` : name;
    this.names.push(unique);
    this.values.push(value >>> 0);
    return `${this.variable}.${unique}`;
  }

  get isEmpty(): boolean {
    return this.names.length === 0;
  }

  declaration(binding: number): string {
    const fields = this.names.map((name) => `${name}: u32`).join(', ');
    return `struct ${this.type} { ${fields} }\n@group(0) @binding(${binding}) var<uniform> ${this.variable}: ${this.type};`;
  }
}

interface Library {
  /** Top-level functions and constants, by name; `size` counts their operations, those of the functions they call included. */
  readonly items: ReadonlyMap<string, { readonly text: string; readonly calls: readonly string[]; readonly size: number }>;
  /** A comment, or one of the names. */
  readonly pattern: RegExp;
}

let library: Library | undefined;

function parseLibrary(): Library {
  const texts = new Map<string, string>();
  for (const source of [mathSource, trigonometrySource, specialSource, randomSource]) {
    // A top-level item starts at the line's start and ends with `}` there, or on its own line; the comments above it stay with it.
    const item = /(?:^\/\/[^\n]*\n)*^(?:(?:fn|struct)\s+(\w+)[^\n]*(?:\}$|\{$[\s\S]*?^\})|(?:const|alias)\s+(\w+)[^;]*;)/gm;
    for (const match of source.matchAll(item)) texts.set(match[1] ?? match[2], match[0]);
  }
  // Looked for by name: a kernel has hundreds of words of its own.
  const pattern = new RegExp(`//[^\\n]*|\\b(?:${[...texts.keys()].join('|')})\\b`, 'g');
  const sizes = new Map<string, number>();
  const sizeOf = (name: string): number => {
    let size = sizes.get(name);
    if (size === undefined) {
      const code = texts.get(name)!.replace(/\/\/[^\n]*/g, '');
      const called = (code.match(pattern) ?? []).filter((other) => other !== name);
      size = (code.match(operator) ?? []).length + called.reduce((sum, other) => sum + sizeOf(other), 0);
      sizes.set(name, size);
    }
    return size;
  };
  const items = new Map([...texts].map(([name, text]) => [name, { text, calls: namesIn(text, pattern), size: sizeOf(name) }]));
  return { items, pattern };
}

/** An operation as a compiler counts them, roughly: an arithmetic or logical operator, a choice, a branch. */
const operator = /[-+*/%^&|<>]=?|[!=]=|\b(?:select|fma|clamp|min|max|abs|round|floor|trunc|sqrt|if|for|while)\b/g;

/** How many operations a text becomes when the library functions that it calls are written in their place, as compilers do. Its own are not counted. */
export function inlinedSize(text: string): number {
  library ??= parseLibrary();
  const { items, pattern } = library;
  return (text.match(pattern) ?? []).reduce((sum, name) => sum + (items.get(name)?.size ?? 0), 0);
}

const namesIn = (text: string, pattern: RegExp): string[] => [...new Set(text.match(pattern) ?? [])];

/** The library functions that the text calls, and those that they call, in the order of the library. */
export function libraryFor(text: string): string {
  library ??= parseLibrary();
  const { items, pattern } = library;
  const wanted = new Set<string>();
  const queue = namesIn(text, pattern);
  while (queue.length) {
    const name = queue.pop()!;
    const item = items.get(name);
    if (!item || wanted.has(name)) continue; // a comment, or there already
    wanted.add(name);
    queue.push(...item.calls);
  }
  return wanted.size ? [...items].flatMap(([name, item]) => (wanted.has(name) ? [item.text] : [])).join('\n\n') : '';
}
