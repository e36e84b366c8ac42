// Row kernels: several reductions over one domain become one kernel with a few loops over the items of a row (or a column). Each loop
// computes the items that it needs, also those that an earlier loop has computed. Values of the row are computed between the loops.
import { type StridedView, isContiguous, sizeOf } from '../../core/shape.ts';
import type { Node, Tensor } from '../../graph/tensor.ts';
import serialSource from '../../../shaders/rowsSerial.wgsl?raw';
import workgroupSource from '../../../shaders/rowsWorkgroup.wgsl?raw';
import { type KernelFile, UniformFields, fillKernel, indent, mentions, valueType } from '../../wgsl/index.ts';
import { isCostly } from '../cost.ts';
import { type Group, nodesOf } from '../groups.ts';
import { type RowsPlan, isOfSquares } from '../planRows.ts';
import type { Domain } from '../fuseRows.ts';
import { type Sources, hasMemory } from '../views.ts';
import { Body, FlatIndexer } from './body.ts';
import { Bindings, type EmitContext, type Emitted, assemble, declareOutputs } from './kernel.ts';

const serial: KernelFile = { name: 'rowsSerial', text: serialSource };
const workgroup: KernelFile = { name: 'rowsWorkgroup', text: workgroupSource };
const kernels = { serial, workgroup };

export function emitRows<Memory>(group: Group, plan: RowsPlan, context: EmitContext<Memory>, title: string): Emitted<Memory> {
  const { domain, family, ready, loops } = plan;
  const { sources } = context;
  const fields = new UniformFields('params', 'Params');
  fields.add('rows', domain.outputs);
  fields.add('length', domain.length);
  const bindings = new Bindings(context.memoryOf);
  declareOutputs(group, bindings);
  const shared = { ...context, fields, roleOf: bindings.roleOf };
  const rowIndexer = new FlatIndexer(fields, 'row', 'o');
  const row = new Body({ ...shared, position: (view, statements) => rowIndexer.position(view, statements), index: 'row' });

  /** Body of an item. Its position is (row, item), or `index` for a view that does not separate the two. */
  const itemBody = (): Body => {
    const itemIndexer = new FlatIndexer(fields, 'item', 'r');
    const flatIndexer = new FlatIndexer(fields, 'index', 'f');
    const position = (view: StridedView, statements: string[]): string => {
      const parts = split(view, domain);
      if (!parts || isContiguous(view)) return flatIndexer.position(view, statements);
      const terms = [rowIndexer.position(parts.outer, row.statements), itemIndexer.position(parts.inner, statements)];
      return terms.filter((term) => term !== '0u').join(' + ') || '0u';
    };
    const constant = (view: StridedView): StridedView | undefined => {
      const parts = split(view, domain);
      return parts?.inner.strides.every((stride, i) => stride === 0 || parts.inner.shape[i] === 1) ? parts.outer : undefined;
    };
    return new Body({ ...shared, position, index: 'index', around: { body: row, constant } }, 'i');
  };

  const text: string[] = [];
  let written = 0;
  const flush = (): void => {
    text.push(...row.statements.slice(written));
    written = row.statements.length;
  };
  const computeRow = (loop: number): void => {
    for (const node of group.members) if (ready.get(node) === loop) row.compute(node);
  };

  const kept = keepers(group, plan, context);
  const stored = new Set<Node>();
  computeRow(0);
  for (let loop = 0; loop < loops; loop++) {
    const isLast = loop === loops - 1;
    const reductions = group.reductions.filter((reduction) => ready.get(reduction) === loop + 1);
    const outputs = isLast ? group.outputs.filter(({ node }) => group.items.includes(node!)) : [];
    const body = itemBody();
    const there = new Set([...kept].filter(([node]) => stored.has(node)).map(([node]) => node));
    const needed = itemsFor([...reductions, ...outputs.map(({ node }) => node!)], group, sources, there);
    for (const node of group.items) {
      if (!needed.has(node)) continue;
      const keeper = kept.get(node);
      if (keeper && there.has(node)) body.load(keeper, 'index', node);
      else body.compute(node);
      if (!keeper || isLast || there.has(node)) continue;
      body.store(keeper, 'index', node);
      stored.add(node);
    }
    const terms = reductions.map((reduction) => ({ reduction, name: nameOf(group, reduction), term: body.operand(reduction.inputs[0]) }));
    const items = [...body.statements];
    for (const output of outputs) body.store(output, 'index');
    flush();
    if (mentions(body.statements, 'index')) {
      const place = `let index = ${placeIn(domain)};`;
      body.statements.unshift(place);
      items.unshift(place);
    }
    text.push(...walk(terms, body.statements, plan));
    const norms = terms.filter(({ reduction }) => isOfSquares(reduction));
    if (norms.length > 0) text.push(...takeRoots(norms, items));
    if (family === 'workgroup') text.push(...gather(group, reductions));
    for (const reduction of reductions) {
      const name = nameOf(group, reduction);
      row.given(reduction, reduction.types[0].dtype === 'f16' ? `quantizeToF16(${name})` : name);
    }
    computeRow(loop + 1);
  }
  flush();
  const ends = group.outputs.filter(({ node }) => !group.items.includes(node!));
  for (const output of ends) row.store(output, 'row');
  const stores = row.statements.slice(written);
  // These values may overwrite memory that other invocations of the workgroup have read since the last barrier.
  const first = ['storageBarrier();', 'if (first == 0u) {', ...indent(stores), '}'];
  text.push(...(family === 'workgroup' && stores.length ? first : stores));

  const totals =
    family === 'workgroup' ? group.reductions.map((r) => `var<workgroup> ${nameOf(group, r)}_total: array<${typeOf(r)}, 64>;`) : [];
  const declarations = [fields.declaration(0), bindings.declarations(), ...totals].join('\n');
  const { source, params } = fillKernel(kernels[family], {
    params: fields.byName,
    blocks: { bindings: declarations, loops: indent(text).join('\n') },
  });
  return { wgsl: assemble(source, title), bindings: bindings.list, params };
}

