// The loops of row kernels over the items of a row. They compute the totals of its reductions. Registers may hold items for later loops.
import type { Dtype } from '../../core/dtype.ts';
import type { Node } from '../../graph/tensor.ts';
import { indent, valueType } from '../../wgsl/index.ts';
import type { Domain } from '../fuseRows.ts';
import type { Group } from '../groups.ts';
import { type RowsPlan, isOfSquares } from '../planRows.ts';
import type { Source } from '../views.ts';
import { type BodyContext, type RoleOf, loadKey } from './body.ts';

/** Maximum number of values of each item that registers hold. */
const mostValues = 4;

/** Arrays in registers: a value for each item of an invocation. */
export class Registers {
  private readonly types: string[] = [];
  private readonly loaded = new Map<string, string>();
  private readonly plan: RowsPlan;
  private readonly roleOf: RoleOf;

  constructor(plan: RowsPlan, roleOf: RoleOf) {
    this.plan = plan;
    this.roleOf = roleOf;
  }

  /** A new array's element of this item. Undefined if registers hold no items, or enough of them. */
  next(dtype: Dtype): string | undefined {
    if (this.plan.held === undefined || this.types.length === mostValues) return undefined;
    return `held${this.types.push(valueType(dtype)) - 1}[round]`;
  }

  /** Holds the elements that a loop loads. The last loop needs to hold nothing. */
  loads(isLast: boolean): BodyContext['held'] {
    const keyOf = ({ base, view }: Source): string => loadKey(this.roleOf(base), view);
    return {
      find: (source) => this.loaded.get(keyOf(source)),
      keep: (source, variable) => {
        const place = isLast ? undefined : this.next(source.base.dtype);
        if (place === undefined) return [];
        this.loaded.set(keyOf(source), place);
        return [`${place} = ${variable};`];
      },
    };
  }

  declarations(): string[] {
    return this.types.map((type, i) => `var held${i}: array<${type}, ${this.plan.held!}>;`);
  }
}

export const nameOf = (group: Group, reduction: Node): string => `r${group.reductions.indexOf(reduction)}`;

export const typeOf = (reduction: Node): string => valueType(reduction.inputs[0].dtype);

export const placeIn = ({ along }: Domain): string => (along === 'rows' ? 'row * params.length + item' : 'item * params.rows + row');

function merged({ op }: Node, a: string, b: string): string {
  if (op.lowering.kind !== 'reduction') throw new Error(`${op.name} is no reduction`);
  return op.lowering.merge(a, b);
}

/** A reduction of a loop: the variable of its total, and the value that each item adds. */
export interface Term {
  readonly reduction: Node;
  readonly name: string;
  readonly term: string;
}

/** Combines `total` with an item or with another total. Squares are added before their root is taken. */
const added = (reduction: Node, total: string, value: string): string =>
  isOfSquares(reduction) ? `${total} + ${value}` : merged(reduction, total, value);

const addItem = (total: string, { reduction, term }: Term): string =>
  `${total} = ${added(reduction, total, isOfSquares(reduction) ? `${term} * ${term}` : term)};`;

/** Maximum number of items that are added to one total directly. A longer sum would lose digits in rounding. */
const longestRun = 256;

/**
 * Emits a loop over an invocation's items. A GPU takes them in rounds, `item = first + round * step`: its compiler proves such a loop finite and
 * unrolls it. With a fixed number of rounds, registers hold the items.
 */
function overItems(statements: readonly string[], { family, domain, lanes, held }: RowsPlan): string[] {
  if (family === 'serial') return ['for (var item = first; item < params.length; item += step) {', ...indent(statements), '}'];
  const isRagged = held !== undefined && domain.length % lanes !== 0;
  return [
    // An invocation's number is below `step`, so that the difference is not negative.
    ...(held === undefined ? ['let rounds = (params.length + step - 1u - first) / step;'] : []),
    `for (var round = 0u; round < ${held === undefined ? 'rounds' : `${held}u`}; round++) {`,
    '  let item = first + round * step;',
    ...(isRagged ? ['  if (item < params.length) {', ...indent(statements, 4), '  }'] : indent(statements)),
    '}',
  ];
}

/** Emits the totals of a loop. An invocation that processes a long row by itself adds the items in runs. */
export function walk(terms: readonly Term[], statements: readonly string[], plan: RowsPlan): string[] {
  const { family, domain } = plan;
  const totals = terms.map(({ name, reduction }) => `var ${name} = ${identityOf(reduction)};`);
  if (terms.length === 0 || family === 'workgroup' || domain.length <= longestRun) {
    const whole = overItems([...statements, ...terms.map((term) => addItem(term.name, term))], plan);
    return [...totals, ...(family === 'workgroup' ? ['{', ...indent(whole), '}'] : whole)];
  }
  const run = terms.map(({ name }) => `${name}_run`);
  const lines = [
    `let end = min(start + ${longestRun}u, params.length);`,
    ...terms.map(({ reduction }, i) => `var ${run[i]} = ${identityOf(reduction)};`),
    'for (var item = start; item < end; item++) {',
    ...indent([...statements, ...terms.map((term, i) => addItem(run[i], term))]),
    '}',
    ...terms.map(({ reduction, name }, i) => `${name} = ${added(reduction, name, run[i])};`),
  ];
  return [...totals, `for (var start = 0u; start < params.length; start += ${longestRun}u) {`, ...indent(lines), '}'];
}

/** Emits the roots of an invocation's sums of squares. If squares overflow or vanish, they are added again, scaled. */
export function takeRoots(norms: readonly Term[], statements: readonly string[], plan: RowsPlan): string[] {
  const again = norms.map(({ name }) => `(${name}_scale != 1.0)`).join(' | ');
  return [
    ...norms.map(({ name }) => `let ${name}_scale = squaresScale(${name});`),
    `if (${again}) {`,
    ...norms.map(({ name }) => `  ${name} = 0.0;`),
    ...indent(
      overItems(
        [
          ...statements,
          ...norms.flatMap(({ name, term }) => [
            `let ${name}_item = ${term} * ${name}_scale;`,
            `${name} = ${name} + ${name}_item * ${name}_item;`,
          ]),
        ],
        plan,
      ),
    ),
    '}',
    ...norms.map(({ name }) => `${name} = rootOfSquares(${name}, ${name}_scale);`),
  ];
}

function identityOf(reduction: Node): string {
  const { lowering } = reduction.op;
  if (lowering.kind !== 'reduction') throw new Error(`${reduction.op.name} is no reduction`);
  return `${typeOf(reduction)}(${lowering.identity(reduction.inputs[0].dtype)})`;
}

/** Combines the totals of a workgroup's invocations. Lanes beyond the row have no items and are left out. */
export function gather(group: Group, reductions: readonly Node[], lanes: number): string[] {
  if (reductions.length === 0) return [];
  const names = reductions.map((reduction) => nameOf(group, reduction));
  return [
    ...names.map((name) => `${name}_total[first] = ${name};`),
    `for (var reach = ${lanes / 2}u; reach > 0u; reach /= 2u) {`,
    '  workgroupBarrier();',
    '  if ((first < reach) & (first + reach < params.length)) {',
    ...reductions.map(
      (reduction, i) =>
        `    ${names[i]}_total[first] = ${merged(reduction, `${names[i]}_total[first]`, `${names[i]}_total[first + reach]`)};`,
    ),
    '  }',
    '}',
    'workgroupBarrier();',
    ...names.map((name) => `${name} = ${name}_total[0];`),
  ];
}
