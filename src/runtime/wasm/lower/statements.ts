// Statements: declarations, assignments, branches and returns. Loops are in loops.ts.
import type { Label } from '../ir/code.ts';
import { onLine, unknownConstruct } from '../wgsl/errors.ts';
import type { Expression, FunctionSyntax, Statement } from '../wgsl/syntax.ts';
import { assignedIn, has, isSimple, returnedBy } from './analysis.ts';
import { selectedBy } from './builtins.ts';
import { constantIndex, evaluate, packedLanes, referenceOf, variableOf } from './expressions.ts';
import { type Exits, type Kernel, Restart } from './kernel.ts';
import { write } from './memory.ts';
import { component, concrete, isSame, mapLanes, valueOf, vectorOf, zero } from './nodes.ts';
import { binary } from './operators.ts';
import type { Variable } from './scope.ts';
import { type Slots, slotsFor } from './slots.ts';
import { Rejected } from './strip.ts';
import { type Lanes, type Node, elementOf } from './types.ts';

/** Lowers statements in order. Returns true if the code after them is never reached. */
export function lowerAll(kernel: Kernel, statements: readonly Statement[], exits: Exits): boolean {
  for (const statement of statements) if (lower(kernel, statement, exits)) return true;
  return false;
}

function lower(kernel: Kernel, statement: Statement, exits: Exits): boolean {
  return onLine(statement.line, () => lowerStatement(kernel, statement, exits));
}

function lowerStatement(kernel: Kernel, statement: Statement, exits: Exits): boolean {
  switch (statement.kind) {
    case 'declare':
      declare(kernel, statement);
      return false;
    case 'assign':
      assign(kernel, statement);
      return false;
    case 'call':
      callStatement(kernel, statement.call);
      return false;
    case 'block':
      return kernel.scoped(() => lowerAll(kernel, statement.body, exits));
    case 'if':
      return branch(kernel, statement, exits);
    case 'for':
      return kernel.lowering.loop(kernel, statement, exits);
    case 'return':
      leave(exits.returning && (() => exits.returning!(statement.value && evaluate(kernel, statement.value))));
      return true;
    case 'break':
      leave(exits.breaking);
      return true;
    case 'continue':
      leave(exits.continuing);
      return true;
    default:
      return statement satisfies never;
  }
}

/** One lane may not leave code that all lanes run. */
function leave(exit: (() => void) | undefined): void {
  if (!exit) throw new Rejected('lanes leave at different places');
  exit();
}

function declare(kernel: Kernel, declaration: Statement & { kind: 'declare' }): void {
  const { name } = declaration;
  const wanted = declaration.type && kernel.type(declaration.type);
  let lanes = declaration.value && evaluate(kernel, declaration.value);
  lanes = lanes?.map((node) => concrete(kernel, node, wanted && elementOf(wanted)));
  const type = wanted ?? lanes![0].type;
  if (!declaration.isVariable) {
    kernel.scope.declare(name, { kind: 'constant', lanes: packedLanes(kernel, lanes!) });
    return;
  }
  const initial = lanes ?? [zero(kernel, type)];
  // Nearly every array is indexed by a variable.
  if (type.kind === 'array' || kernel.facts.inMemory.has(declaration)) {
    const stored = kernel.reserve(name, type);
    kernel.scope.declare(name, stored);
    write(kernel, stored, initial);
    return;
  }
  const current = kernel.lane === undefined ? packedLanes(kernel, initial) : initial;
  kernel.scope.declare(name, { kind: 'variable', declaration, name, type, current });
}

function callStatement(kernel: Kernel, call: Expression): void {
  if (call.kind !== 'call') return;
  evaluate(kernel, call);
}

function assign(kernel: Kernel, { target, operator, value }: Statement & { kind: 'assign' }): void {
  if (target.kind === 'name' && target.name === '_') return;
  const { strip } = kernel;
  const variable = target.kind === 'name' ? kernel.scope.find(target.name) : undefined;
  if (strip && kernel.lane === undefined && variable?.kind === 'variable' && strip.carried.has(variable)) {
    return accumulate(kernel, variable, target, operator, value);
  }
  const result = (): Lanes => {
    const right = evaluate(kernel, value);
    return operator ? mapLanes([evaluate(kernel, target), right], (a, b) => binary(kernel, operator, a, b)) : right;
  };
  const reference = referenceOf(kernel, target);
  if (reference) return write(kernel, reference, result());
  if (variable?.kind === 'variable') {
    if (strip?.carried.has(variable)) throw new Rejected('a branch changes a total');
    const lanes = result().map((node) => concrete(kernel, node, elementOf(variable.type)));
    return kernel.writeVariable(variable, kernel.lane === undefined ? packedLanes(kernel, lanes) : lanes);
  }
  assignPart(kernel, target, result());
}

