// Compilation in slices: its breaks, and turns of the event loop between them.
import { describe, expect, test } from 'vitest';
import { type PassName, compileGraph, compileStepwise } from '../../src/compiler/index.ts';
import { runInSlices } from '../../src/core/eventLoop.ts';
import { type Graph, topological } from '../../src/graph/graph.ts';
import { add, exp } from '../../src/ops/index.ts';
import { countedWork } from '../support/countedWork.ts';
import { graphOf, softwareTarget } from '../support/graphs.ts';
import { tracedStep } from '../support/trainingSteps.ts';

test('compilation reports the simplified graph, and simplifies once', () => {
  const graph = graphOf([{ shape: [4] }], (x) => [add(exp(x), exp(x))]);
  const reported: string[][] = [];
  const onSimplified = (simplified: Graph): void => void reported.push(topological(simplified.outputs).map(({ op }) => op.name));
  compileGraph(graph, { name: 'test', target: softwareTarget, onSimplified });
  expect(reported).toEqual([['placeholder', 'exp', 'add']]);
});

test('a large graph is compiled in many pieces, to the same program', () => {
  const { graph, donations } = tracedStep('gpt');
  const options = { name: 'step', target: softwareTarget, donations };
  const work = compileStepwise(graph, options);
  const pieces: number[] = [];
  const breaks = new Map<PassName, number>();
  let pass: PassName | undefined;
  const next = (): ReturnType<typeof work.next> => {
    const piece = countedWork(() => work.next());
    pieces.push(piece.work);
    if (!piece.result.done) {
      pass = piece.result.value ?? pass!;
      breaks.set(pass, (breaks.get(pass) ?? 0) + 1);
    }
    return piece.result;
  };
  let step = next();
  while (!step.done) step = next();
  const { dispatches, slots, outputs, arenas, peakBytes } = step.value;
  expect([...breaks.keys()]).toEqual(['simplify', 'materialize', 'fuse', 'schedule', 'lower', 'plan', 'assemble']);
  const nodes = topological(graph.outputs);
  const computing = nodes.filter(({ op }) => !['view', 'leaf'].includes(op.lowering.kind)).length;
  expect(computing).toBeGreaterThan(700);
  const least: Partial<Record<PassName, number>> = {
    simplify: nodes.length / 16,
    materialize: (0.6 * nodes.length) / 16, // the rest has fallen away
    fuse: 0.8 * computing + 2 * dispatches.length, // once a node, and its later parts once a group
    schedule: 2 * dispatches.length,
    lower: 0.9 * dispatches.length, // a few groups take two dispatches
    plan: dispatches.length,
  };
  for (const [name, count] of Object.entries(least)) expect(breaks.get(name as PassName), name).toBeGreaterThanOrEqual(count);
  // Work without a break is a small part of the whole.
  expect(Math.max(...pieces) / pieces.reduce((a, b) => a + b)).toBeLessThan(0.04);
  const whole = compileGraph(graph, options);
  expect({ slots, outputs, arenas, peakBytes }).toEqual({
    slots: whole.slots,
    outputs: whole.outputs,
    arenas: whole.arenas,
    peakBytes: whole.peakBytes,
  });
  expect(dispatches.map(({ wgsl }) => wgsl)).toEqual(whole.dispatches.map(({ wgsl }) => wgsl));
});

describe('work with breaks', () => {
  const busy = (milliseconds: number): void => {
    for (const begin = performance.now(); performance.now() - begin < milliseconds;);
  };

  test('lets the event loop turn, and gives its result', async () => {
    let turns = 0;
    const ticking = setInterval(() => turns++, 0);
    function* work(): Generator<undefined, string, undefined> {
      for (let i = 0; i < 20; i++) {
        busy(10);
        yield;
      }
      return 'done';
    }
    expect(await runInSlices(work())).toBe('done');
    clearInterval(ticking);
    // 200 ms of work in slices of 12 ms, each of which ends at the next break.
    expect(turns).toBeGreaterThanOrEqual(5);
  });

  test('passes its error on', async () => {
    // eslint-disable-next-line require-yield -- it fails before its first break
    function* work(): Generator<undefined, string, undefined> {
      throw new Error('halfway');
    }
    await expect(runInSlices(work())).rejects.toThrow('halfway');
  });
});
