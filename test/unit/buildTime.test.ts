// Properties that decide how long a driver builds kernels, checked without a clock: no short circuits (SwiftShader's time doubles with
// each), a bound on the library functions in one kernel, and few different kernels in a long chain. For seconds run `npm run
// bench:compile`.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Program, compileGraph } from '../../src/compiler/index.ts';
import { pullback } from '../../src/autodiff/index.ts';
import { isFloat } from '../../src/core/dtype.ts';
import { traceFunction } from '../../src/engine/traceFunction.ts';
import type { Target } from '../../src/graph/op.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { cos, exp, log1p, onesLike, pow, sin, sum, tan, zeros } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { variantsOf } from '../support/variants.ts';
import { gpuTarget, graphOf, softwareTarget, values } from '../support/graphs.ts';
import { sixfold, sixfoldRows } from '../support/sixfold.ts';
import { simulate } from '../support/simulate.ts';
import { tracedStep, trainingStepNames } from '../support/trainingSteps.ts';
import { opRows } from '../tables/index.ts';
import { inlinedSize } from '../../src/wgsl/index.ts';
import '../../src/ops/methods.ts';

const shaders: Record<string, string> = import.meta.glob('../../shaders/*.wgsl', { query: '?raw', import: 'default', eager: true });
const targets: readonly Target[] = [softwareTarget, gpuTarget];

/** Short circuits that guard a memory access, as `shader: line`, with the reason. None is needed today. */
const allowed: Readonly<Record<string, string>> = {};

/** Lines of code with a short circuit. */
const shortCircuits = (wgsl: string): string[] =>
  wgsl
    .split('\n')
    .map((line) => line.replace(/\/\/.*/, '').trim())
    .filter((line) => /&&|\|\|/.test(line));

/** Library operations in the text of a kernel, without those of the functions' own texts, which are counted where they are called. */
const librarySizeOf = (wgsl: string): number => inlinedSize(wgsl.slice(wgsl.indexOf('\n@compute')).replace(/\/\/[^\n]*/g, ''));

const textsOf = (program: Program): string[] =>
  program.dispatches.flatMap((dispatch) => [dispatch.wgsl, ...variantsOf(dispatch.alternatives).map(({ wgsl }) => wgsl)]);

describe('no short circuits', () => {
  test.each(Object.entries(shaders))('%s', (name, source) => {
    const found = shortCircuits(source).filter((line) => !(`${name.replace(/.*\//, '')}: ${line}` in allowed));
    expect(found).toEqual([]);
  });

  test('in what is emitted for every row of the tables, values and gradients', () => {
    expect(emitted().size).toBeGreaterThan(300);
    for (const text of emitted()) expect(shortCircuits(text), text).toEqual([]);
  });
});

test('every function that an emitted kernel calls is defined in it or belongs to WGSL', () => {
  expect(undefinedCalls('fn f(x: f32) -> f32 { return safeExp(x) + exp(g(x)); } // h(x)')).toEqual(['safeExp', 'g']);
  for (const text of emitted()) expect(undefinedCalls(text), text).toEqual([]);
});

let texts: Set<string> | undefined;

/** Texts of all kernels of the rows of the tables: values and gradients, on every target. */
function emitted(): ReadonlySet<string> {
  if (!texts) {
    texts = new Set();
    for (const row of opRows) {
      const fn = (...inputs: Tensor[]): unknown => {
        const output = row.call(...inputs);
        if (row.gradient === 'none' || !isFloat(output.dtype)) return output;
        const floats = inputs.filter((x) => isFloat(x.dtype));
        return [output, pullback([output], [onesLike(output)], floats)];
      };
      const { graph } = traceFunction(
        fn,
        row.inputs.map(({ shape, dtype }) => zeros(shape, dtype)),
        row.name,
        new Set(),
      );
      for (const target of targets) {
        const program = compileGraph(graph, { name: row.name, target: { ...target, shaderF16: false }, donations: [] });
        for (const text of textsOf(program)) texts.add(text);
      }
    }
  }
  return texts;
}

/** Functions and types of WGSL that the kernels use. */
const builtins = new Set(
  [
    'abs array bitcast bool ceil clamp countLeadingZeros dot exp f16 f32 floor fma i32 log max min quantizeToF16 round select',
    'mat4x4f sqrt storageBarrier trunc u32 vec2 vec2f vec2u vec4 vec4f vec4u workgroupBarrier',
  ].flatMap((line) => line.split(' ')),
);

