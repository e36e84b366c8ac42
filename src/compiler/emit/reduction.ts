// Emits reductions: kernel families whose element function is the fused prologue and whose store function is the fused epilogue.
import { type StridedView, contiguousView, sameShape } from '../../core/shape.ts';
import type { Node, Tensor } from '../../graph/tensor.ts';
import indexSource from '../../../shaders/reduceIndex.wgsl?raw';
import indexWorkgroupSource from '../../../shaders/reduceIndexWorkgroup.wgsl?raw';
import quadsSource from '../../../shaders/reduceQuads.wgsl?raw';
import serialSource from '../../../shaders/reduceSerial.wgsl?raw';
import workgroupSource from '../../../shaders/reduceWorkgroup.wgsl?raw';
import {
  type KernelFile,
  UniformFields,
  declareStorage,
  fillKernel,
  indent,
  loaded,
  mentions,
  storageType,
  stored,
  valueType,
} from '../../wgsl/index.ts';
import { type Group, nodesOf } from '../groups.ts';
import { type ReductionPass, type ReductionPlan, lanesOf } from '../planReduction.ts';
import { hasMemory, isFlat } from '../views.ts';
import { Body, FlatIndexer } from './body.ts';
import { Bindings, type Bound, type EmitContext, type Emitted, assemble, declareOutputs, emitStore } from './kernel.ts';

const serial: KernelFile = { name: 'reduceSerial', text: serialSource };
const quads: KernelFile = { name: 'reduceQuads', text: quadsSource };
const workgroup: KernelFile = { name: 'reduceWorkgroup', text: workgroupSource };
const index: KernelFile = { name: 'reduceIndex', text: indexSource };
const indexWorkgroup: KernelFile = { name: 'reduceIndexWorkgroup', text: indexWorkgroupSource };

const kernels = {
  values: { serial, quads, columns: serial, workgroup },
  places: { serial: index, quads: index, columns: index, workgroup: indexWorkgroup },
};

function mergeBlock(node: Node, family: ReductionPass['family']): string {
  const { lowering } = node.op;
  if (lowering.kind !== 'reduction') throw new Error(`${node.op.name} is no reduction`);
  const dtype = node.inputs[0].dtype;
  const type = valueType(dtype);
  const alias = `alias Accumulator = ${type};`;
  const merge = lowering.merge('a', 'b');
  if (lowering.tracksIndex) return `${alias}\nfn beats(a: ${type}, b: ${type}) -> bool { return ${merge}; }`;
  const twoToOne = (name: string, value: string): string => `fn ${name}(a: ${type}, b: ${type}) -> ${type} { return ${value}; }`;
  return [
    alias,
    `fn identity() -> ${type} { return ${type}(${lowering.identity(dtype)}); }`,
    // An invocation adds squares and takes one root at its end. `join` combines the norms of several invocations.
    twoToOne('merge', lowering.ofSquares ? '(a + b)' : merge),
    ...(family === 'workgroup' ? [twoToOne('join', lowering.ofSquares ? merge : 'merge(a, b)')] : []),
  ].join('\n');
}

/** The loop over the items of a run for GPUs: four loads before their sums hide the latency of memory. The order of the sums stays. */
const fourAtOnce = indent(
  [
    'let fours = (runEnd - run) / 4u;',
    'for (var i = 0u; i < fours; i++) {',
    '  let item = run + 4u * i;',
    ...['a', 'b', 'c', 'd'].map((name, i) => `  let ${name} = element(output, item${i ? ` + ${i}u` : ''});`),
    '  runTotal = merge(merge(merge(merge(runTotal, a), b), c), d);',
    '}',
    'for (var item = run + 4u * fours; item < runEnd; item++) { runTotal = merge(runTotal, element(output, item)); }',
  ],
  6,
).join('\n');

/**
 * Emits the end of a norm's invocation: the root of the sum of squares. If the squares overflow or vanish, they are added again, scaled.
 */
function rootBlock(family: ReductionPass['family'], read: string): string {
  const [first, step] = family === 'workgroup' ? ['first + lane', 'item += lanes'] : ['first', 'item++'];
  return indent([
    'let scale = squaresScale(total);',
    'if (scale != 1.0) {',
    '  total = 0.0;',
    `  for (var item = ${first}; item < end; ${step}) {`,
    `    let x = ${read} * scale;`,
    '    total += x * x;',
    '  }',
    '}',
    'total = rootOfSquares(total, scale);',
  ]).join('\n');
}

