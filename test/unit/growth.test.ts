// Twice the graph, about twice the work: counted, not timed. What is counted, from tracing to the finished program, are the look-ups in maps and sets
// and the elements that array methods and loops have before them.
import { describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/gradients.ts';
import { compileGraph } from '../../src/compiler/index.ts';
import { alias, sum, tanh, tensor, zeros } from '../../src/ops/index.ts';
import { softwareTarget } from '../support/graphs.ts';
import { longGraphNames, longGraphs } from '../support/longGraphs.ts';

type Prototype = Record<string | symbol, (...args: unknown[]) => unknown>;
interface Sized {
  readonly length?: number;
  readonly size?: number;
}

/** One step each, or one for each element. */
const counted: readonly { prototype: object; names: readonly (string | symbol)[]; cost: (self: Sized) => number }[] = [
  { prototype: Map.prototype, names: ['get', 'has', 'set', 'delete'], cost: () => 1 },
  { prototype: Set.prototype, names: ['has', 'add', 'delete'], cost: () => 1 },
  { prototype: Map.prototype, names: ['keys', 'values', Symbol.iterator], cost: ({ size }) => size! },
  { prototype: Set.prototype, names: ['values', 'forEach', Symbol.iterator], cost: ({ size }) => size! },
  {
    prototype: Array.prototype,
    names: ['indexOf', 'includes', 'find', 'findIndex', 'some', 'every', 'filter', 'map', 'flatMap', 'forEach', 'reduce', 'slice', 'sort'],
    cost: ({ length }) => length!,
  },
  { prototype: Array.prototype, names: [Symbol.iterator], cost: ({ length }) => length! },
];

function countedWork(run: () => void): number {
  let work = 0;
  const undo: (() => void)[] = [];
  for (const { prototype, names, cost } of counted) {
    for (const name of names) {
      const method = (prototype as Prototype)[name];
      const counting = function (this: Sized, ...args: unknown[]): unknown {
        work += cost(this);
        return Reflect.apply(method, this, args);
      };
      Object.defineProperty(prototype, name, { value: counting, configurable: true, writable: true });
      undo.push(() => Object.defineProperty(prototype, name, { value: method, configurable: true, writable: true }));
    }
  }
  try {
    run();
  } finally {
    for (const back of undo) back();
  }
  return work;
}

describe('tracing and compiling', () => {
  test.each(longGraphNames)('%s', (name) => {
    const workFor = (n: number): number =>
      countedWork(() => {
        const { graph, donations } = longGraphs[name](n);
        compileGraph(graph, { name, target: softwareTarget, donations });
      });
    // A kernel takes up to 160 nodes, and is looked at with each: a chain grows evenly from there on.
    const n = name === 'elementwise chain' ? 400 : 80;
    workFor(4); // what is made once
    const work = workFor(n);
    expect(workFor(2 * n) / work).toBeLessThan(2.25);
  });
});

test('gradients do not walk through what was there before the tensors they are taken of', () => {
  const before = tanh(zeros([4]));
  let visits = 0;
  const { inputs } = before.node!;
  Object.defineProperty(before.node!, 'inputs', { get: () => (visits++, inputs) });
  const x = alias(tanh(before));
  const loss = sum(tanh(x).mul(before));
  visits = 0;
  expect(gradients(loss, [x])).toHaveLength(1);
  expect(visits).toBe(0);
  // A leaf may be read anywhere.
  gradients(loss, [tensor([1, 2])]);
  expect(visits).toBeGreaterThan(0);
});
