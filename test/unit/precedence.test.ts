// The topological order of the compiler passes. Every answer is compared with a search of the whole graph.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Precedence, type Vertex } from '../../src/compiler/precedence.ts';

/** Whether a path leads from one to the other, of any length or through a third vertex. */
function walks(from: Vertex, to: Vertex, directly: boolean): boolean {
  const seen = new Set<Vertex>();
  const stack = [...from.after].filter((next) => directly || next !== to);
  while (stack.length) {
    const vertex = stack.pop()!;
    if (vertex === to) return true;
    if (seen.has(vertex)) continue;
    seen.add(vertex);
    stack.push(...vertex.after);
  }
  return false;
}

function check(precedence: Precedence, vertices: readonly Vertex[]): void {
  for (const a of vertices) {
    for (const b of a.after) {
      expect(b.before.has(a)).toBe(true);
      expect(a.label).toBeLessThan(b.label);
    }
    for (const b of vertices) {
      if (a === b) continue;
      for (const directly of [true, false]) expect(precedence.leads(a, b, directly)).toBe(walks(a, b, directly));
    }
  }
  expect(new Set(vertices.map(({ label }) => label)).size).toBe(vertices.length);
}

const action = fc.tuple(fc.constantFrom('add', 'add', 'join', 'join', 'link', 'replace'), fc.nat(40), fc.nat(40), fc.nat(40));

test('vertices added, joined and linked in any way', () => {
  fc.assert(
    fc.property(fc.array(action, { minLength: 10, maxLength: 60 }), (actions) => {
      const precedence = new Precedence();
      let vertices: Vertex[] = [precedence.add([]), precedence.add([])];
      for (const [kind, i, j, k] of actions) {
        const [a, b, c] = [i, j, k].map((n) => vertices[n % vertices.length]);
        if (kind === 'add') vertices.push(precedence.add([a, b, c]));
        else if (a === b) continue;
        else if (kind === 'join' && !walks(a, b, false) && !walks(b, a, false)) {
          const stays = precedence.join(a, b);
          expect([a, b]).toContain(stays);
          vertices = vertices.filter((vertex) => vertex !== a && vertex !== b).concat(stays);
        } else if (kind === 'link' && !walks(b, a, true)) precedence.link(a, b);
        else if (kind === 'replace') {
          const last = precedence.add([a]);
          precedence.setNeeds(last, [b, c]);
          vertices.push(last);
          expect([...last.before]).toEqual([...new Set([b, c])]);
        }
      }
      check(precedence, vertices);
    }),
    { numRuns: 300, seed: 20261122 },
  );
});

describe('what answers cost', () => {
  /** A recurrence with its way back: step t of the way back needs step t of the way there. */
  function thereAndBack(n: number): { precedence: Precedence; there: Vertex[]; back: Vertex[] } {
    const precedence = new Precedence();
    const there: Vertex[] = [];
    for (let t = 0; t < n; t++) there.push(precedence.add(there.slice(-1)));
    const back: Vertex[] = [];
    for (let t = n - 1; t >= 0; t--) back.push(precedence.add([...back.slice(-1), there[t]]));
    return { precedence, there, back: back.reverse() };
  }

  test('of neighbours in a long graph does not grow with its length', () => {
    const stepsFor = (n: number): number => {
      const { precedence, there, back } = thereAndBack(n);
      const before = precedence.steps;
      for (let t = 0; t + 1 < n; t++) expect(precedence.leads(there[t], back[t], false)).toBe(true);
      for (let t = 1; t < n; t++) expect(precedence.leads(back[t], there[t], true)).toBe(false);
      return precedence.steps - before;
    };
    expect(stepsFor(800)).toBeLessThan(2.1 * stepsFor(400));
  });

  test('is found from the end with fewer neighbours', () => {
    const precedence = new Precedence();
    const [lone, start] = [precedence.add([]), precedence.add([])];
    const chain = [start];
    for (let i = 0; i < 1000; i++) chain.push(precedence.add(chain.slice(-1)));
    const end = precedence.add([lone, ...chain.slice(-1)]);
    const late = precedence.add([start]);
    expect([precedence.leads(lone, end, false), precedence.leads(start, late, false)]).toEqual([false, false]);
    expect(precedence.steps).toBeLessThan(10);
  });

  test('of joining a long chain into one, always at the same place, neither', () => {
    const stepsFor = (n: number): number => {
      const precedence = new Precedence();
      const chain: Vertex[] = [];
      for (let i = 0; i < n; i++) chain.push(precedence.add(chain.slice(-1)));
      const last = chain.pop()!;
      const joined = chain.reduceRight((into, vertex) => precedence.join(vertex, into), last);
      expect([joined.before.size, joined.after.size]).toEqual([0, 0]);
      return precedence.steps;
    };
    expect(stepsFor(800)).toBeLessThan(2.1 * Math.max(1, stepsFor(400)));
  });
});

test('all vertices get new labels if the precision runs out', () => {
  const precedence = new Precedence();
  const low = precedence.add([]);
  const vertices = [low, precedence.add([low])];
  // Each is linked before the previous one, which halves the distance of their labels.
  for (let i = 0; i < 200; i++) {
    const vertex = precedence.add([]);
    precedence.link(vertex, vertices[vertices.length - 1]);
    precedence.link(low, vertex);
    vertices.push(vertex);
  }
  for (let i = 2; i < vertices.length; i++) expect(vertices[i].label).toBeLessThan(vertices[i - 1].label);
  check(precedence, vertices.slice(0, 20));
});
