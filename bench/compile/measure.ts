// The measurements: one graph is compiled once, in a process or a page that has compiled nothing before.
import { compileStepwise, type PassName } from '../../src/compiler/index.ts';
import { topological } from '../../src/graph/graph.ts';
import type { Target } from '../../src/graph/op.ts';
import { type LongGraph, longGraphNames, longGraphs } from '../../test/support/longGraphs.ts';

/** Targets as adapters of GPUs report them. */
const target: Target = {
  processor: 'gpu',
  subgroupSize: 32,
  shaderF16: true,
  maxStorageBuffers: 10,
  maxWorkgroupsPerDimension: 65535,
  maxBindingBytes: 2 ** 27,
};

export interface Compiled {
  readonly nodes: number;
  readonly dispatches: number;
  /** Milliseconds by the clock: tracing, each pass, and the total. */
  readonly milliseconds: Readonly<Record<'trace' | PassName | 'total', number>>;
}

/** Nodes of each graph with its pattern 8 and 16 times. The number of nodes grows linearly. */
export const growth = (): { name: LongGraph; of8: number; of16: number }[] =>
  longGraphNames.map((name) => {
    const [of8, of16] = [8, 16].map((n) => topological(longGraphs[name](n).graph.outputs).length);
    return { name, of8, of16 };
  });

/** A loop that takes about 100 ms on an idle machine. Its time shows the load. */
export function busyLoop(): number {
  const begin = performance.now();
  let x = 1;
  for (let i = 0; i < 6e7; i++) x = (Math.imul(x, 1664525) + 1013904223) | 0;
  return x === 0 ? NaN : performance.now() - begin;
}

export function measure(name: LongGraph, n: number): Compiled {
  const milliseconds: Record<string, number> = {};
  const begin = performance.now();
  let last: 'trace' | PassName = 'trace';
  let since = begin;
  const end = (next?: PassName): void => {
    const now = performance.now();
    milliseconds[last] = now - since;
    [last, since] = [next ?? last, now];
  };
  const { graph, donations } = longGraphs[name](n);
  const work = compileStepwise(graph, { name: 'bench', target, donations });
  let step = work.next();
  for (; !step.done; step = work.next()) if (step.value) end(step.value);
  end();
  milliseconds.total = performance.now() - begin;
  return {
    nodes: topological(graph.outputs).length,
    dispatches: step.value.dispatches.length,
    milliseconds: milliseconds as Compiled['milliseconds'],
  };
}
