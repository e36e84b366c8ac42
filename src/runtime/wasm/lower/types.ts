// WGSL types of the compiler, their layout in memory, and values of them made of WebAssembly values.
import type { Value } from '../ir/code.ts';
import type { WasmType } from '../ir/operations.ts';

export type ScalarName = 'f32' | 'i32' | 'u32' | 'bool' | 'f16' | 'integer' | 'float';

export type Type =
  | { readonly kind: 'scalar'; readonly name: ScalarName }
  | { readonly kind: 'vector'; readonly size: number; readonly of: ScalarName }
  | { readonly kind: 'matrix'; readonly columns: number; readonly rows: number }
  | { readonly kind: 'struct'; readonly name: string; readonly fields: readonly { readonly name: string; readonly type: Type }[] }
  | { readonly kind: 'array'; readonly of: Type; readonly length: number };

const scalars = new Map<ScalarName, Type>();
export function scalar(name: ScalarName): Type {
  let type = scalars.get(name);
  if (!type) scalars.set(name, (type = { kind: 'scalar', name }));
  return type;
}

export const vector = (size: number, of: ScalarName): Type => ({ kind: 'vector', size, of });

export const isAbstract = (name: ScalarName): boolean => name === 'integer' || name === 'float';

/** The scalar type of the elements of a scalar or vector. */
export function elementOf(type: Type): ScalarName | undefined {
  if (type.kind === 'scalar') return type.name;
  return type.kind === 'vector' ? type.of : undefined;
}

export const wasmTypeOf = (name: ScalarName): WasmType => (name === 'f32' || name === 'f16' || name === 'float' ? 'f32' : 'i32');

export interface Layout {
  readonly size: number;
  readonly alignment: number;
}

const roundUp = (n: number, unit: number): number => Math.ceil(n / unit) * unit;

/** Bytes of a type in memory. WGSL specification, "Alignment and Size". */
export function layoutOf(type: Type): Layout {
  switch (type.kind) {
    case 'scalar':
      return type.name === 'f16' ? { size: 2, alignment: 2 } : { size: 4, alignment: 4 };
    case 'vector': {
      const { size } = layoutOf(scalar(type.of));
      return { size: size * type.size, alignment: size * (type.size === 3 ? 4 : type.size) };
    }
    case 'matrix': {
      const column = vector(type.rows, 'f32');
      return { size: strideOf(column) * type.columns, alignment: layoutOf(column).alignment };
    }
    case 'struct': {
      let end = 0;
      let alignment = 1;
      for (const field of type.fields) {
        const layout = layoutOf(field.type);
        end = roundUp(end, layout.alignment) + layout.size;
        alignment = Math.max(alignment, layout.alignment);
      }
      return { size: roundUp(end, alignment), alignment };
    }
    case 'array':
      return { size: strideOf(type.of) * type.length, alignment: layoutOf(type.of).alignment };
    default:
      return type satisfies never;
  }
}

/** Distance of the elements of an array. */
export function strideOf(element: Type): number {
  const { size, alignment } = layoutOf(element);
  return roundUp(size, alignment);
}

/** Offset of a field in its struct. */
export function offsetOf(type: Type & { kind: 'struct' }, name: string): number {
  let end = 0;
  for (const field of type.fields) {
    const layout = layoutOf(field.type);
    const offset = roundUp(end, layout.alignment);
    if (field.name === name) return offset;
    end = offset + layout.size;
  }
  return -1;
}

/**
 * A value: one WebAssembly value of a scalar or of a vector of four 32-bit elements; parts of other vectors, structs, matrices and arrays. A
 * vector of four may also be in parts. A truth value is an i32; in a vector it is a mask of 32 bits.
 */
export interface Node {
  readonly type: Type;
  readonly value?: Value;
  readonly parts?: readonly Node[];
  /** The number of an abstract constant. */
  readonly number?: number;
}

/** The same node for every lane, or one node for each of the four lanes that are computed together. */
export type Lanes = readonly Node[];

/** Whether a vector has one v128 value. */
export const isPacked = (type: Type): boolean => type.kind === 'vector' && type.size === 4 && type.of !== 'f16';

/** The node of one lane. */
export const laneOf = (lanes: Lanes, lane: number): Node => lanes[lanes.length === 1 ? 0 : lane];
