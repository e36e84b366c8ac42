// The memory plan against what no plan can go below: the most bytes of intermediates that live at the same time.
import { describe, expect, test } from 'vitest';
import { type Program, compileGraph, printProgram } from '../../src/compiler/index.ts';
import { gpuTarget, softwareTarget } from '../support/graphs.ts';
import { trainingStepNames, tracedStep } from '../support/trainingSteps.ts';

const align = (bytes: number): number => Math.ceil(bytes / 256) * 256;

/** Read off the finished program: each scratch slot lives from the first dispatch that binds it to the last, results to the end. */
function livenessBound({ slots, dispatches, outputs }: Program): number {
  const lives = slots.map(() => ({ first: Infinity, last: -1 }));
  dispatches.forEach(({ bindings }, i) => {
    for (const { slot } of bindings) {
      lives[slot].first = Math.min(lives[slot].first, i);
      lives[slot].last = i;
    }
  });
  for (const { slot } of outputs) if (slot >= 0) lives[slot].last = dispatches.length;
  const alive = dispatches.map((_, i) =>
    slots.reduce((sum, slot, s) => sum + (slot.kind === 'scratch' && lives[s].first <= i && i <= lives[s].last ? align(slot.bytes) : 0), 0),
  );
  return Math.max(0, ...alive);
}

describe.each([
  ['software', softwareTarget],
  ['GPU', gpuTarget],
])('scratch of a training step on a %s adapter', (_, target) => {
  test.each(trainingStepNames)('%s: within 1.15x of what lives at the same time, in few arenas', (name) => {
    const { graph, donations } = tracedStep(name);
    const program = compileGraph(graph, { name, target, donations });
    const bound = livenessBound(program);
    const scratch = program.arenas.reduce((a, b) => a + b, 0);
    expect(scratch, printProgram(program).split('\n')[0]).toBeGreaterThanOrEqual(bound);
    expect(scratch / bound).toBeLessThanOrEqual(1.15);
    // All programs of a device share the arenas: many of different sizes would add up.
    expect(program.arenas.length).toBeLessThanOrEqual(6);
  });
});
