// Half-precision floats in integer operations: WebAssembly has none.
import type { Builder } from '../ir/builder.ts';
import type { Value } from '../ir/code.ts';

export class Halves {
  private readonly builder: Builder;

  constructor(builder: Builder) {
    this.builder = builder;
  }

  /** The f32 of the bits of a half. */
  widened(bits: Value): Value {
    const { builder } = this;
    const { op, i32, f32 } = { op: (name: string, ...args: Value[]) => builder.op(name, args), i32: builder.i32, f32: builder.f32 };
    const sign = op('i32.shl', op('i32.and', bits, i32(0x8000)), i32(16));
    const magnitude = op('i32.and', bits, i32(0x7fff));
    // Multiplying by 2^112 corrects the exponent, also of subnormal numbers.
    const shifted = op('f32.reinterpret_i32', op('i32.shl', magnitude, i32(13)));
    const scaled = op('i32.reinterpret_f32', op('f32.mul', shifted, f32(2 ** 112)));
    const special = op('i32.or', op('i32.shl', magnitude, i32(13)), i32(0x7f800000));
    const found = builder.select(scaled, special, op('i32.ge_u', magnitude, i32(0x7c00)));
    return op('f32.reinterpret_i32', op('i32.or', found, sign));
  }

  /** The bits of the nearest half; halfway cases go to the even one. */
  narrowed(value: Value): Value {
    const { builder } = this;
    const { op, i32, f32 } = { op: (name: string, ...args: Value[]) => builder.op(name, args), i32: builder.i32, f32: builder.f32 };
    const bits = op('i32.reinterpret_f32', value);
    const sign = op('i32.and', op('i32.shr_u', bits, i32(16)), i32(0x8000));
    const magnitude = op('i32.and', bits, i32(0x7fffffff));
    // A normal half: the exponent is moved, and the dropped bits are rounded to even.
    const odd = op('i32.and', op('i32.shr_u', magnitude, i32(13)), i32(1));
    const rounded = op('i32.shr_u', op('i32.add', op('i32.add', magnitude, i32((15 - 127) * 2 ** 23 + 0xfff)), odd), i32(13));
    // A subnormal half: adding 1/2 moves its bits to the end of the mantissa, rounded.
    const half = op('f32.add', op('f32.reinterpret_i32', magnitude), f32(0.5));
    const small = op('i32.sub', op('i32.reinterpret_f32', half), i32(0x3f000000));
    const special = builder.select(i32(0x7c00), i32(0x7e00), op('i32.gt_u', magnitude, i32(0x7f800000)));
    const normal = builder.select(rounded, small, op('i32.lt_u', magnitude, i32(113 << 23)));
    return op('i32.or', builder.select(normal, special, op('i32.ge_u', magnitude, i32(143 << 23))), sign);
  }

  /** The nearest half as an f32. */
  rounded(value: Value): Value {
    return this.widened(this.narrowed(value));
  }
}