/** A total of a loop whose iterations are computed together: its order is kept, one lane after the other. */
function accumulate(kernel: Kernel, variable: Variable, target: Expression, operator: string | undefined, value: Expression): void {
  const names = new Set([variable.name]);
  const whole: Expression = operator ? { kind: 'binary', operator, left: target, right: value } : value;
  kernel.scoped(() => {
    const prepared = kernel.strip!.prepare(whole, names);
    for (let lane = 0; lane < 4; lane++) {
      kernel.lane = lane;
      try {
        variable.current = evaluate(kernel, prepared).map((node) => concrete(kernel, node, elementOf(variable.type)));
      } finally {
        kernel.lane = undefined;
      }
    }
  });
}

/** Assigns to a component, a member or an element of a variable: the variable gets a new value. */
function assignPart(kernel: Kernel, target: Expression, lanes: Lanes): void {
  const variable = variableOf(kernel, target) as Variable | undefined;
  if (!variable) return unknownConstruct('an assignment to this expression');
  const path: number[] = [];
  const follow = (expression: Expression): void => {
    if (expression.kind !== 'member' && expression.kind !== 'index') return;
    follow(expression.base);
    if (expression.kind === 'index') {
      const place = constantIndex(evaluate(kernel, expression.index));
      if (place === undefined) {
        kernel.facts.inMemory.add(variable.declaration);
        throw new Restart();
      }
      path.push(place);
      return;
    }
    const [{ type }] = evaluate(kernel, expression.base);
    const place = type.kind === 'struct' ? type.fields.findIndex(({ name }) => name === expression.name) : 'xyzw'.indexOf(expression.name);
    if (place < 0) unknownConstruct(`an assignment to the member '${expression.name}'`);
    path.push(place);
  };
  follow(target);
  const before = kernel.readVariable(variable);
  kernel.writeVariable(variable, mapLanes([before, lanes], (node, part) => replaced(kernel, node, path, part))); // prettier-ignore
}

function replaced(kernel: Kernel, node: Node, [place, ...rest]: readonly number[], part: Node): Node {
  const inner = node.type.kind === 'vector' ? component(kernel, node, place) : node.parts![place];
  const made = rest.length ? replaced(kernel, inner, rest, part) : concrete(kernel, part, elementOf(inner.type));
  const { type } = node;
  if (type.kind === 'vector') {
    if (!node.value || type.of === 'bool') {
      return vectorOf(kernel, type.of, Array.from({ length: type.size }, (_, i) => (i === place ? made : component(kernel, node, i)))); // prettier-ignore
    }
    const prefix = type.of === 'f32' ? 'f32x4' : 'i32x4';
    return { type, value: kernel.builder.op(`${prefix}.replace_lane`, [node.value, valueOf(made)], place) };
  }
  return { type, parts: node.parts!.map((old, i) => (i === place ? made : old)) };
}

/** The variables in scope that statements assign to, and all module variables if there are any. */
export function changedBy(kernel: Kernel, ...groups: readonly (readonly Statement[])[]): Variable[] {
  const found = new Set<Variable>(kernel.moduleVariables);
  for (const statements of groups) {
    for (const name of assignedIn(statements)) {
      const binding = kernel.scope.find(name);
      if (binding?.kind === 'variable') found.add(binding);
    }
  }
  return [...found];
}

