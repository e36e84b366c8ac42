// Compiles a graph to a Program. Each pass is a function in the file with its name.
import type { Graph } from '../graph/graph.ts';
import type { Target } from '../graph/op.ts';
import { assemble, outputMemories } from './assemble.ts';
import { expandStepwise } from './expand.ts';
import { fuse } from './fuse.ts';
import { lower } from './lower.ts';
import { type Pass, complete } from './pass.ts';
import { plan } from './plan.ts';
import type { Program } from './program.ts';
import { type Donation, schedule } from './schedule.ts';
import { simplifyStepwise } from './simplify.ts';
import { materialize } from './views.ts';

export interface CompilerOptions {
  readonly name: string;
  readonly target: Target;
  /** Outputs that may take the place of an input. */
  readonly donations?: readonly Donation[];
  readonly fusion?: boolean;
  /** Called with the graph after the first pass. */
  readonly onSimplified?: (graph: Graph) => void;
}

/** Compiles a graph whose leaves are placeholders and constants. Pure: no device is touched. */
export const compileGraph = (graph: Graph, options: CompilerOptions): Program => complete(compileStepwise(graph, options));

/** Like compileGraph(), with breaks: between the passes, and after each group or value or every 16 nodes within them. */
export function* compileStepwise(
  graph: Graph,
  { name, target, donations = [], fusion = true, onSimplified }: CompilerOptions,
): Pass<Program> {
  yield 'simplify';
  const simplified = yield* simplifyStepwise(yield* expandStepwise(graph, target));
  onSimplified?.(simplified);
  yield 'materialize';
  const materialized = yield* materialize(simplified);
  yield 'fuse';
  const fused = yield* fuse(materialized, target, fusion);
  yield 'schedule';
  const scheduled = yield* schedule(fused, donations);
  yield 'lower';
  const lowered = yield* lower(fused, scheduled, target);
  yield 'plan';
  const { maxBindingBytes, spareBytes = 0 } = target;
  const kept = outputMemories(materialized, fused, lowered);
  const memoryPlan = yield* plan(lowered, kept, { alignment: 256, maxBufferBytes: maxBindingBytes, spareBytes });
  yield 'assemble';
  const program = assemble({ name, graph, materialized, fused, scheduled, lowered, memoryPlan, spareBytes });
  yield; // The caller may break once more before it goes on.
  return program;
}
