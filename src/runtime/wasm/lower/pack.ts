// Four scalar values as one vector. Equal operations on four lanes become one operation on a vector, down to loads of neighbours, lanes of
// vectors and constants (superword-level parallelism: Larsen and Amarasinghe 2000).
import type { Builder } from '../ir/builder.ts';
import type { Value } from '../ir/code.ts';
import { split } from '../ir/fold.ts';
import { operation } from '../ir/operations.ts';

/** A vector and how many instructions it saves: less than 0 if putting lanes together costs more than it saves. */
export interface Packed {
  readonly value: Value;
  readonly saved: number;
}

type Four = readonly [Value, Value, Value, Value];

const comparison = /^[if]32\.(?:eq|ne|lt|gt|le|ge)(?:_[su])?$/;

const isInOrder = (values: Four, of: (value: Value) => number): boolean =>
  values.every((value, lane) => of(value) === of(values[0]) + lane);

export class Packer {
  private readonly builder: Builder;
  private readonly known = new Map<string, Packed>();
  /** Vectors whose lanes are all ones or all zeros. */
  private readonly masks = new Set<Value>();

  constructor(builder: Builder) {
    this.builder = builder;
  }

  /** The vector of four values. */
  pack(values: Four): Packed {
    return this.cached('', values, () => this.packed(values));
  }

  /** The mask of four truth values. */
  mask(values: Four): Packed {
    const packed = this.cached('mask', values, () => this.packedMask(values));
    this.masks.add(packed.value);
    return packed;
  }

  /** A lane of a vector. */
  lane(vector: Value, type: 'i32' | 'f32', lane: number): Value {
    return this.builder.op(`${type}x4.extract_lane`, [vector], lane);
  }

  /** The truth value of a lane of a mask. */
  truth(mask: Value, lane: number): Value {
    this.masks.add(mask);
    return this.builder.op('i32.ne', [this.lane(mask, 'i32', lane), this.builder.i32(0)]);
  }

  private cached(prefix: string, values: Four, make: () => Packed): Packed {
    // A load packed in one region is not there in another.
    const key = `${prefix}${this.builder.region.depth}:${values.map(({ id }) => id).join()}`;
    const known = this.known.get(key);
    if (known && this.isVisible(known.value)) return known;
    const packed = make();
    this.known.set(key, packed);
    return packed;
  }

  private isVisible({ region }: Value): boolean {
    return region.isOpen && region.depth <= this.builder.region.depth;
  }

  private packed(values: Four): Packed {
    const { builder } = this;
    const [first] = values;
    const { op, type } = first;
    const prefix = type === 'f32' ? 'f32x4' : 'i32x4';
    if (values.every((value) => value === first)) {
      if (op === 'const') return { value: this.constant(values), saved: 0 };
      return { value: builder.op(`${prefix}.splat`, [first]), saved: 0 };
    }
    if (values.every((value) => value.op === 'const')) return { value: this.constant(values), saved: 0 };
    if (values.every((value) => value.op === op)) {
      const found = this.sameOperation(values, prefix);
      if (found) return found;
    }
    return this.offsets(values) ?? this.built(values, prefix);
  }

  private constant(values: Four): Value {
    const floats = new Float32Array(1);
    const words = new Uint32Array(floats.buffer);
    return this.builder.quad(
      values.map(({ type, imm }) => {
        if (type === 'i32') return imm >>> 0;
        floats[0] = imm;
        return words[0];
      }),
    );
  }

  /** Lanes put in one by one. */
  private built(values: Four, prefix: string): Packed {
    const { builder } = this;
    let value = builder.op(`${prefix}.splat`, [values[0]]);
    for (let lane = 1; lane < 4; lane++) {
      if (values[lane] !== values[0]) value = builder.op(`${prefix}.replace_lane`, [value, values[lane]], lane);
    }
    return { value, saved: -4 };
  }

  /** Integers `x + c` with one x. */
  private offsets(values: Four): Packed | undefined {
    if (values[0].type !== 'i32') return undefined;
    const parts = values.map(split);
    const { base } = parts[0];
    if (!base || parts.some((part) => part.base !== base)) return undefined;
    const { builder } = this;
    const steps = builder.quad(parts.map(({ constant }) => constant >>> 0));
    return { value: builder.op('i32x4.add', [builder.op('i32x4.splat', [base]), steps]), saved: 2 };
  }

  private args(values: Four, index: number): Four {
    return values.map((value) => value.args[index]) as unknown as Four;
  }