const nameOf = (group: Group, reduction: Node): string => `r${group.reductions.indexOf(reduction)}`;

const typeOf = (reduction: Node): string => valueType(reduction.inputs[0].dtype);

const placeIn = ({ along }: Domain): string => (along === 'rows' ? 'row * params.length + item' : 'item * params.rows + row');

function merged({ op }: Node, a: string, b: string): string {
  if (op.lowering.kind !== 'reduction') throw new Error(`${op.name} is no reduction`);
  return op.lowering.merge(a, b);
}

/** A reduction of a loop: the variable of its total, and the value that each item adds. */
interface Term {
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

/** Emits a loop over the items of a row. An invocation that processes a long row by itself adds the items in runs. */
function walk(terms: readonly Term[], statements: readonly string[], { family, domain }: RowsPlan): string[] {
  const totals = terms.map(({ name, reduction }) => `var ${name} = ${identityOf(reduction)};`);
  const whole = 'for (var item = first; item < params.length; item += step) {';
  if (terms.length === 0 || family === 'workgroup' || domain.length <= longestRun) {
    return [...totals, whole, ...indent([...statements, ...terms.map((term) => addItem(term.name, term))]), '}'];
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
function takeRoots(norms: readonly Term[], statements: readonly string[]): string[] {
  const again = norms.map(({ name }) => `(${name}_scale != 1.0)`).join(' | ');
  return [
    ...norms.map(({ name }) => `let ${name}_scale = squaresScale(${name});`),
    `if (${again}) {`,
    ...norms.map(({ name }) => `  ${name} = 0.0;`),
    '  for (var item = first; item < params.length; item += step) {',
    ...indent(statements, 4),
    ...norms.flatMap(({ name, term }) => [
      `    let ${name}_item = ${term} * ${name}_scale;`,
      `    ${name} = ${name} + ${name}_item * ${name}_item;`,
    ]),
    '  }',
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
function gather(group: Group, reductions: readonly Node[]): string[] {
  if (reductions.length === 0) return [];
  const names = reductions.map((reduction) => nameOf(group, reduction));
  return [
    ...names.map((name) => `${name}_total[first] = ${name};`),
    'for (var reach = 32u; reach > 0u; reach /= 2u) {',
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

/** Returns the items that the given nodes need. Does not follow the inputs of items in `there`. */
function itemsFor(from: readonly Node[], group: Group, sources: Sources, there: ReadonlySet<Node> = new Set()): Set<Node> {
  const items = new Set(group.items);
  const found = new Set<Node>();
  const stack = from.flatMap((node) => (items.has(node) ? [node] : makersOf(node, sources)));
  while (stack.length) {
    const node = stack.pop()!;
    if (found.has(node) || !items.has(node)) continue;
    found.add(node);
    if (!there.has(node)) stack.push(...makersOf(node, sources));
  }
  return found;
}

const makersOf = (node: Node, sources: Sources): Node[] => node.inputs.flatMap((input) => sources.get(input).base.node ?? []);

/**
 * Chooses the costly items that several loops need, and a result whose memory keeps each of them. Results are written in the last loop
 * only. A result that overwrites something the kernel reads is not used.
 */
function keepers<Memory>(group: Group, { ready, loops }: RowsPlan, { sources, memoryOf }: EmitContext<Memory>): Map<Node, Tensor> {
  const isItem = new Set(group.items);
  const read = new Set(nodesOf(group).flatMap((node) => node.inputs.map((input) => sources.get(input).base)));
  const readMemory = new Set([...read].filter((base) => !isItem.has(base.node!) && hasMemory(base)).map(memoryOf));
  const outputs = group.outputs.filter((output) => isItem.has(output.node!));
  const spare = outputs.filter((output) => output.dtype === 'f32' && !readMemory.has(memoryOf(output)));
  const uses = new Map<Node, number>();
  for (let loop = 0; loop < loops; loop++) {
    const ends = group.reductions.filter((reduction) => ready.get(reduction) === loop + 1);
    const made = itemsFor([...ends, ...(loop === loops - 1 ? outputs.map(({ node }) => node!) : [])], group, sources);
    for (const node of made) uses.set(node, (uses.get(node) ?? 0) + 1);
  }
  const kept = new Map<Node, Tensor>();
  for (const node of group.items) {
    if ((uses.get(node) ?? 0) < 2 || node.types[0].dtype !== 'f32' || !isCostly(node)) continue;
    const own = spare.findIndex((tensor) => tensor.node === node);
    const [keeper] = spare.splice(Math.max(0, own), 1);
    if (!keeper) break;
    kept.set(node, keeper);
  }
  return kept;
}

/** Splits a view of the whole domain into a view over the rows and one over the items of a row. Undefined if an axis spans both. */
function split(view: StridedView, { outputs, length, along }: Domain): { outer: StridedView; inner: StridedView } | undefined {
  const { shape, strides, offset } = view;
  const leading = along === 'rows' ? outputs : length;
  let at = 0;
  let size = 1;
  while (at < shape.length && size < leading) size *= shape[at++];
  if (size !== leading || sizeOf(shape) !== outputs * length) return undefined;
  const before = { shape: shape.slice(0, at), strides: strides.slice(0, at), offset: 0 };
  const after = { shape: shape.slice(at), strides: strides.slice(at), offset: 0 };
  return along === 'rows' ? { outer: { ...before, offset }, inner: after } : { outer: { ...after, offset }, inner: before };
}
