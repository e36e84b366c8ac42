// The compiler: from a graph to a Program. This page is its table of contents; each pass is a function of its own file.
import { sizeOf } from '../core/shape.ts';
import { bytesPerElement } from '../core/dtype.ts';
import type { Graph } from '../graph/graph.ts';
import { isScalarInput } from '../graph/leaves.ts';
import type { Target } from '../graph/op.ts';
import type { Tensor } from '../graph/tensor.ts';
import { fuse } from './fuse.ts';
import { type LoweredLaunch, type Memory, lower } from './lower.ts';
import { type Pass, complete } from './pass.ts';
import { plan } from './plan.ts';
import type { Launch, Program, ProgramOutput, Slot } from './program.ts';
import { type Donation, schedule } from './schedule.ts';
import { simplifyStepwise } from './simplify.ts';
import { materialize } from './views.ts';

export interface CompilerOptions {
  readonly name: string;
  readonly target: Target;
  /** Outputs that may take the place of an input. */
  readonly donations?: readonly Donation[];
  readonly fusion?: boolean;
}

/** Compiles a graph whose leaves are placeholders and constants. Pure: no device is touched. */
export const compileGraph = (graph: Graph, options: CompilerOptions): Program => complete(compileStepwise(graph, options));

/** The same with breaks: between the passes, and behind every node, group or value within them. */
export function* compileStepwise(graph: Graph, { name, target, donations = [], fusion = true }: CompilerOptions): Pass<Program> {
  yield 'simplify';
  const simplified = yield* simplifyStepwise(graph);
  yield 'materialize';
  const materialized = yield* materialize(simplified);
  yield 'fuse';
  const fused = yield* fuse(materialized, target, fusion);
  yield 'schedule';
  const scheduled = yield* schedule(fused, donations);
  yield 'lower';
  const lowered = yield* lower(fused, scheduled, target);
  yield 'plan';

  // Slots: inputs, then the scalars, then scratch.
  const slots: Slot[] = [];
  const slotOf = new Map<Memory | 'scalars', number>();
  const outputBases = materialized.outputs.map((output) => fused.sources.get(output));
  const outputMemories = outputBases.map(({ base }) => lowered.memoryOf(base));
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
  const { maxBindingBytes, spareBytes = 0 } = target;
  const memoryPlan = yield* plan(lowered, outputMemories, { alignment: 256, maxBufferBytes: maxBindingBytes, spareBytes });
  yield 'finish';
  for (const [memory, { arena, offset }] of memoryPlan.places) {
    slotOf.set(memory, slots.length);
    slots.push({ kind: 'scratch', arena, offset, bytes: memory.bytes, type: memory.type, ...(spareBytes > 0 && { spareBytes }) });
  }

  const honoured = new Map(scheduled.donations.map(({ output, input }) => [output, input]));
  const outputs = materialized.outputs.map((output, i): ProgramOutput => {
    const { view } = outputBases[i];
    const inPlaceOf = honoured.get(i);
    return {
      type: { shape: output.shape, dtype: output.dtype },
      // A result without elements is never written: any slot will do.
      slot: slotOf.get(outputMemories[i]) ?? -1,
      offset: view.offset,
      ...(inPlaceOf === undefined ? {} : { inPlaceOf }),
    };
  });
  const slotOfTensor = (tensor: Tensor): number => slotOf.get(isScalarInput(tensor) ? 'scalars' : lowered.memoryOf(tensor)) ?? -1;
  const placed = (launch: LoweredLaunch): Launch => ({
    ...launch,
    bindings: launch.bindings.map(({ role, memory, access }) => ({ role, access, slot: slotOf.get(memory)! })),
  });
  const dispatches = lowered.dispatches.map(({ scope, ops, alternatives, meaning, ...launch }) => ({
    ...placed(launch),
    scope,
    ops,
    ...(alternatives && { alternatives: { ...alternatives, variant: (n: number) => placed(alternatives.variant(n)) } }),
    ...(meaning && {
      meaning: {
        inputs: meaning.inputs.map((tensor) => ({ tensor, slot: slotOfTensor(tensor) })),
        outputs: meaning.outputs.map((tensor) => ({ tensor, slot: slotOfTensor(tensor) })),
      },
    }),
  }));
  const outer = slots.reduce((sum, slot) => sum + (slot.kind === 'scratch' ? 0 : slot.bytes), 0);
  const results = outputs.reduce(
    (sum, { type, inPlaceOf }) => sum + (inPlaceOf === undefined ? sizeOf(type.shape) * bytesPerElement(type.dtype) : 0),
    0,
  );
  const peakBytes = outer + results + memoryPlan.arenas.reduce((a, b) => a + b, 0);
  yield; // what takes the program goes on without a break
  const scalars = [...lowered.scalarWords.keys()].map((position) => ({ position, dtype: graph.inputs[position].dtype }));
  return { name, slots, dispatches, outputs, arenas: memoryPlan.arenas, scalars, peakBytes };
}
