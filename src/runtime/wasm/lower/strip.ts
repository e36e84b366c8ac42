// Four iterations of a loop, or four invocations, that are computed together. In a strip every quotient and every comparison of a running
// integer with a constant one stays the same. Its length is found at its start.
import type { Place, Region, Value } from '../ir/code.ts';
import { split } from '../ir/fold.ts';
import type { Expression } from '../wgsl/syntax.ts';
import { uses } from './analysis.ts';
import { evaluate, packedLanes } from './expressions.ts';
import type { Kernel, Together } from './kernel.ts';
import { one, valueOf } from './nodes.ts';
import type { Variable } from './scope.ts';
import { type Lanes, type ScalarName, elementOf } from './types.ts';

/** Thrown if iterations cannot be computed together, or if it would save nothing. */
export class Rejected extends Error {}

interface Access {
  readonly place: Place;
  readonly addresses: readonly Value[];
}

export class Strip implements Together {
  /** Totals that each iteration changes, in order. */
  readonly carried: ReadonlySet<Variable>;
  private readonly kernel: Kernel;
  /** The counter in an iteration, and at the start of the strip. */
  private readonly counter: Value;
  private readonly start: Value;
  private readonly prelude: Region;
  /** Number of iterations in the strip, less 1: the number may be 2^32. */
  last: Value;
  private readonly loads: Access[] = [];
  private readonly stores: Access[] = [];
  private runs = 0;
  private singles = 0;
  private packed = 0;
  private temporaries = 0;
  private readonly isLoop: boolean;

  constructor(
    kernel: Kernel,
    parts: {
      counter: Value;
      start: Value;
      prelude: Region;
      last: Value;
      carried: ReadonlySet<Variable>;
      isLoop: boolean;
    },
  ) {
    this.kernel = kernel;
    this.counter = parts.counter;
    this.start = parts.start;
    this.prelude = parts.prelude;
    this.last = parts.last;
    this.carried = parts.carried;
    this.isLoop = parts.isLoop;
  }

  noteLoad(place: Place, addresses: readonly Value[]): void {
    this.loads.push({ place, addresses });
  }

  noteStore(place: Place, addresses: readonly Value[], isRun: boolean): void {
    this.stores.push({ place, addresses });
    if (isRun) this.runs++;
    else this.singles++;
  }

  notePacked(value: Value): void {
    if (value.op !== 'load') this.packed++;
  }

  /** @throws Rejected if the order of loads and stores would change a result, or if nothing is saved. */
  check(): void {
    if (this.isLoop) {
      for (const { place, addresses } of this.stores) {
        for (const other of [...this.loads, ...this.stores]) {
          if (other.place !== place) continue;
          const isSame =
            other.addresses.length === addresses.length && other.addresses.every((address, lane) => address === addresses[lane]);
          if (!isSame || addresses.length < 4) throw new Rejected('iterations may depend on each other');
        }
      }
    }
    if (this.singles > 0 || this.runs + this.packed === 0) throw new Rejected('nothing is saved');
  }

  /** Division, remainder or comparison of neighbouring integers and one that is constant in the loop. */
  uniform(operator: string, left: Lanes, right: Lanes): Lanes | undefined {
    if (left.length !== 4 || right.length !== 1 || this.kernel.lane !== undefined) return undefined;
    const name = elementOf(left[0].type);
    if (left[0].type.kind !== 'scalar' || (name !== 'u32' && name !== 'i32')) return undefined;
    const by = valueOf(right[0]);
    if (by.region.depth > this.prelude.depth) return undefined;
    const parts = left.map((node) => split(valueOf(node)));
    const { base, constant } = parts[0];
    if (!base || parts.some((part, lane) => part.base !== base || part.constant !== constant + lane)) return undefined;
    if (this.slope(base) !== 1) return undefined;
    const first = this.first(base, constant);
    if (operator === '/' || operator === '%') return name === 'u32' ? this.quotient(operator, left, first, by) : undefined;
    const comparison = { '<': 'lt', '>=': 'ge', '<=': 'le', '>': 'gt' }[operator];
    return comparison ? this.compared(comparison, name, first, by) : undefined;
  }

  private inPrelude<T>(build: () => T): T {
    let result: T;
    this.kernel.builder.inside(this.prelude, () => (result = build()));
    return result!;
  }

