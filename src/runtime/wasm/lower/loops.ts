// Loops: repeated, unrolled, or four iterations at a time.
import type { Value } from '../ir/code.ts';
import type { ForLoop, Statement } from '../wgsl/syntax.ts';
import { assignedIn, has, hasOwn, statementsWith, uses } from './analysis.ts';
import { evaluate } from './expressions.ts';
import { type Exits, type Kernel, Restart } from './kernel.ts';
import { valueOf } from './nodes.ts';
import type { Variable } from './scope.ts';
import { slotsFor } from './slots.ts';
import { changedBy, lowerAll } from './statements.ts';
import { Rejected, Strip } from './strip.ts';
import { type Lanes, scalar } from './types.ts';

/** Loops of at most this number of iterations, which are known, are unrolled. */
const mostUnrolled = 8;

export function lowerFor(kernel: Kernel, loop: ForLoop, exits: Exits): boolean {
  return kernel.scoped(() => {
    if (unrolled(kernel, loop, exits)) return false;
    if (kernel.mayStrip && kernel.width === 1 && stripped(kernel, loop)) return false;
    if (loop.first) lowerAll(kernel, [loop.first], exits);
    return repeated(kernel, loop, exits);
  });
}

/** The counter of `for (var i = a; i < b; i++)`. */
interface Counted {
  readonly declaration: Statement & { kind: 'declare' };
  readonly condition: { readonly operator: string; readonly right: NonNullable<ForLoop['condition']> };
}

function counterOf({ first, condition, next, body }: ForLoop): Counted | undefined {
  if (first?.kind !== 'declare' || !first.isVariable || !first.value || condition?.kind !== 'binary' || next?.kind !== 'assign')
    return undefined;
  const { name } = first;
  if (condition.left.kind !== 'name' || condition.left.name !== name) return undefined;
  if (next.target.kind !== 'name' || next.target.name !== name || next.operator !== '+') return undefined;
  if (assignedIn(body).has(name)) return undefined;
  return { declaration: first, condition };
}

function unrolled(kernel: Kernel, loop: ForLoop, exits: Exits): boolean {
  const counted = counterOf(loop);
  if (!counted || counted.condition.operator !== '<' || hasOwn(loop.body, 'break') || hasOwn(loop.body, 'continue')) return false;
  const { name, value, type } = counted.declaration;
  const changed = assignedIn(loop.body);
  if (uses(counted.condition.right, changed) || uses((loop.next as Statement & { kind: 'assign' }).value, changed)) return false;
  const first = evaluate(kernel, value!);
  const end = evaluate(kernel, counted.condition.right);
  const step = evaluate(kernel, (loop.next as Statement & { kind: 'assign' }).value);
  const numbers = [first, end, step].map((lanes) =>
    lanes.length === 1 && lanes[0].value?.op === 'const' ? lanes[0].value.imm : undefined,
  );
  const [from, to, by] = numbers;
  if (from === undefined || to === undefined || by === undefined || by <= 0 || (to - from) / by > mostUnrolled) return false;
  const of = type ? kernel.type(type) : kernel.isConcrete(first[0].type) ? first[0].type : scalar('i32');
  for (let i = from; i < to; i += by) {
    const isEnded = kernel.scoped(() => {
      kernel.scope.declare(name, { kind: 'constant', lanes: [{ type: of, value: kernel.builder.i32(i) }] });
      return lowerAll(kernel, loop.body, exits);
    });
    if (isEnded) break;
  }
  return true;
}