/** Splits a view of the reduced tensor into a view over the outputs and a view over the items of one output. */
function split(view: StridedView, axes: readonly number[]): { outer: StridedView; inner: StridedView } {
  const pick = (wanted: boolean): StridedView => {
    const kept = view.shape.map((_, axis) => axis).filter((axis) => axes.includes(axis) === wanted);
    return { shape: kept.map((axis) => view.shape[axis]), strides: kept.map((axis) => view.strides[axis]), offset: 0 };
  };
  return { outer: { ...pick(false), offset: view.offset }, inner: pick(true) };
}

/** Emits the `element` function: the value of item `item` of output `output`. It computes the prologue's nodes. */
function emitElement<Memory>(
  group: Group,
  context: EmitContext<Memory>,
  fields: UniformFields,
  bindings: Bindings<Memory>,
  inQuads: ReadonlySet<Tensor>,
): string {
  const anchor = group.reductions[0];
  const { lowering } = anchor.op;
  if (lowering.kind !== 'reduction') throw new Error(`${anchor.op.name} is no reduction`);
  const shape = anchor.inputs[0].shape;
  const axes = lowering.axes(anchor.attributes);
  const outer = new FlatIndexer(fields, 'output', 'o');
  const inner = new FlatIndexer(fields, 'item', 'r');
  const flat = new FlatIndexer(fields, 'index', 'p');
  const position = (view: StridedView, statements: string[]): string => {
    // A reshape in the prologue gives its views another shape. They are accessed by the flat position.
    if (!sameShape(view.shape, shape)) return flat.position(view, statements);
    const parts = split(view, axes);
    const terms = [outer.position(parts.outer, statements), inner.position(parts.inner, statements)].filter((term) => term !== '0u');
    return terms.join(' + ') || '0u';
  };
  const roles = [...inQuads].map((base) => [base, bindings.roleOf(base)] as const);
  const given = new Map(roles.map(([base, role]) => [base, `${role}Item`]));
  const body = new Body({ ...context, fields, roleOf: bindings.roleOf, position, index: 'index', element: ({ base }) => given.get(base) });
  for (const node of group.items) body.compute(node);
  const value = body.operand(anchor.inputs[0]);
  const type = valueType(anchor.inputs[0].dtype);
  const statements = [...body.statements];
  if (mentions(statements, 'index')) {
    // The element's row-major position in the reduced tensor, for views of other shapes and for counter-based random numbers.
    const place: string[] = [];
    const parts = split(contiguousView(shape), axes);
    const from = (view: StridedView, variable: string, prefix: string): string =>
      new FlatIndexer(fields, variable, prefix).position(view, place);
    place.push(`let index = ${from(parts.outer, 'output', 'po')} + ${from(parts.inner, 'item', 'pr')};`);
    statements.unshift(...place);
  }
  const lines = indent([...statements, `return ${value};`]).join('\n');
  const parameters = roles.map(([{ dtype }, role]) => `, ${role}Item: ${storageType(dtype)}`).join('');
  const element = lowering.ofSquares
    ? [
        `fn term(output: u32, item: u32${parameters}) -> ${type} {\n${lines}\n}`,
        `fn element(output: u32, item: u32${parameters}) -> ${type} {`,
        `  let x = term(output, item${roles.map(([, role]) => `, ${role}Item`).join('')});`,
        '  return x * x;',
        '}',
      ].join('\n')
    : `fn element(output: u32, item: u32${parameters}) -> ${type} {\n${lines}\n}`;
  if (inQuads.size === 0) return element;
  const loads = roles.map(([, role]) => `  let ${role}Quad = ${role}[(output * params.length + item) / 4u];`);
  const call = (lane: string, i: number): string =>
    `    element(output, item${i ? ` + ${i}u` : ''}${roles.map(([, role]) => `, ${role}Quad.${lane}`).join('')}),`;
  return [
    element,
    'fn quad(output: u32, item: u32) -> vec4<Accumulator> {',
    ...loads,
    '  return vec4<Accumulator>(',
    ...[...'xyzw'].map(call),
    '  );',
    '}',
  ].join('\n');
}

/** Returns the tensors whose items a kernel can load four at a time. They are read only at the item's own position, in words of 32 bits. */
function quadsOf<Memory>(group: Group, { sources, memoryOf }: EmitContext<Memory>): Set<Tensor> {
  const items = new Set([...group.items, ...group.reductions]);
  const inside = new Set(nodesOf(group));
  const written = new Set(group.outputs.map(memoryOf));
  const dense = new Set<Tensor>();
  const others = new Set<Memory>();
  for (const node of inside) {
    for (const input of node.inputs) {
      const source = sources.get(input);
      const { base } = source;
      if (!hasMemory(base) || (base.node && inside.has(base.node))) continue;
      if (items.has(node) && isFlat(source) && base.dtype !== 'f16' && !written.has(memoryOf(base))) dense.add(base);
      else others.add(memoryOf(base));
    }
  }
  return new Set([...dense].filter((base) => !others.has(memoryOf(base))));
}