  /** The strip ends after `more` + 1 iterations. */
  private limit(more: Value): void {
    const { builder } = this.kernel;
    this.last = builder.select(this.last, more, builder.op('i32.lt_u', [more, this.last]));
  }

  /** Iterations after the first until a number wraps around to 0. */
  private untilWrap(first: Value): Value {
    const { builder } = this.kernel;
    return builder.op('i32.xor', [first, builder.i32(-1)]);
  }

  private quotient(operator: '/' | '%', left: Lanes, first: Value, by: Value): Lanes {
    const { builder } = this.kernel;
    const [quotient, product] = this.inPrelude(() => {
      // WGSL defines x / 0 as x, and x % 0 as 0.
      const divisor = builder.op('i32.or', [by, builder.op('i32.eqz', [by])]);
      const known = builder.op('i32.div_u', [first, divisor]);
      const taken = builder.op('i32.mul', [known, divisor]);
      this.limit(builder.op('i32.sub', [builder.op('i32.sub', [divisor, builder.i32(1)]), builder.op('i32.sub', [first, taken])]));
      this.limit(this.untilWrap(first));
      return [known, taken];
    });
    if (operator === '/') return [one('u32', quotient)];
    return left.map((node) => one('u32', builder.op('i32.sub', [valueOf(node), product])));
  }

  /** Kernels do not let signed integers overflow. Unsigned ones wrap around where a padding was subtracted. */
  private compared(comparison: string, name: ScalarName, first: Value, by: Value): Lanes {
    const { builder } = this.kernel;
    const isSigned = name === 'i32';
    const isInclusive = comparison === 'le' || comparison === 'gt';
    const result = this.inPrelude(() => {
      const isBelow = builder.op(`i32.${isInclusive ? 'le' : 'lt'}_${isSigned ? 's' : 'u'}`, [first, by]);
      const steps = builder.op('i32.sub', [by, first]);
      const left = isInclusive ? steps : builder.op('i32.sub', [steps, builder.i32(1)]);
      this.limit(builder.select(isSigned ? builder.i32(-1) : this.untilWrap(first), left, isBelow));
      return comparison === 'lt' || comparison === 'le' ? isBelow : builder.op('i32.eqz', [isBelow]);
    });
    return [one('bool', result)];
  }

  /** How much a value grows in one iteration; undefined if this is not constant. */
  private slope(value: Value): number | undefined {
    if (value === this.counter) return 1;
    if (value.region.depth <= this.prelude.depth) return 0;
    const [a, b] = value.args;
    if (value.op === 'i32.add' || value.op === 'i32.sub') {
      const [x, y] = [this.slope(a), this.slope(b)];
      return x === undefined || y === undefined ? undefined : value.op === 'i32.add' ? x + y : x - y;
    }
    return undefined;
  }

  /** `base + constant` at the start of the strip. */
  private first(base: Value, constant: number): Value {
    const { builder } = this.kernel;
    const rebuilt = (value: Value): Value => {
      if (value === this.counter) return this.start;
      if (value.region.depth <= this.prelude.depth) return value;
      return builder.op(value.op, value.args.map(rebuilt), value.imm);
    };
    return this.inPrelude(() => builder.op('i32.add', [rebuilt(base), builder.i32(constant)]));
  }

  /** An expression whose parts without the given names are computed for all lanes. */
  prepare(expression: Expression, names: ReadonlySet<string>): Expression {
    switch (expression.kind) {
      case 'number':
      case 'truth':
        return expression;
      case 'name':
        if (uses(expression, names)) return expression;
        break;
      case 'binary':
        if (uses(expression, names)) {
          return { ...expression, left: this.prepare(expression.left, names), right: this.prepare(expression.right, names) };
        }
        break;
      case 'unary':
        if (uses(expression, names)) return { ...expression, operand: this.prepare(expression.operand, names) };
        break;
      case 'call':
        if (uses(expression, names)) {
          return { ...expression, arguments: expression.arguments.map((argument) => this.prepare(argument, names)) };
        }
        break;
      default:
        if (uses(expression, names)) return expression;
    }
    const { kernel } = this;
    const name = `#${this.temporaries++}`;
    kernel.scope.declare(name, { kind: 'constant', lanes: packedLanes(kernel, evaluate(kernel, expression)) });
    return { kind: 'name', name };
  }
}