/** A loop as it is written. The declaration of its counter is lowered already. */
function repeated(kernel: Kernel, loop: ForLoop, outer: Exits): boolean {
  const { builder } = kernel;
  const variables = changedBy(kernel, loop.body, loop.next ? [loop.next] : []);
  if (variables.some((variable) => kernel.strip?.carried.has(variable)) && kernel.lane === undefined)
    throw new Rejected('a loop changes a total');
  const entry = variables.map((variable) => kernel.readVariable(variable));
  const slots = variables.map((variable, i) => {
    const isVarying =
      kernel.width === 4 && kernel.lane === undefined && (entry[i].length > 1 || kernel.facts.varying.has(variable.declaration));
    return slotsFor(kernel, entry[i][0], isVarying ? 4 : 1);
  });
  const save = (): void =>
    variables.forEach((variable, i) => {
      const lanes = kernel.readVariable(variable);
      if (lanes.length > slots[i].width) {
        kernel.facts.varying.add(variable.declaration);
        throw new Restart();
      }
      slots[i].set(lanes);
    });
  const restore = (): void => variables.forEach((variable, i) => kernel.writeVariable(variable, slots[i].get()));
  const whole = variables.map((variable) => variable.current);
  save();
  const [head, exit, next] = [builder.label('head'), builder.label('exit'), builder.label('next')];
  let differs = false;
  const { region } = builder.within(true, () => {
    restore();
    if (loop.condition) {
      const condition = evaluate(kernel, loop.condition);
      if (condition.length > 1) {
        differs = true;
        return;
      }
      const value = valueOf(condition[0]);
      if (value.op !== 'const') builder.push({ kind: 'branch', target: exit, condition: builder.op('i32.eqz', [value]) });
      else if (!value.imm) builder.push({ kind: 'branch', target: exit, condition: undefined });
    }
    const exits: Exits = {
      returning: outer.returning,
      breaking: () => {
        save();
        builder.push({ kind: 'branch', target: exit, condition: undefined });
      },
      continuing: () => {
        save();
        builder.push({ kind: 'branch', target: next, condition: undefined });
      },
    };
    const body = (): boolean => kernel.scoped(() => lowerAll(kernel, loop.body, exits));
    if (hasOwn(loop.body, 'continue')) {
      const inner = builder.within(true, () => {
        if (!body()) save();
      });
      builder.push({ kind: 'block', exit: next, body: inner.region });
      restore();
      if (loop.next) lowerAll(kernel, [loop.next], outer);
      save();
    } else if (!body()) {
      if (loop.next) lowerAll(kernel, [loop.next], outer);
      save();
    }
  });
  if (differs) {
    // The lanes have different numbers of iterations.
    variables.forEach((variable, i) => (variable.current = whole[i]));
    if (has(loop.body, 'return')) throw new Rejected('lanes leave at different places');
    kernel.alone(() => repeated(kernel, loop, { returning: undefined, breaking: undefined, continuing: undefined }));
    return false;
  }
  builder.push({ kind: 'loop', head, exit, body: region });
  variables.forEach((variable, i) => (variable.current = whole[i]));
  restore();
  return false;
}

/** Four iterations at a time where that keeps the results: true if the loop was lowered. */
function stripped(kernel: Kernel, loop: ForLoop): boolean {
  const counted = counterOf(loop);
  if (!counted || counted.condition.operator !== '<' || has(loop.body, 'for', 'return', 'break', 'continue')) return false;
  const step = evaluate(kernel, (loop.next as Statement & { kind: 'assign' }).value);
  if (step[0].value?.op !== 'const' || step[0].value.imm !== 1) return false;
  const changed = changedBy(kernel, loop.body);
  if (uses(counted.condition.right, assignedIn(loop.body))) return false;
  // A total is used by the statement that changes it, and by no other one.
  if (changed.some(({ name }) => statementsWith(loop.body, name) !== 1)) return false;
  const before = changed.map((variable) => variable.current);
  const stack = kernel.stackBytes;
  try {
    return strips(kernel, counted, loop.body, changed);
  } catch (error) {
    if (!(error instanceof Rejected)) throw error;
    changed.forEach((variable, i) => (variable.current = before[i]));
    kernel.stackBytes = stack;
    return false;
  }
}

