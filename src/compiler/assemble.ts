// Pass 7: makes a Program of the results of the earlier passes. Buffers become slots, in the order inputs, scalars, scratch.
import { bytesPerElement } from '../core/dtype.ts';
import { sizeOf } from '../core/shape.ts';
import type { Graph } from '../graph/graph.ts';
import { isScalarInput } from '../graph/leaves.ts';
import type { Tensor } from '../graph/tensor.ts';
import type { FusedGraph } from './fuse.ts';
import type { Lowered, LoweredLaunch, Memory } from './lower.ts';
import type { MemoryPlan } from './plan.ts';
import type { Launch, Program, ProgramOutput, Slot } from './program.ts';
import type { Schedule } from './schedule.ts';

/** Results of the passes. */
export interface Passes {
  readonly name: string;
  /** The graph that was compiled. */
  readonly graph: Graph;
  readonly materialized: Graph;
  readonly fused: FusedGraph;
  readonly scheduled: Schedule;
  readonly lowered: Lowered;
  readonly memoryPlan: MemoryPlan;
  /** Bytes that stay free after each intermediate. */
  readonly spareBytes: number;
}

/** Memory of each output of a graph. */
export const outputMemories = (materialized: Graph, { sources }: FusedGraph, lowered: Lowered): Memory[] =>
  materialized.outputs.map((output) => lowered.memoryOf(sources.get(output).base));

export function assemble({ name, graph, materialized, fused, scheduled, lowered, memoryPlan, spareBytes }: Passes): Program {
  const slots: Slot[] = [];
  const slotOf = new Map<Memory | 'scalars', number>();
  const outputs = materialized.outputs.map((output) => fused.sources.get(output));
  materialized.inputs.forEach((input, position) => {
    if (lowered.scalarWords.has(position)) return;
    const memory = lowered.memoryOf(input);
    slotOf.set(memory, slots.length);
    const { label } = input.node!.attributes as { label: string };
    slots.push({ kind: 'input', position, bytes: memory.bytes, type: memory.type, label });
  });
  if (lowered.scalarWords.size) {
    slotOf.set('scalars', slots.length);
    slots.push({ kind: 'scalars', bytes: lowered.scalarWords.size * 4 });
  }
  for (const [memory, { arena, offset }] of memoryPlan.places) {
    slotOf.set(memory, slots.length);
    slots.push({ kind: 'scratch', arena, offset, bytes: memory.bytes, type: memory.type, ...(spareBytes > 0 && { spareBytes }) });
  }

  const honoured = new Map(scheduled.donations.map(({ output, input }) => [output, input]));
  const results = materialized.outputs.map((output, i): ProgramOutput => {
    const { base, view } = outputs[i];
    const inPlaceOf = honoured.get(i);
    return {
      type: { shape: output.shape, dtype: output.dtype },
      // A result without elements is never written, so it needs no slot.
      slot: slotOf.get(lowered.memoryOf(base)) ?? -1,
      offset: view.offset,
      ...(inPlaceOf === undefined ? {} : { inPlaceOf }),
    };
  });
  const slotOfTensor = (tensor: Tensor): number => slotOf.get(isScalarInput(tensor) ? 'scalars' : lowered.memoryOf(tensor)) ?? -1;
  const placed = (launch: LoweredLaunch): Launch => ({
    ...launch,
    bindings: launch.bindings.map(({ role, memory, access }) => ({ role, access, slot: slotOf.get(memory)! })),
  });
  const dispatches = lowered.dispatches.map(({ scope, ops, operations, alternatives, meaning, ...launch }) => ({
    ...placed(launch),
    scope,
    ops,
    operations,
    ...(alternatives && { alternatives: { ...alternatives, variant: (n: number) => placed(alternatives.variant(n)) } }),
    ...(meaning && {
      meaning: {
        inputs: meaning.inputs.map((tensor) => ({ tensor, slot: slotOfTensor(tensor) })),
        outputs: meaning.outputs.map((tensor) => ({ tensor, slot: slotOfTensor(tensor) })),
      },
    }),
  }));
  const outer = slots.reduce((sum, slot) => sum + (slot.kind === 'scratch' ? 0 : slot.bytes), 0);
  const resultBytes = results.reduce(
    (sum, { type, inPlaceOf }) => sum + (inPlaceOf === undefined ? sizeOf(type.shape) * bytesPerElement(type.dtype) : 0),
    0,
  );
  const peakBytes = outer + resultBytes + memoryPlan.arenas.reduce((a, b) => a + b, 0);
  const scalars = [...lowered.scalarWords.keys()].map((position) => ({ position, dtype: graph.inputs[position].dtype }));
  return { name, slots, dispatches, outputs: results, arenas: memoryPlan.arenas, scalars, peakBytes };
}