  private sameOperation(values: Four, prefix: string): Packed | undefined {
    const { builder } = this;
    const [{ op, args, imm }] = values;
    if (op === 'load') return this.loads(values);
    if (op === `${prefix}.extract_lane`) {
      if (values.some((value) => value.args[0] !== args[0])) return undefined;
      if (imm === 0 && isInOrder(values, (value) => value.imm)) return { value: args[0], saved: 3 };
      const lanes = values.reduce((sum, value, lane) => sum | (value.imm << (3 * lane)), 0);
      return { value: builder.op('i8x16.shuffle', [args[0], args[0]], lanes), saved: 2 };
    }
    if (op === 'select') return this.selects(values);
    if (op === 'f32.reinterpret_i32' || op === 'i32.reinterpret_f32') return this.pack(this.args(values, 0));
    if (op === 'i32.shl' || op === 'i32.shr_u' || op === 'i32.shr_s') {
      const [, count] = args;
      if (values.some((value) => value.args[1] !== count)) return undefined;
      const x = this.pack(this.args(values, 0));
      return { value: builder.op(op.replace('i32', 'i32x4'), [x.value, count]), saved: x.saved + 3 };
    }
    // A comparison of scalars is 0 or 1, and of vectors a mask.
    if (comparison.test(op) || op === 'i32.eqz') {
      const mask = this.mask(values);
      return { value: builder.op('v128.and', [mask.value, builder.quad([1, 1, 1, 1])]), saved: mask.saved - 1 };
    }
    if (op === 'const' || op === 'argument' || op === 'get' || op === 'quad') return undefined;
    const { vector } = operation(op);
    if (!vector) return undefined;
    const packed = args.map((_, i) => this.pack(this.args(values, i)));
    return { value: builder.op(vector, packed.map(({ value }) => value)), saved: packed.reduce((sum, { saved }) => sum + saved, 3) }; // prettier-ignore
  }

  private loads(values: Four): Packed | undefined {
    const [{ args, load, imm, region }] = values;
    const { place, instruction } = load!;
    if (instruction !== 'f32.load' && instruction !== 'i32.load') return undefined;
    const isRun = values.every((value, lane) => value.args[0] === args[0] && value.imm === imm + 4 * lane && value.load!.place === place);
    if (!isRun || (!place.isConstant && region !== this.builder.region)) return undefined;
    return { value: this.builder.load({ place, instruction: 'v128.load' }, args[0], imm, 'v128'), saved: 3 };
  }

  private selects(values: Four): Packed {
    const { builder } = this;
    const conditions = this.args(values, 2);
    const chosen = this.pack(this.args(values, 0));
    const other = this.pack(this.args(values, 1));
    // The smaller or larger of two floats.
    const [{ op, args }] = conditions;
    if ((op === 'f32.lt' || op === 'f32.gt') && conditions.every((condition) => condition.op === op)) {
      const same = values.every((value) => value.args[0] === value.args[2].args[0] && value.args[1] === value.args[2].args[1]);
      if (same && args.length === 2) {
        const value = builder.op(op === 'f32.lt' ? 'f32x4.pmin' : 'f32x4.pmax', [other.value, chosen.value]);
        return { value, saved: other.saved + chosen.saved + 6 };
      }
    }
    const mask = this.mask(conditions);
    return {
      value: builder.op('v128.bitselect', [chosen.value, other.value, mask.value]),
      saved: other.saved + chosen.saved + mask.saved + 3,
    };
  }

  private packedMask(values: Four): Packed {
    const { builder } = this;
    const [first] = values;
    const { op, args } = first;
    if (values.every((value) => value.op === 'const'))
      return { value: builder.quad(values.map(({ imm }) => (imm ? 0xffffffff : 0))), saved: 0 };
    if (values.every((value) => value === first)) {
      return {
        value: builder.op('i32x4.splat', [builder.op('i32.sub', [builder.i32(0), builder.op('i32.ne', [first, builder.i32(0)])])]),
        saved: 0,
      };
    }
    if (values.every((value) => value.op === op)) {
      if (op === 'i32.ne' && this.isLaneOfMask(values)) return { value: args[0].args[0], saved: 3 };
      if (op === 'i32.and' || op === 'i32.or') {
        const left = this.mask(this.args(values, 0));
        const right = this.mask(this.args(values, 1));
        return {
          value: builder.op(op === 'i32.and' ? 'v128.and' : 'v128.or', [left.value, right.value]),
          saved: left.saved + right.saved + 3,
        };
      }
      if (op === 'i32.eqz') {
        const inner = this.mask(this.args(values, 0));
        return { value: builder.op('v128.not', [inner.value]), saved: inner.saved + 3 };
      }
      if (comparison.test(op)) {
        const left = this.pack(this.args(values, 0));
        const right = this.pack(this.args(values, 1));
        return { value: builder.op(operation(op).vector!, [left.value, right.value]), saved: left.saved + right.saved + 3 };
      }
    }
    const built = this.built(values, 'i32x4');
    return { value: builder.op('i32x4.ne', [built.value, builder.quad([0, 0, 0, 0])]), saved: -5 };
  }

  private isLaneOfMask(values: Four): boolean {
    const vector = values[0].args[0];
    if (vector.op !== 'i32x4.extract_lane' || !this.masks.has(vector.args[0])) return false;
    return values.every(({ args: [x, zero] }, lane) => {
      return x.op === 'i32x4.extract_lane' && x.args[0] === vector.args[0] && x.imm === lane && zero.op === 'const' && zero.imm === 0;
    });
  }
}
