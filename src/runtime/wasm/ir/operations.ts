// The pure operations of the intermediate code, with their opcodes of WebAssembly and the types of their results. Names are those of the
// WebAssembly text format.

export type WasmType = 'i32' | 'f32' | 'v128';

export interface Operation {
  readonly type: WasmType;
  /** Bytes of the opcode; an operation of the SIMD prefix has the number after it. */
  readonly opcode: number;
  readonly isVector: boolean;
  /** Name of the operation that does the same to four lanes. */
  readonly vector?: string;
}

const operations = new Map<string, Operation>();

function scalar(type: WasmType, prefix: string, names: Record<string, number | [number, string]>): void {
  for (const [name, entry] of Object.entries(names)) {
    const [opcode, vector] = typeof entry === 'number' ? [entry, undefined] : entry;
    operations.set(`${prefix}.${name}`, { type, opcode, isVector: false, vector });
  }
}

function vectors(prefix: string, names: Record<string, number>): void {
  for (const [name, opcode] of Object.entries(names)) operations.set(`${prefix}.${name}`, { type: 'v128', opcode, isVector: true });
}

scalar('i32', 'i32', {
  eqz: 0x45,
  eq: [0x46, 'i32x4.eq'],
  ne: [0x47, 'i32x4.ne'],
  lt_s: [0x48, 'i32x4.lt_s'],
  lt_u: [0x49, 'i32x4.lt_u'],
  gt_s: [0x4a, 'i32x4.gt_s'],
  gt_u: [0x4b, 'i32x4.gt_u'],
  le_s: [0x4c, 'i32x4.le_s'],
  le_u: [0x4d, 'i32x4.le_u'],
  ge_s: [0x4e, 'i32x4.ge_s'],
  ge_u: [0x4f, 'i32x4.ge_u'],
  clz: 0x67,
  ctz: 0x68,
  popcnt: 0x69,
  add: [0x6a, 'i32x4.add'],
  sub: [0x6b, 'i32x4.sub'],
  mul: [0x6c, 'i32x4.mul'],
  div_s: 0x6d,
  div_u: 0x6e,
  rem_s: 0x6f,
  rem_u: 0x70,
  and: [0x71, 'v128.and'],
  or: [0x72, 'v128.or'],
  xor: [0x73, 'v128.xor'],
  shl: 0x74,
  shr_s: 0x75,
  shr_u: 0x76,
  reinterpret_f32: 0xbc,
});
// Comparisons of floats give an i32 truth value.
scalar('i32', 'f32', {
  eq: [0x5b, 'f32x4.eq'],
  ne: [0x5c, 'f32x4.ne'],
  lt: [0x5d, 'f32x4.lt'],
  gt: [0x5e, 'f32x4.gt'],
  le: [0x5f, 'f32x4.le'],
  ge: [0x60, 'f32x4.ge'],
});
scalar('f32', 'f32', {
  abs: [0x8b, 'f32x4.abs'],
  neg: [0x8c, 'f32x4.neg'],
  ceil: [0x8d, 'f32x4.ceil'],
  floor: [0x8e, 'f32x4.floor'],
  trunc: [0x8f, 'f32x4.trunc'],
  nearest: [0x90, 'f32x4.nearest'],
  sqrt: [0x91, 'f32x4.sqrt'],
  add: [0x92, 'f32x4.add'],
  sub: [0x93, 'f32x4.sub'],
  mul: [0x94, 'f32x4.mul'],
  div: [0x95, 'f32x4.div'],
  convert_i32_s: [0xb2, 'f32x4.convert_i32x4_s'],
  convert_i32_u: [0xb3, 'f32x4.convert_i32x4_u'],
  reinterpret_i32: 0xbe,
});
// Conversions that saturate have a prefix: see encode.ts.
scalar('i32', 'i32', {
  trunc_sat_f32_s: [0xfc00, 'i32x4.trunc_sat_f32x4_s'],
  trunc_sat_f32_u: [0xfc01, 'i32x4.trunc_sat_f32x4_u'],
});
vectors('i32x4', {
  splat: 0x11,
  replace_lane: 0x1c,
  eq: 0x37,
  ne: 0x38,
  lt_s: 0x39,
  lt_u: 0x3a,
  gt_s: 0x3b,
  gt_u: 0x3c,
  le_s: 0x3d,
  le_u: 0x3e,
  ge_s: 0x3f,
  ge_u: 0x40,
  shl: 0xab,
  shr_s: 0xac,
  shr_u: 0xad,
  add: 0xae,
  sub: 0xb1,
  mul: 0xb5,
  min_s: 0xb6,
  min_u: 0xb7,
  max_s: 0xb8,
  max_u: 0xb9,
  trunc_sat_f32x4_s: 0xf8,
  trunc_sat_f32x4_u: 0xf9,
});
vectors('f32x4', {
  splat: 0x13,
  replace_lane: 0x20,
  eq: 0x41,
  ne: 0x42,
  lt: 0x43,
  gt: 0x44,
  le: 0x45,
  ge: 0x46,
  ceil: 0x67,
  floor: 0x68,
  trunc: 0x69,
  nearest: 0x6a,
  abs: 0xe0,
  neg: 0xe1,
  sqrt: 0xe3,
  add: 0xe4,
  sub: 0xe5,
  mul: 0xe6,
  div: 0xe7,
  pmin: 0xea,
  pmax: 0xeb,
  convert_i32x4_s: 0xfa,
  convert_i32x4_u: 0xfb,
  relaxed_madd: 0x105,
});
vectors('v128', { not: 0x4d, and: 0x4e, andnot: 0x4f, or: 0x50, xor: 0x51, bitselect: 0x52 });
operations.set('i32x4.extract_lane', { type: 'i32', opcode: 0x1b, isVector: true });
operations.set('f32x4.extract_lane', { type: 'f32', opcode: 0x1f, isVector: true });
operations.set('i8x16.shuffle', { type: 'v128', opcode: 0x0d, isVector: true });
operations.set('v128.any_true', { type: 'i32', opcode: 0x53, isVector: true });
operations.set('i32x4.all_true', { type: 'i32', opcode: 0xa3, isVector: true });

/** @throws Error for a name that is none: a mistake of the compiler. */
export function operation(name: string): Operation {
  const found = operations.get(name);
  if (!found) throw new Error(`wasm: unknown operation ${name}`);
  return found;
}
