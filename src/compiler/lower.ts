// Pass 5: dispatches. Each group becomes WGSL with its parameters and bindings. The lowering in an op's definition decides how; this file
// names no op.
import { storedBytes } from '../core/dtype.ts';
import { formatShape } from '../core/shape.ts';
import type { KernelPlan, KernelVariant, Operand, Target, TensorType } from '../graph/op.ts';
import { isScalarInput } from '../graph/leaves.ts';
import type { Node, Tensor } from '../graph/tensor.ts';
import { gridOf } from '../graph/workgroups.ts';
import { findBindings, titled, valueType, withGridPart } from '../wgsl/index.ts';
import { emitEpilogue } from './emit/epilogue.ts';
import { emitElementwise } from './emit/elementwise.ts';
import type { Bound, EmitContext, Emitted } from './emit/kernel.ts';
import { emitReduction } from './emit/reduction.ts';
import { emitRows } from './emit/rows.ts';
import { type GroupPlan, planGroup } from './planGroup.ts';
import type { FusedGraph } from './fuse.ts';
import { kernelPlans } from './kernelPlans.ts';
import { type Group, nodesOf, readsOf } from './groups.ts';
import { arithmeticOf, movingBytes } from './operations.ts';
import type { Pass } from './pass.ts';
import type { AlternativeLaunches, Launch } from './program.ts';
import type { Schedule } from './schedule.ts';

/** Memory before the plan gives it an address. */
export interface Memory {
  readonly type: TensorType;
  readonly bytes: number;
  /** Position of the graph input that owns the memory. */
  readonly input?: number;
}

/** A launch that binds memory instead of slots. */
export type LoweredLaunch = Omit<Launch, 'bindings'> & {
  readonly bindings: readonly { role: string; memory: Memory | 'scalars'; access: 'read' | 'read_write' }[];
};

export interface LoweredDispatch extends LoweredLaunch {
  readonly scope: string;
  readonly ops: readonly string[];
  readonly operations: number;
  readonly alternatives?: AlternativeLaunches<LoweredLaunch>;
  readonly meaning?: { inputs: readonly Tensor[]; outputs: readonly Tensor[] };
}

export interface Lowered {
  readonly dispatches: readonly LoweredDispatch[];
  readonly memoryOf: (base: Tensor) => Memory;
  readonly scalarWords: ReadonlyMap<number, number>;
}

interface LowerContext extends EmitContext<Memory> {
  readonly planOf: (anchor: Node) => KernelPlan;
}

/** At least 16 bytes, also for a tensor without elements: kernels may read it as vectors. */
const bytesOf = (type: TensorType): number => Math.max(16, storedBytes(type));

export function* lower(fused: FusedGraph, plan: Schedule, target: Target): Pass<Lowered> {
  const { graph, sources } = fused;
  const memories = new Map<Tensor, Memory>();
  const positions = new Map(graph.inputs.map((input, position) => [input, position]));
  const memoryOf = (base: Tensor): Memory => {
    const known = memories.get(base);
    if (known) return known;
    if (!base.node) throw new Error('compile: the graph has a leaf that is no placeholder; capture it as an input first');
    const replaced = plan.inPlace.get(base);
    const input = positions.get(base);
    const memory: Memory = replaced
      ? memoryOf(replaced)
      : { type: { shape: base.shape, dtype: base.dtype }, bytes: bytesOf(base), ...(input === undefined ? {} : { input }) };
    memories.set(base, memory);
    return memory;
  };
  const scalarWords = new Map<number, number>();
  graph.inputs.forEach((input, position) => isScalarInput(input) && scalarWords.set(position, scalarWords.size));
  const context: Omit<LowerContext, 'inside'> = {
    sources,
    planOf: kernelPlans(sources, target),
    memoryOf,
    scalarWord: (base) => scalarWords.get(positions.get(base)!)!,
  };
  const dispatches: LoweredDispatch[] = [];
  for (const group of plan.groups) {
    yield;
    dispatches.push(...lowerGroup(group, fused, context, target));
  }
  return { dispatches, memoryOf, scalarWords };
}

function lowerGroup(group: Group, fused: FusedGraph, shared: Omit<LowerContext, 'inside'>, target: Target): LoweredDispatch[] {
  if (group.size === 0) return [];
  const nodes = nodesOf(group);
  const context: LowerContext = { ...shared, inside: new Set(nodes) };
  const scope = (group.anchor ?? group.reductions[0] ?? group.members[0]).scope;
  const ops = nodes.map((node) => node.op.name);
  const label = `${scope ? `${scope}: ` : ''}${summarise(ops)}`;
  const title = `${label}  ${group.outputs.map((t) => t.dtype + formatShape(t.shape)).join(', ')}`;
  const meaning = { inputs: [...readsOf(nodes, fused.sources)], outputs: group.outputs };
  const launch = ({ suffix, bindings, fusedParams, ...stage }: Stage, isDivisible: boolean): LoweredLaunch => {
    const uniforms = fusedParams ? 2 : 1;
    return {
      label: suffix ? `${label} (${suffix})` : label,
      wgsl: isDivisible ? withGridPart(label, stage.wgsl, bindings.length + uniforms) : stage.wgsl,
      bindings,
      params: stage.params,
      fusedParams,
      workgroups: stage.workgroups,
      ...(isDivisible && { isDivisible }),
    };
  };
  const arithmetic = arithmeticOf(nodes);
  return emitGroup(group, context, target, title).map((stage, i, { length }): LoweredDispatch => {
    const { alternatives, bindings } = stage;
    const bytes = bindings.reduce((sum, { memory }) => sum + (memory === 'scalars' ? 0 : memory.bytes), 0);
    const operations = (stage.operations ?? 0) + movingBytes(bytes) + arithmetic;
    const isDivisible = operations >= (target.divisibleFrom ?? Infinity) && stage.workgroups[2] === 1;
    return {
      ...launch(stage, isDivisible),
      scope,
      ops,
      operations,
      ...(alternatives && { alternatives: { ...alternatives, variant: (n) => launch(alternatives.variant(n), isDivisible) } }),
      ...(i === length - 1 ? { meaning } : {}),
    };
  });
}