function undefinedCalls(wgsl: string): string[] {
  const code = wgsl.replace(/\/\/[^\n]*/g, '').replace(/@\w+(\([^)]*\))?/g, '');
  const defined = new Set([...code.matchAll(/\b(?:fn|struct|alias) (\w+)/g)].map(([, name]) => name));
  const called = [...code.matchAll(/\b([A-Za-z_]\w*)(?:<[^;(){}]*>)?\(/g)].map(([, name]) => name);
  return [...new Set(called)].filter((name) => !defined.has(name) && !builtins.has(name));
}

/** More than the limit of a kernel: SwiftShader takes half a second for 4,000. A larger function has a separate kernel. */
const maxOperations = 4000;

describe('a kernel holds so much of the library, and no more', () => {
  test.each(sixfoldRows)('%s, six times', (name, row) => {
    const graph = graphOf(row.inputs, (...inputs) => [sixfold(row, inputs)]);
    for (const target of targets) {
      const program = compileGraph(graph, { name, target, donations: [] });
      for (const { wgsl } of program.dispatches) expect(librarySizeOf(wgsl), wgsl).toBeLessThanOrEqual(maxOperations);
    }
  });

  test('a chain of 100 tangents is cut, and gives the same bits', () => {
    const graph = graphOf([{ shape: [7] }], (x) => {
      let y = x;
      for (let i = 0; i < 100; i++) y = tan(y.mul(0.5));
      return [y];
    });
    const program = compileGraph(graph, { name: 'tangents', target: softwareTarget, donations: [] });
    const sizes = program.dispatches.map(({ wgsl }) => librarySizeOf(wgsl));
    expect(sizes.length).toBeGreaterThanOrEqual(3);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(maxOperations);
    expect(Math.max(...sizes)).toBeGreaterThan(maxOperations / 2);
    const x = values(7);
    const expected = interpret(graph.outputs, { feeds: new Map([[graph.inputs[0], x]]) });
    expect([...simulate(program, [x])[0]]).toEqual([...expected[0]]);
  });

  test('random fused functions', () => {
    const steps: readonly ((a: Tensor, b: Tensor) => Tensor)[] = [
      (a) => tan(a),
      (a) => sin(a),
      (a) => log1p(exp(a)),
      (a, b) => pow(a, b),
      (a, b) => a.mul(b),
      (a, b) => a.add(cos(b)),
    ];
    const recipe = fc.array(fc.tuple(fc.nat(steps.length - 1), fc.nat(3), fc.nat(3)), { minLength: 60, maxLength: 150, size: 'max' });
    let largest = 0;
    fc.assert(
      fc.property(recipe, fc.boolean(), (made, reduced) => {
        const graph = graphOf([{ shape: [5, 3] }, { shape: [5, 3] }], (x, y) => {
          const nodes = [x, y];
          for (const [step, a, b] of made)
            nodes.push(steps[step](nodes[Math.max(0, nodes.length - 1 - a)], nodes[Math.max(0, nodes.length - 1 - b)]));
          return [reduced ? sum(nodes.at(-1)!, { axis: 1 }) : nodes.at(-1)!];
        });
        for (const target of targets) {
          for (const { wgsl } of compileGraph(graph, { name: 'random', target, donations: [] }).dispatches) {
            largest = Math.max(largest, librarySizeOf(wgsl));
            expect(librarySizeOf(wgsl), wgsl).toBeLessThanOrEqual(maxOperations);
          }
        }
      }),
      { numRuns: 100, seed: 20261126 },
    );
    expect(largest).toBeGreaterThan(maxOperations / 2);
  });

  test.each(trainingStepNames)('training steps do not come near the bound: %s', (name) => {
    const { graph, donations } = tracedStep(name);
    for (const target of targets) {
      const sizes = compileGraph(graph, { name, target, donations }).dispatches.map(({ wgsl }) => librarySizeOf(wgsl));
      expect(Math.max(...sizes)).toBeLessThan(maxOperations / 4);
    }
  });
});

test('a chain of 5,000 nodes: kernels in proportion to its length, with two or three texts', () => {
  const { graph } = traceFunction(
    (x: Tensor) => {
      let y = x;
      for (let i = 0; i < 2500; i++) y = cos(y).add(0.01);
      return y;
    },
    [zeros([3])],
    'chain',
    new Set([0]),
  );
  for (const target of targets) {
    const program = compileGraph(graph, { name: 'chain', target, donations: [] });
    expect(program.dispatches.length).toBeLessThanOrEqual(150);
    expect(new Set(program.dispatches.map(({ wgsl }) => wgsl.replace(/\/\/[^\n]*/g, ''))).size).toBeLessThanOrEqual(3);
  }
});
