// Row kernels: several reductions over one domain become one kernel with a few loops over the items of a row (or a column). Each loop
// computes the items that it needs, also those that an earlier loop has computed. Values of the row are computed between the loops.
import { type StridedView, isContiguous, sizeOf } from '../../core/shape.ts';
import type { Node, Tensor } from '../../graph/tensor.ts';
import serialSource from '../../../shaders/rowsSerial.wgsl?raw';
import workgroupSource from '../../../shaders/rowsWorkgroup.wgsl?raw';
import { type KernelFile, UniformFields, fillKernel, indent, mentions } from '../../wgsl/index.ts';
import { isCostly } from '../cost.ts';
import { type Group, nodesOf } from '../groups.ts';
import { type RowsPlan, isOfSquares } from '../planRows.ts';
import { Registers, gather, nameOf, placeIn, takeRoots, typeOf, walk } from './rowLoops.ts';
import type { Domain } from '../fuseRows.ts';
import { type Sources, hasMemory } from '../views.ts';
import { Body, FlatIndexer } from './body.ts';
import { Bindings, type EmitContext, type Emitted, assemble, declareOutputs } from './kernel.ts';

const serial: KernelFile = { name: 'rowsSerial', text: serialSource };
const workgroup: KernelFile = { name: 'rowsWorkgroup', text: workgroupSource };
const kernels = { serial, workgroup };

export function emitRows<Memory>(group: Group, plan: RowsPlan, context: EmitContext<Memory>, title: string): Emitted<Memory> {
  const { domain, family, ready, loops, lanes } = plan;
  const { sources } = context;
  const fields = new UniformFields('params', 'Params');
  fields.add('rows', domain.outputs);
  fields.add('length', domain.length);
  const bindings = new Bindings(context.memoryOf);
  declareOutputs(group, bindings);
  const shared = { ...context, fields, roleOf: bindings.roleOf };
  const rowIndexer = new FlatIndexer(fields, 'row', 'o');
  const row = new Body({ ...shared, position: (view, statements) => rowIndexer.position(view, statements), index: 'row' });

  const registers = new Registers(plan, bindings.roleOf);
  /** Body of an item. Its position is (row, item), or `index` for a view that does not separate the two. */
  const itemBody = (isLast: boolean): Body => {
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
    return new Body({ ...shared, position, index: 'index', held: registers.loads(isLast), around: { body: row, constant } }, 'i');
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

  const kept = keepers(group, plan, context, registers);
  const stored = new Set<Node>();
  computeRow(0);
  for (let loop = 0; loop < loops; loop++) {
    const isLast = loop === loops - 1;
    const reductions = group.reductions.filter((reduction) => ready.get(reduction) === loop + 1);
    const outputs = isLast ? group.outputs.filter(({ node }) => group.items.includes(node!)) : [];
    const body = itemBody(isLast);
    const there = new Set([...kept].filter(([node]) => stored.has(node)).map(([node]) => node));
    const needed = itemsFor([...reductions, ...outputs.map(({ node }) => node!)], group, sources, there);
    for (const node of group.items) {
      if (!needed.has(node)) continue;
      const keeper = kept.get(node);
      if (keeper === undefined || !there.has(node)) body.compute(node);
      else if (typeof keeper === 'string') body.given(node, keeper);
      else body.load(keeper, 'index', node);
      if (keeper === undefined || isLast || there.has(node)) continue;
      if (typeof keeper === 'string') body.assign(node, keeper);
      else body.store(keeper, 'index', node);
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
    if (norms.length > 0) text.push(...takeRoots(norms, items, plan));
    if (family === 'workgroup') text.push(...gather(group, reductions, lanes));
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
    family === 'workgroup' ? group.reductions.map((r) => `var<workgroup> ${nameOf(group, r)}_total: array<${typeOf(r)}, ${lanes}>;`) : [];
  const declarations = [fields.declaration(0), bindings.declarations(), ...totals].join('\n');
  const { source, params } = fillKernel(kernels[family], {
    params: fields.byName,
    ...(family === 'workgroup' && { constants: { step: lanes } }),
    blocks: { bindings: declarations, loops: indent([...registers.declarations(), ...text]).join('\n') },
  });
  return { wgsl: assemble(source, title), bindings: bindings.list, params };
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
 * Chooses the costly items that several loops need. Registers or the memory of a result keep each of them. Results are written in the last
 * loop only. A result that overwrites something the kernel reads is not used.
 */
function keepers<Memory>(
  group: Group,
  { ready, loops }: RowsPlan,
  { sources, memoryOf }: EmitContext<Memory>,
  registers: Registers,
): Map<Node, Tensor | string> {
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
  const kept = new Map<Node, Tensor | string>();
  for (const node of group.items) {
    if ((uses.get(node) ?? 0) < 2 || node.types[0].dtype !== 'f32' || !isCostly(node)) continue;
    const register = registers.next('f32');
    if (register) {
      kept.set(node, register);
      continue;
    }
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