export interface ReductionStage<Memory> extends Emitted<Memory> {
  readonly workgroups: number;
}

/** Emits the dispatches of a reduction group: one, or two if it is split into chunks. `partials` is the memory between the two. */
export function emitReduction<Memory>(
  group: Group,
  { outputs, passes }: ReductionPlan,
  context: EmitContext<Memory>,
  partials: Memory,
  title: string,
): ReductionStage<Memory>[] {
  return passes.map((pass, i) => {
    const isFirst = i === 0;
    const isLast = i === passes.length - 1;
    const stage = emitPass(
      group,
      pass,
      outputs,
      context,
      isFirst ? undefined : partials,
      isLast ? undefined : partials,
      isLast ? title : `${title}, partial results`,
    );
    const results = outputs * pass.chunks;
    return { ...stage, workgroups: pass.family === 'workgroup' ? results : Math.ceil(results / 64) };
  });
}

/**
 * Emits one dispatch. Its items come from the prologue or from partial results. Its results go to partial results or through the epilogue.
 */
function emitPass<Memory>(
  group: Group,
  pass: ReductionPass,
  outputs: number,
  context: EmitContext<Memory>,
  from: Memory | undefined,
  to: Memory | undefined,
  title: string,
): Emitted<Memory> {
  const { family: planned, length, chunk, chunks } = pass;
  const anchor = group.reductions[0];
  const { lowering } = anchor.op;
  const tracksIndex = lowering.kind === 'reduction' && lowering.tracksIndex === true;
  const ofSquares = lowering.kind === 'reduction' && lowering.ofSquares === true;
  const accumulator = valueType(anchor.inputs[0].dtype);
  const result = tracksIndex ? 'i32' : accumulator;
  const type = storageType(result);
  const partial = loaded(result, 'partials[item * params.outputs + output]');

  const fields = new UniformFields('fused', 'FusedParams');
  // Partial results of an arg-reduction are indices. Their values are read from the inputs again.
  const readsItems = !from || tracksIndex;
  const inQuads = readsItems && planned === 'quads' ? quadsOf(group, context) : new Set<Tensor>();
  const family = planned === 'quads' && inQuads.size === 0 ? 'serial' : planned;
  const bindings = new Bindings(context.memoryOf, from ? 2 : 1, new Set([...inQuads].map(context.memoryOf)));
  if (!to) declareOutputs(group, bindings);
  const element = readsItems
    ? emitElement(group, context, fields, bindings, inQuads)
    : `fn element(output: u32, item: u32) -> Accumulator { return ${ofSquares ? `${partial} * ${partial}` : partial}; }`;
  const store = to
    ? `fn store(index: u32, value: ${tracksIndex ? 'i32' : 'Accumulator'}) { partials[index] = ${stored(result, 'value')}; }`
    : emitStore(group, result, context, { fields, bindings });

  const own = (memory: Memory, access: 'read' | 'read_write'): Bound<Memory> => ({ role: 'partials', memory, access, type });
  const bound = [...(from ? [own(from, 'read')] : []), ...bindings.list, ...(to ? [own(to, 'read_write')] : [])];
  const declarations = bound.map((binding, i) => declareStorage(i + 1, binding, binding.type));
  const loads = [...inQuads].map((base) => `, ${bindings.roleOf(base)}[(output * params.length + item) / 4u][item % 4u]`);
  const { source, params } = fillKernel(kernels[tracksIndex ? 'places' : 'values'][family], {
    params: { outputs, length, chunk, chunks },
    ...(family === 'workgroup' && !tracksIndex && { constants: { lanes: lanesOf(pass) } }),
    blocks: {
      merge: mergeBlock(anchor, family),
      prologue: [...declarations, element].join('\n'),
      epilogue: store,
      ...(ofSquares && { finish: rootBlock(family, readsItems ? `term(output, item${loads.join('')})` : partial) }),
      ...(family === 'columns' && !tracksIndex && { items: fourAtOnce }),
      ...(from && tracksIndex && { candidates: `fn candidate(output: u32, item: u32) -> u32 { return u32(${partial}); }` }),
    },
  });
  return {
    wgsl: assemble(source, title, fields, bound.length),
    bindings: bound,
    params,
    fusedParams: fields.isEmpty ? undefined : fields.values,
  };
}
