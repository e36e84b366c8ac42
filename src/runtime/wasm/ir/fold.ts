// Folds constants and brings sums of integers to one form, `x + constant`, so that neighbouring addresses can be recognized.
import type { Value } from './code.ts';

/** The builder as far as folding needs it. */
export interface Maker {
  readonly i32: (value: number) => Value;
  readonly f32: (value: number) => Value;
  op(name: string, args: readonly Value[], imm?: number): Value;
}

const isConst = (value: Value): boolean => value.op === 'const';

/** Splits `x + constant`. */
export function split(value: Value): { base: Value | undefined; constant: number } {
  if (value.op === 'const') return { base: undefined, constant: value.imm };
  if (value.op === 'i32.add' && isConst(value.args[1])) return { base: value.args[0], constant: value.args[1].imm };
  return { base: value, constant: 0 };
}

const integers: Readonly<Record<string, (a: number, b: number) => number | undefined>> = {
  'i32.add': (a, b) => a + b,
  'i32.sub': (a, b) => a - b,
  'i32.mul': (a, b) => Math.imul(a, b),
  'i32.and': (a, b) => a & b,
  'i32.or': (a, b) => a | b,
  'i32.xor': (a, b) => a ^ b,
  'i32.shl': (a, b) => a << b,
  'i32.shr_u': (a, b) => a >>> b,
  'i32.shr_s': (a, b) => a >> b,
  'i32.div_u': (a, b) => (b === 0 ? undefined : Math.floor((a >>> 0) / (b >>> 0))),
  'i32.rem_u': (a, b) => (b === 0 ? undefined : (a >>> 0) % (b >>> 0)),
  'i32.eq': (a, b) => Number(a === b),
  'i32.ne': (a, b) => Number(a !== b),
  'i32.lt_s': (a, b) => Number(a < b),
  'i32.gt_s': (a, b) => Number(a > b),
  'i32.le_s': (a, b) => Number(a <= b),
  'i32.ge_s': (a, b) => Number(a >= b),
  'i32.lt_u': (a, b) => Number(a >>> 0 < b >>> 0),
  'i32.gt_u': (a, b) => Number(a >>> 0 > b >>> 0),
  'i32.le_u': (a, b) => Number(a >>> 0 <= b >>> 0),
  'i32.ge_u': (a, b) => Number(a >>> 0 >= b >>> 0),
};

const floats: Readonly<Record<string, (a: number, b: number) => number>> = {
  'f32.add': (a, b) => a + b,
  'f32.sub': (a, b) => a - b,
  'f32.mul': (a, b) => a * b,
  'f32.div': (a, b) => a / b,
};

const word = new DataView(new ArrayBuffer(4));

const commutes = new Set(['i32.add', 'i32.mul', 'i32.and', 'i32.or', 'i32.xor', 'i32.eq', 'i32.ne']);

/** A simpler value that is equal, or undefined. */
export function fold(builder: Maker, name: string, args: readonly Value[], imm: number): Value | undefined {
  const [a, b] = args as readonly (Value | undefined)[];
  if (!a) return undefined;
  if (b && isConst(a) && isConst(b)) {
    const integer = integers[name]?.(a.imm, b.imm);
    if (integer !== undefined) return builder.i32(integer);
    const float = floats[name]?.(a.imm, b.imm);
    if (float !== undefined && Number.isFinite(float)) return builder.f32(float);
  }
  if (!b && isConst(a)) {
    if (name === 'i32.eqz') return builder.i32(Number(a.imm === 0));
    if (name === 'f32.neg') return builder.f32(-a.imm);
    if (name === 'f32.convert_i32_s') return builder.f32(a.imm);
    if (name === 'f32.convert_i32_u') return builder.f32(a.imm >>> 0);
    if (name === 'i32.reinterpret_f32' && Number.isFinite(a.imm)) {
      word.setFloat32(0, a.imm);
      return builder.i32(word.getInt32(0));
    }
  }
  if (name === 'i32.reinterpret_f32' && a.op === 'f32.reinterpret_i32') return a.args[0];
  if (name === 'f32.reinterpret_i32' && a.op === 'i32.reinterpret_f32') return a.args[0];
  if (name.endsWith('x4.splat') && a.op.endsWith('x4.extract_lane')) {
    return builder.op('i8x16.shuffle', [a.args[0], a.args[0]], a.imm * 0b001_001_001_001);
  }
  if (name.endsWith('.extract_lane')) return extracted(builder, name, a, imm);
  if (!b) return undefined;
  if (commutes.has(name) && isConst(a)) return builder.op(name, [b, a], imm);
  return name.startsWith('i32.') ? foldInteger(builder, name, a, b) : undefined;
}

