// Reductions: a kernel family whose element function is the fused prologue and whose store is the fused epilogue.
import { type StridedView, contiguousView, sameShape, sizeOf } from '../../core/shape.ts';
import type { Dtype } from '../../core/dtype.ts';
import type { Target } from '../../graph/op.ts';
import type { Node } from '../../graph/tensor.ts';
import indexSource from '../../../shaders/reduce_index.wgsl?raw';
import serialSource from '../../../shaders/reduce_serial.wgsl?raw';
import workgroupSource from '../../../shaders/reduce_workgroup.wgsl?raw';
import type { Group } from '../groups.ts';
import { Body, FlatIndexer } from './body.ts';
import { Bindings, type EmitContext, type Emitted, assemble, declareOutputs, emitStore } from './kernel.ts';
import { fillBlock } from '../../ops/kernelSource.ts';
import { Fields, storageType, valueType } from './wgsl.ts';

/** How a reduction is cut up: chosen by shape and processor, never by the clock, so that the order of summation is fixed. */
export interface ReductionPlan {
  readonly family: 'serial' | 'workgroup' | 'index';
  readonly outputs: number;
  readonly length: number;
  readonly chunk: number;
  /** More than 1: a second dispatch reduces the partial results [chunks, outputs]. */
  readonly chunks: number;
}

export function planReduction(node: Node, target: Target): ReductionPlan {
  const { lowering } = node.op;
  if (lowering.kind !== 'reduction') throw new Error(`${node.op.name} is no reduction`);
  const shape = node.inputs[0].shape;
  const axes = lowering.axes(node.attributes);
  const length = axes.reduce((n, axis) => n * shape[axis], 1);
  const outputs = sizeOf(shape.filter((_, axis) => !axes.includes(axis)));
  const whole = { outputs, length, chunk: length, chunks: 1 };
  if (lowering.tracksIndex) return { family: 'index', ...whole };
  const alongRows = axes.includes(shape.length - 1);
  if (target.processor === 'gpu' && alongRows && length >= 64 && outputs >= 64) return { family: 'workgroup', ...whole };
  // Enough invocations to fill the machine, chunks long enough to be worth one; and no more chunks than items in each: the second pass adds them
  // one by one, so that its length counts for the time as for the rounding.
  const [wanted, shortest] = target.processor === 'gpu' ? [16384, 32] : [128, 2048];
  const most = Math.min(Math.ceil(wanted / Math.max(1, outputs)), Math.floor(length / shortest), Math.ceil(Math.sqrt(length)));
  const chunks = Math.max(1, most);
  const chunk = Math.ceil(length / chunks);
  return { family: 'serial', outputs, length, chunk, chunks: length === 0 ? 1 : Math.ceil(length / chunk) };
}

const sources = { serial: serialSource, workgroup: workgroupSource, index: indexSource };

function mergeBlock(node: Node): string {
  const { lowering } = node.op;
  if (lowering.kind !== 'reduction') throw new Error(`${node.op.name} is no reduction`);
  const dtype = node.inputs[0].dtype;
  const type = valueType(dtype);
  const alias = `alias Accumulator = ${type};`;
  const merge = lowering.merge('a', 'b');
  if (lowering.tracksIndex) return `${alias}\nfn beats(a: ${type}, b: ${type}) -> bool { return ${merge}; }`;
  return `${alias}\nfn identity() -> ${type} { return ${type}(${lowering.identity(dtype)}); }\nfn merge(a: ${type}, b: ${type}) -> ${type} { return ${merge}; }`;
}

/** Splits a view over the reduced tensor into the window of the outputs and the window of the items behind one output. */
function split(view: StridedView, axes: readonly number[]): { outer: StridedView; inner: StridedView } {
  const pick = (wanted: boolean): StridedView => {
    const kept = view.shape.map((_, axis) => axis).filter((axis) => axes.includes(axis) === wanted);
    return { shape: kept.map((axis) => view.shape[axis]), strides: kept.map((axis) => view.strides[axis]), offset: 0 };
  };
  return { outer: { ...pick(false), offset: view.offset }, inner: pick(true) };
}