function strips(kernel: Kernel, { declaration, condition }: Counted, body: readonly Statement[], changed: readonly Variable[]): boolean {
  const [from] = evaluate(kernel, declaration.value!);
  const [end] = evaluate(kernel, condition.right);
  const type = declaration.type ? kernel.type(declaration.type) : end.type;
  const isSigned = type.kind === 'scalar' && type.name === 'i32';
  const scope = new Set(changed);
  const slots = changed.map((variable) => slotsFor(kernel, variable.current[0], 1));
  const exits: Exits = { returning: undefined, breaking: undefined, continuing: undefined };
  stripLoop(kernel, {
    from: valueOf(from),
    end: valueOf(end),
    isSigned,
    isLoop: true,
    carried: scope,
    enter: () => changed.forEach((variable, i) => slots[i].set(variable.current)),
    restore: () => changed.forEach((variable, i) => (variable.current = slots[i].get())),
    body: (counters) =>
      kernel.scoped(() => {
        const lanes: Lanes = counters.map((value) => ({ type, value }));
        kernel.scope.declare(declaration.name, { kind: 'constant', lanes });
        lowerAll(kernel, body, exits);
      }),
  });
  return true;
}

export interface StripParts {
  readonly from: Value;
  readonly end: Value;
  readonly isSigned: boolean;
  /** False for invocations: their order does not matter. */
  readonly isLoop: boolean;
  readonly carried: ReadonlySet<Variable>;
  /** Saves the totals. */
  readonly enter: () => void;
  /** Reads the totals again. */
  readonly restore: () => void;
  /** One iteration for each counter. */
  readonly body: (counters: readonly Value[]) => void;
}

/**
 * for each strip: its length; four iterations at a time; the rest of them one by one.
 * @throws Rejected if iterations cannot be computed together.
 */
export function stripLoop(kernel: Kernel, { from, end, isSigned, isLoop, carried, enter, restore, body }: StripParts): void {
  const { builder } = kernel;
  const counterCell = builder.cell('i32');
  const endCell = builder.cell('i32');
  enter();
  builder.set(counterCell, from);
  const exit = builder.label('end');
  const iteration = (count: number, prepare: (counter: Value) => void): void => {
    const counter = builder.get(counterCell);
    restore();
    prepare(counter);
    body(Array.from({ length: count }, (_, lane) => builder.op('i32.add', [counter, builder.i32(lane)])));
    enter();
    builder.set(counterCell, builder.op('i32.add', [counter, builder.i32(count)]));
  };
  const outside = { width: kernel.width, strip: kernel.strip };
  const { region } = builder.within(true, (prelude) => {
    const start = builder.get(counterCell);
    const isDone = builder.op(isSigned ? 'i32.ge_s' : 'i32.ge_u', [start, end]);
    builder.push({ kind: 'branch', target: exit, condition: isDone });
    let strip!: Strip;
    const packedExit = builder.label('packed');
    const packed = builder.within(true, () => {
      try {
        iteration(4, (counter) => {
          const left = builder.op('i32.sub', [builder.get(endCell), counter]);
          builder.push({ kind: 'branch', target: packedExit, condition: builder.op('i32.lt_u', [left, builder.i32(4)]) });
          strip = new Strip(kernel, {
            counter,
            start,
            prelude,
            last: builder.op('i32.sub', [builder.op('i32.sub', [end, start]), builder.i32(1)]),
            carried,
            isLoop,
          });
          kernel.strip = strip;
          kernel.width = 4;
        });
      } finally {
        kernel.strip = outside.strip;
        kernel.width = outside.width;
      }
    });
    strip.check();
    builder.set(endCell, builder.op('i32.add', [builder.op('i32.add', [start, strip.last]), builder.i32(1)]));
    builder.push({ kind: 'loop', head: builder.label('four'), exit: packedExit, body: packed.region });
    const singleExit = builder.label('rest');
    const single = builder.within(true, () =>
      iteration(1, (counter) => {
        builder.push({ kind: 'branch', target: singleExit, condition: builder.op('i32.ge_u', [counter, builder.get(endCell)]) });
      }),
    );
    builder.push({ kind: 'loop', head: builder.label('one'), exit: singleExit, body: single.region });
  });
  builder.push({ kind: 'loop', head: builder.label('strips'), exit, body: region });
  restore();
  kernel.strips++;
}