function branch(kernel: Kernel, statement: Statement & { kind: 'if' }, exits: Exits): boolean {
  const condition = evaluate(kernel, statement.condition);
  if (condition.length > 1) return diverge(kernel, statement, condition);
  const value = valueOf(condition[0]);
  const { then, otherwise } = statement;
  if (value.op === 'const') return kernel.scoped(() => lowerAll(kernel, value.imm ? then : otherwise, exits));
  const { builder } = kernel;
  const variables = changedBy(kernel, then, otherwise);
  const before = variables.map((variable) => variable.current);
  const side = (statements: readonly Statement[]) => {
    variables.forEach((variable, i) => (variable.current = before[i]));
    const { region, result: isEnded } = builder.within(false, () => kernel.scoped(() => lowerAll(kernel, statements, exits)));
    return { region, isEnded, after: variables.map((variable) => kernel.readVariable(variable)) };
  };
  const sides = [side(then), side(otherwise)];
  const open = sides.filter(({ isEnded }) => !isEnded);
  const merged: (Slots | undefined)[] = variables.map((_, i) => {
    const given = kernel.seen(before[i]);
    const values = open.map(({ after }) => after[i]);
    if (values.every((lanes) => lanes.length === given.length && lanes.every((node, lane) => isSame(node, given[lane])))) return undefined;
    const slots = slotsFor(kernel, values[0][0], Math.max(...values.map((lanes) => lanes.length)));
    for (const { region, after } of open) builder.inside(region, () => slots.set(after[i]));
    return slots;
  });
  builder.push({ kind: 'if', condition: value, then: sides[0].region, otherwise: sides[1].region });
  variables.forEach((variable, i) => {
    variable.current = before[i];
    const slots = merged[i];
    if (slots) kernel.writeVariable(variable, slots.get());
  });
  return open.length === 0;
}

/** A branch that lanes take differently: both sides with a choice, or lane by lane. */
function diverge(kernel: Kernel, statement: Statement & { kind: 'if' }, condition: Lanes): boolean {
  const { then, otherwise } = statement;
  if (has([statement], 'return', 'break', 'continue')) throw new Rejected('lanes leave at different places');
  const variables = changedBy(kernel, then, otherwise);
  const isLocal = [then, otherwise].every((statements) => isSimple(statements) && changesVariablesOnly(kernel, statements));
  if (!isLocal) {
    kernel.alone(() => branch(kernel, statement, { returning: undefined, breaking: undefined, continuing: undefined }));
    return false;
  }
  if (variables.some((variable) => kernel.strip?.carried.has(variable))) throw new Rejected('a branch changes a total');
  const outer = kernel.isGuarded;
  const before = variables.map((variable) => variable.current);
  const side = (statements: readonly Statement[]): Lanes[] => {
    variables.forEach((variable, i) => (variable.current = before[i]));
    kernel.isGuarded = true;
    kernel.scoped(() => lowerAll(kernel, statements, { returning: undefined, breaking: undefined, continuing: undefined }));
    kernel.isGuarded = outer;
    return variables.map((variable) => variable.current);
  };
  const yes = side(then);
  const no = side(otherwise);
  variables.forEach((variable, i) => {
    const lanes = mapLanes([no[i], yes[i], condition], (a, b, chosen) => selectedBy(kernel, a, b, valueOf(chosen)));
    variable.current = packedLanes(kernel, lanes);
  });
  return false;
}

function changesVariablesOnly(kernel: Kernel, statements: readonly Statement[]): boolean {
  return [...assignedIn(statements)].every((name) => kernel.scope.find(name)?.kind !== 'stored');
}

/** Lowers a function's body in the present scope and returns its value. */
export function lowerBody(kernel: Kernel, fn: FunctionSyntax): Lanes {
  const type = fn.result && kernel.type(fn.result);
  const made = (lanes: Lanes | undefined): Lanes => {
    if (!type || !lanes) return [];
    return lanes.map((node) => concrete(kernel, node, elementOf(type)));
  };
  if (returnedBy(fn) !== 'early') {
    let result: Lanes = [];
    lowerAll(kernel, fn.body, { returning: (value) => (result = made(value)), breaking: undefined, continuing: undefined });
    return result;
  }
  const { builder } = kernel;
  const exit: Label = builder.label(fn.name);
  let slots: Slots | undefined;
  const { region } = builder.within(true, () =>
    lowerAll(kernel, fn.body, {
      returning: (value) => {
        const lanes = made(value);
        if (lanes.length) {
          slots ??= slotsFor(kernel, lanes[0], lanes.length);
          if (slots.width < lanes.length) throw new Rejected('results differ between lanes');
          slots.set(lanes);
        }
        builder.push({ kind: 'branch', target: exit, condition: undefined });
      },
      breaking: undefined,
      continuing: undefined,
    }),
  );
  builder.push({ kind: 'block', exit, body: region });
  return slots ? slots.get() : [];
}