function foldInteger(builder: Maker, name: string, a: Value, b: Value): Value | undefined {
  const { base, constant } = split(a);
  switch (name) {
    case 'i32.add': {
      if (isConst(b)) {
        if (b.imm === 0) return a;
        if (base && constant !== 0) return builder.op(name, [base, builder.i32(constant + b.imm)]);
        return undefined;
      }
      const other = split(b);
      if (constant === 0 && other.constant === 0) return undefined;
      const sum = base ? (other.base ? builder.op(name, [base, other.base]) : base) : other.base!;
      return builder.op(name, [sum, builder.i32(constant + other.constant)]);
    }
    case 'i32.sub': {
      if (isConst(b)) return builder.op('i32.add', [a, builder.i32(-b.imm)]);
      if (a === b) return builder.i32(0);
      const other = split(b);
      if (other.constant !== 0 && other.base) {
        return builder.op('i32.add', [builder.op(name, [a, other.base]), builder.i32(-other.constant)]);
      }
      if (constant !== 0 && base) return builder.op('i32.add', [builder.op(name, [base, b]), builder.i32(constant)]);
      return undefined;
    }
    case 'i32.mul':
      if (!isConst(b)) return undefined;
      if (b.imm === 0) return b;
      if (b.imm === 1) return a;
      if (b.imm > 1 && (b.imm & (b.imm - 1)) === 0) return builder.op('i32.shl', [a, builder.i32(31 - Math.clz32(b.imm))]);
      if (constant !== 0 && base) return builder.op('i32.add', [builder.op(name, [base, b]), builder.i32(Math.imul(constant, b.imm))]);
      return undefined;
    case 'i32.shl':
      if (!isConst(b)) return undefined;
      if (b.imm === 0) return a;
      if (constant !== 0 && base) return builder.op('i32.add', [builder.op(name, [base, b]), builder.i32(constant << b.imm)]);
      // (x / 4) * 16 is x * 4 without its last bits.
      if (a.op === 'i32.shr_u' && isConst(a.args[1]) && a.args[1].imm <= b.imm) {
        const shift = a.args[1].imm;
        const shifted = builder.op('i32.shl', [a.args[0], builder.i32(b.imm - shift)]);
        return builder.op('i32.and', [shifted, builder.i32(-1 << b.imm)]);
      }
      return undefined;
    case 'i32.div_u':
      if (isConst(b) && b.imm > 0 && (b.imm & (b.imm - 1)) === 0) return builder.op('i32.shr_u', [a, builder.i32(31 - Math.clz32(b.imm))]);
      return undefined;
    case 'i32.rem_u':
      if (isConst(b) && b.imm > 0 && (b.imm & (b.imm - 1)) === 0) return builder.op('i32.and', [a, builder.i32(b.imm - 1)]);
      return undefined;
    case 'i32.shr_u':
    case 'i32.shr_s':
      return isConst(b) && b.imm === 0 ? a : undefined;
    case 'i32.and':
      if (isConst(b) && b.imm === 0) return b;
      return a === b || (isConst(b) && b.imm === -1) ? a : undefined;
    case 'i32.or':
      if (isConst(b) && b.imm === 0) return a;
      return a === b ? a : undefined;
    default:
      return undefined;
  }
}

/** The lane of a vector whose lanes are known. */
function extracted(builder: Maker, name: string, vector: Value, lane: number): Value | undefined {
  const type = name.slice(0, 5);
  if (vector.op === `${type}.splat`) return vector.args[0];
  if (vector.op === `${type}.replace_lane`) return vector.imm === lane ? vector.args[1] : builder.op(name, [vector.args[0]], lane);
  return undefined;
}
