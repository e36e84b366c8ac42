// A uniform struct that grows while a kernel is written: numbers that may differ between launches are not part of the text.
import type { Dtype } from '../core/dtype.ts';
import { literalOf, wordOf } from './literals.ts';

/** The u32 fields of a uniform struct. */
export class UniformFields {
  readonly values: number[] = [];
  private readonly names: string[] = [];
  private readonly variable: string;
  private readonly type: string;

  constructor(variable: string, type: string) {
    this.variable = variable;
    this.type = type;
  }

  /** Adds a field and returns the expression that reads it. A name that is taken gets a number. */
  add(name: string, value: number): string {
    const unique = this.names.includes(name) ? `${name}_${this.names.length}` : name;
    this.names.push(unique);
    this.values.push(value >>> 0);
    return `${this.variable}.${unique}`;
  }

  get isEmpty(): boolean {
    return this.names.length === 0;
  }

  /** The values by the names of their fields. */
  get byName(): Record<string, number> {
    return Object.fromEntries(this.names.map((name, i) => [name, this.values[i]]));
  }

  /** The struct and its variable. */
  declaration(binding: number): string {
    const fields = this.names.map((name) => `${name}: u32`).join(', ');
    return `struct ${this.type} { ${fields} }\n@group(0) @binding(${binding}) var<uniform> ${this.variable}: ${this.type};`;
  }

  /** A number as an expression: a literal, or a field for infinities and NaN. */
  number(value: number, dtype: Dtype): string {
    return literalOf(value, dtype) ?? `bitcast<f32>(${this.add('constant', wordOf(Math.fround(value), 'f32'))})`;
  }
}