/** The `element` function: the value of item `item` behind output `output`, the prologue's nodes computed on the way. */
function emitElement<Memory>(group: Group, context: EmitContext<Memory>, fields: Fields, bindings: Bindings<Memory>): string {
  const anchor = group.reductions[0];
  const { lowering } = anchor.op;
  if (lowering.kind !== 'reduction') throw new Error(`${anchor.op.name} is no reduction`);
  const shape = anchor.inputs[0].shape;
  const axes = lowering.axes(anchor.attributes);
  const outer = new FlatIndexer(fields, 'output', 'o');
  const inner = new FlatIndexer(fields, 'item', 'r');
  const flat = new FlatIndexer(fields, 'index', 'p');
  const position = (view: StridedView, statements: string[]): string => {
    // A prologue may compute in another shape of the same elements (a reshape between them): its views are walked by the flat place.
    if (!sameShape(view.shape, shape)) return flat.position(view, statements);
    const parts = split(view, axes);
    const terms = [outer.position(parts.outer, statements), inner.position(parts.inner, statements)].filter((term) => term !== '0u');
    return terms.join(' + ') || '0u';
  };
  const body = new Body({ ...context, fields, roleOf: bindings.roleOf, position, index: 'index' });
  for (const node of group.items) body.compute(node);
  const value = body.operand(anchor.inputs[0]);
  const type = valueType(anchor.inputs[0].dtype);
  const statements = [...body.statements];
  if (statements.some((line) => /\bindex\b/.test(line))) {
    // The element's row-major place in the reduced tensor: for views of other shapes and for counter-based random numbers.
    const place: string[] = [];
    const parts = split(contiguousView(shape), axes);
    const from = (view: StridedView, variable: string, prefix: string): string =>
      new FlatIndexer(fields, variable, prefix).position(view, place);
    place.push(`let index = ${from(parts.outer, 'output', 'po')} + ${from(parts.inner, 'item', 'pr')};`);
    statements.unshift(...place);
  }
  return `fn element(output: u32, item: u32) -> ${type} {\n${[...statements, `return ${value};`].map((line) => `  ${line}`).join('\n')}\n}`;
}

export interface ReductionStage<Memory> extends Emitted<Memory> {
  readonly invocations: number;
}

/** The dispatches of a reduction group: one, or two when it is cut into chunks; `partials` is then the memory between them. */
export function emitReduction<Memory>(
  group: Group,
  plan: ReductionPlan,
  context: EmitContext<Memory>,
  partials: Memory,
  title: string,
): ReductionStage<Memory>[] {
  const anchor = group.reductions[0];
  const source = fillBlock(sources[plan.family], 'merge', mergeBlock(anchor));
  const accumulator = valueType(anchor.inputs[0].dtype);
  const params = [plan.outputs, plan.length, ...(plan.family === 'serial' ? [plan.chunk, plan.chunks] : [])];
  const resultType = plan.family === 'index' ? 'i32' : accumulator;

  if (plan.chunks === 1) {
    const fields = new Fields('fused', 'FusedParams');
    const bindings = new Bindings(context.memoryOf);
    declareOutputs(group, bindings);
    const element = emitElement(group, context, fields, bindings);
    const store = emitStore(group, resultType, context, { fields, bindings });
    const text = fillBlock(fillBlock(source, 'prologue', `${bindings.declarations()}\n${element}`), 'epilogue', store);
    return [finish(text, title, fields, bindings, params, plan.outputs)];
  }

  const partialType = storageType(accumulator as Dtype | 'bool');
  const toStored = accumulator === 'bool' ? 'select(0u, 1u, value)' : 'value';
  const first = (): ReductionStage<Memory> => {
    const fields = new Fields('fused', 'FusedParams');
    const bindings = new Bindings(context.memoryOf);
    const element = emitElement(group, context, fields, bindings);
    const last = bindings.list.length + 1;
    const store = `@group(0) @binding(${last}) var<storage, read_write> partials: array<${partialType}>;\nfn store(index: u32, value: Accumulator) { partials[index] = ${toStored}; }`;
    const text = fillBlock(fillBlock(source, 'prologue', `${bindings.declarations()}\n${element}`), 'epilogue', store);
    return {
      wgsl: assemble(text, `${title}, partial results`, fields, last),
      bindings: [...bindings.list, { role: 'partials', memory: partials, access: 'read_write', type: partialType }],
      params,
      fusedParams: fields.isEmpty ? undefined : fields.values,
      invocations: plan.outputs * plan.chunks,
    };
  };
  const second = (): ReductionStage<Memory> => {
    const fields = new Fields('fused', 'FusedParams');
    const bindings = new Bindings(context.memoryOf, 2);
    declareOutputs(group, bindings);
    const read = `partials[item * params.outputs + output]${accumulator === 'bool' ? ' != 0u' : ''}`;
    const element = `@group(0) @binding(1) var<storage, read> partials: array<${partialType}>;\nfn element(output: u32, item: u32) -> Accumulator { return ${read}; }`;
    const store = emitStore(group, resultType, context, { fields, bindings });
    const text = fillBlock(fillBlock(source, 'prologue', element), 'epilogue', `${bindings.declarations()}\n${store}`);
    const done = finish(text, title, fields, bindings, [plan.outputs, plan.chunks, plan.chunks, 1], plan.outputs, 1);
    return { ...done, bindings: [{ role: 'partials', memory: partials, access: 'read', type: partialType }, ...done.bindings] };
  };
  return [first(), second()];
}

function finish<Memory>(
  text: string,
  title: string,
  fields: Fields,
  bindings: Bindings<Memory>,
  params: readonly number[],
  invocations: number,
  before = 0,
): ReductionStage<Memory> {
  return {
    wgsl: assemble(text, title, fields, before + bindings.list.length),
    bindings: bindings.list,
    params,
    fusedParams: fields.isEmpty ? undefined : fields.values,
    invocations,
  };
}
