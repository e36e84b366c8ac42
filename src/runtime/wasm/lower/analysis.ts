// Questions about statements, answered once for each.
import type { Expression, FunctionSyntax, Statement } from '../wgsl/syntax.ts';

type Statements = readonly Statement[];

/** Calls a function with each statement, the nested ones included. */
function walk(statements: Statements, visit: (statement: Statement) => void): void {
  for (const statement of statements) {
    visit(statement);
    if (statement.kind === 'if') {
      walk(statement.then, visit);
      walk(statement.otherwise, visit);
    } else if (statement.kind === 'for') {
      walk(
        [statement.first, statement.next].filter((part) => part !== undefined),
        visit,
      );
      walk(statement.body, visit);
    } else if (statement.kind === 'block') walk(statement.body, visit);
  }
}

/** The name of the variable that an assignment changes. */
export function targetName(expression: Expression): string | undefined {
  if (expression.kind === 'member' || expression.kind === 'index') return targetName(expression.base);
  return expression.kind === 'name' ? expression.name : undefined;
}

const assigned = new WeakMap<Statements, ReadonlySet<string>>();

/** Names that the statements assign to. */
export function assignedIn(statements: Statements): ReadonlySet<string> {
  let names = assigned.get(statements);
  if (!names) {
    const found = new Set<string>();
    walk(statements, (statement) => {
      const name = statement.kind === 'assign' ? targetName(statement.target) : undefined;
      if (name !== undefined) found.add(name);
    });
    assigned.set(statements, (names = found));
  }
  return names;
}

/** The expressions of one statement, without nested statements. */
function expressionsOf(statement: Statement): Expression[] {
  switch (statement.kind) {
    case 'declare':
    case 'return':
      return statement.value ? [statement.value] : [];
    case 'assign':
      return [statement.target, statement.value];
    case 'call':
      return [statement.call];
    case 'if':
      return [statement.condition];
    case 'for':
      return statement.condition ? [statement.condition] : [];
    default:
      return [];
  }
}

/** Whether an expression uses one of the names. */
export function uses(expression: Expression, names: ReadonlySet<string>): boolean {
  switch (expression.kind) {
    case 'name':
      return names.has(expression.name);
    case 'member':
      return uses(expression.base, names);
    case 'index':
      return uses(expression.base, names) || uses(expression.index, names);
    case 'call':
      return expression.arguments.some((argument) => uses(argument, names));
    case 'unary':
      return uses(expression.operand, names);
    case 'binary':
      return uses(expression.left, names) || uses(expression.right, names);
    default:
      return false;
  }
}

/** The number of statements that use or assign a name. */
export function statementsWith(statements: Statements, name: string): number {
  const names = new Set([name]);
  let count = 0;
  walk(statements, (statement) => {
    if (expressionsOf(statement).some((expression) => uses(expression, names))) count++;
  });
  return count;
}

/** Whether any statement is of one of the kinds. */
export function has(statements: Statements, ...kinds: readonly Statement['kind'][]): boolean {
  let found = false;
  walk(statements, ({ kind }) => (found ||= kinds.includes(kind)));
  return found;
}

/** Whether a loop's body leaves or repeats this loop, and not an inner one. */
export function hasOwn(statements: Statements, kind: 'break' | 'continue'): boolean {
  return statements.some((statement) => {
    if (statement.kind === kind) return true;
    if (statement.kind === 'if') return hasOwn(statement.then, kind) || hasOwn(statement.otherwise, kind);
    return statement.kind === 'block' && hasOwn(statement.body, kind);
  });
}

/** Whether statements only declare and assign: both sides of a branch may then be computed. */
export function isSimple(statements: Statements): boolean {
  return statements.every(({ kind }) => kind === 'declare' || kind === 'assign');
}

const returns = new WeakMap<FunctionSyntax, 'none' | 'last' | 'early'>();

/** Whether a function never returns, returns in its last statement only, or before it. */
export function returnedBy(fn: FunctionSyntax): 'none' | 'last' | 'early' {
  let found = returns.get(fn);
  if (!found) {
    let count = 0;
    walk(fn.body, ({ kind }) => (count += Number(kind === 'return')));
    if (count === 0) found = 'none';
    else found = count === 1 && fn.body.at(-1)?.kind === 'return' ? 'last' : 'early';
    returns.set(fn, found);
  }
  return found;
}