interface Stage extends Omit<Emitted<Memory>, 'bindings'> {
  readonly bindings: readonly Pick<Bound<Memory>, 'role' | 'memory' | 'access'>[];
  readonly workgroups: readonly [number, number, number];
  readonly suffix?: string;
  /** Operations of the kernel's own work. */
  readonly operations?: number;
  readonly alternatives?: AlternativeLaunches<Stage>;
}

function emitGroup(group: Group, context: LowerContext, target: Target, title: string): Stage[] {
  const plan = planGroup(group, target, context.sources);
  switch (plan.kind) {
    case 'kernel':
      return emitKernel(group, plan.anchor, context, title);
    case 'elementwise': {
      const kernel = emitElementwise(group, context, title, target);
      return [{ ...kernel, workgroups: gridOf(kernel.workgroups, target) }];
    }
    case 'rows': {
      const { family, domain } = plan.rows;
      const workgroups = gridOf(family === 'workgroup' ? domain.outputs : Math.ceil(domain.outputs / 64), target);
      return [{ ...emitRows(group, plan.rows, context, title), workgroups }];
    }
    case 'reduction':
      return emitPasses(group, plan, context, target, title);
  }
}

/** Emits the dispatches of a single reduction. */
function emitPasses(
  group: Group,
  { made, reduction }: Extract<GroupPlan, { kind: 'reduction' }>,
  context: LowerContext,
  target: Target,
  title: string,
): Stage[] {
  const partialType: TensorType = { shape: [reduction.passes[0].chunks, reduction.outputs], dtype: partialDtype(made) };
  const stages = emitReduction(group, reduction, context, { type: partialType, bytes: bytesOf(partialType) }, title);
  return stages.map((stage, i) => ({
    ...stage,
    workgroups: gridOf(stage.workgroups, target),
    suffix: stages.length > 1 ? `${i + 1} of ${stages.length}` : undefined,
  }));
}

/** Partial results of f16 sums are f32. Those of an arg-reduction are indices. */
const partialDtype = (reduction: Node): TensorType['dtype'] => {
  const { lowering } = reduction.op;
  if (lowering.kind === 'reduction' && lowering.tracksIndex) return 'i32';
  const { dtype } = reduction.inputs[0];
  return valueType(dtype) === 'f32' ? 'f32' : dtype;
};

function emitKernel(group: Group, anchor: Node, context: LowerContext, title: string): Stage[] {
  const operands = anchor.inputs.map((input) => context.sources.get(input));
  const plan = context.planOf(anchor);
  const temporaries = plan.temporaries.map((type): Memory => ({ type, bytes: bytesOf(type) }));
  const unread = anchor.types.map((type): Memory => ({ type, bytes: bytesOf(type) }));
  const memory = (operand: Operand): Memory => {
    if (operand.kind === 'input') return context.memoryOf(operands[operand.index].base);
    if (operand.kind === 'temporary') return temporaries[operand.index];
    const wanted = group.outputs.find((output) => output.node === anchor && output.index === operand.index);
    return wanted ? context.memoryOf(wanted) : unread[operand.index];
  };
  return plan.dispatches.map(({ operands: bound, operations, alternatives, ...dispatch }, i): Stage => {
    const isLast = i === plan.dispatches.length - 1;
    const stage = ({ name, source, params, workgroups }: KernelVariant): Stage => {
      const declared = findBindings(source);
      const bindings = bound.map((operand, j) => {
        const binding = declared.find(({ number }) => number === j + 1);
        if (!binding) throw new Error(`${name}: its kernel declares no storage buffer at binding ${j + 1}`);
        return { role: binding.role, access: binding.access, memory: memory(operand) };
      });
      const launch = { params, workgroups, suffix: name };
      if (!isLast || group.members.length === 0) return { ...launch, wgsl: titled(title, source), bindings };
      // The family's result binding comes last. The bindings of the fused code replace it.
      const own = bindings.slice(0, -1);
      const emitted = emitEpilogue(source, group, context, own.length, title);
      return { ...launch, wgsl: emitted.wgsl, bindings: [...own, ...emitted.bindings], fusedParams: emitted.fusedParams };
    };
    const others = alternatives && { ...alternatives, variant: (n: number) => stage(alternatives.variant(n)) };
    return { ...stage(dispatch), operations, ...(others && { alternatives: others }) };
  });
}

/** Names the ops of a group: `matmul + 2 add + relu`. A repeated op is named once, with its count. */
function summarise(ops: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const op of ops) counts.set(op, (counts.get(op) ?? 0) + 1);
  const words = [...counts].map(([op, n]) => (n > 1 ? `${n} ${op}` : op));
  return words.length > 8 ? `${words.slice(0, 7).join(' + ')} + ${words.length - 7} more` : words.join(' + ');
}
