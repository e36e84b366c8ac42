// Plans and texts of kernels for real GPUs that memory limits. Compilers can prove their loops finite.
import { expect, test } from 'vitest';
import { compileGraph } from '../../src/compiler/index.ts';
import { lanesOf, planReduction } from '../../src/compiler/planReduction.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import {
  add,
  avgPool2d,
  cast,
  concat,
  depthwiseConv2d,
  gather,
  layerNorm,
  maxPool2d,
  mul,
  pad,
  sin,
  softmax,
  square,
  sum,
  tanh,
  zeros,
} from '../../src/ops/index.ts';
import type { Program } from '../../src/compiler/program.ts';
import { attentionTile } from '../../src/ops/attention/plan.ts';
import { fitsTiles, workgroupBytes } from '../../src/ops/attention/tileParts.ts';
import { gpuTarget, graphOf, softwareTarget } from '../support/graphs.ts';

const compiled = (shape: readonly number[], fn: (x: Tensor) => Tensor, target = gpuTarget): Program =>
  compileGraph(
    graphOf([{ shape }], (x) => [fn(x)]),
    { name: 'plans', target },
  );

const reductionOf = (shape: readonly number[], axis: number, target = gpuTarget) =>
  planReduction(graphOf([{ shape }], (x) => [sum(x, { axis })]).outputs[0].node!, target);

test('large elementwise kernels take four elements an invocation, 256 invocations a workgroup', () => {
  const [{ wgsl, workgroups }, ...others] = compiled([1024, 1024], (x) => mul(tanh(x), x)).dispatches;
  expect(others).toEqual([]);
  expect(wgsl).toContain('@workgroup_size(256)');
  expect(wgsl).toMatch(/var<storage, read> in0: array<vec4<f32>>/);
  expect(workgroups).toEqual([1024, 1, 1]);
  expect(compiled([1024, 1024], (x) => mul(tanh(x), x), softwareTarget).dispatches[0].wgsl).not.toContain('vec4<f32>>');
  expect(compiled([64, 64], (x) => mul(tanh(x), x)).dispatches[0].workgroups).toEqual([64, 1, 1]);
});

test.each([
  [256, 64, 4],
  [1000, 64, 16],
  [1024, 256, 4],
  [4096, 256, 16],
  [16384, 256, undefined],
  [50257, 256, undefined],
])('softmax of 512 rows of %d is one kernel of %d lanes a row', (length, lanes, held) => {
  const [{ wgsl, workgroups }, ...others] = compiled([512, length], (x) => softmax(x)).dispatches;
  expect(others).toEqual([]);
  expect(workgroups).toEqual([512, 1, 1]);
  expect(wgsl).toContain(`const step = ${lanes}u;`);
  // The row is loaded once if registers hold it. Otherwise the result keeps the exponentials, so that it is loaded twice.
  expect(wgsl.match(/in0\[/g)).toHaveLength(held === undefined ? 2 : 1);
  if (held !== undefined) expect(wgsl).toContain(`array<f32, ${held}>`);
});

test('the totals of a row kernel fit in 16 KiB of workgroup memory', () => {
  for (const sums of [16, 17]) {
    const [{ wgsl }] = compiled([128, 1024], (x) => {
      const squares = Array.from({ length: sums }, (_, i) => square(sum(sin(mul(x, i + 1)), { axis: 1 })));
      return squares.reduce((a, b) => add(a, b));
    }).dispatches;
    const arrays = [...wgsl.matchAll(/var<workgroup> \w+: array<f32, (\d+)>/g)];
    expect(arrays).toHaveLength(sums);
    expect(arrays.reduce((bytes, [, lanes]) => bytes + 4 * Number(lanes), 0)).toBe(sums === 16 ? 16384 : 17 * 256);
  }
});

test('few long rows are reduced in chunks, by all cores', () => {
  expect(compiled([8, 50257], (x) => softmax(x)).dispatches.length).toBeGreaterThan(1);
});

test('sums load four items before they add them', () => {
  const along = reductionOf([16384, 4096], 1);
  expect(along.passes.map(({ family }) => family)).toEqual(['workgroup']);
  expect(lanesOf(along.passes[0])).toBe(256);
  expect(lanesOf(reductionOf([16384, 256], 1).passes[0])).toBe(64);
  const over = reductionOf([16384, 4096], 0);
  expect(over.passes.map(({ family, chunks }) => [family, chunks])).toEqual([
    ['columns', 32],
    ['columns', 1],
  ]);
  expect(reductionOf([16384, 4096], 0, softwareTarget).passes[0].family).toBe('serial');
  for (const axis of [0, 1]) {
    const [{ wgsl }] = compiled([16384, 4096], (x) => sum(x, { axis })).dispatches;
    expect(wgsl).toContain('runTotal = merge(merge(merge(merge(runTotal, a), b), c), d);');
  }
});

test('pooling takes four channels an invocation if there are many results', () => {
  const textOf = (shape: readonly number[], target = gpuTarget): string => compiled(shape, (x) => maxPool2d(x), target).dispatches[0].wgsl;
  expect(textOf([8, 64, 64, 32])).toContain('alias Element = vec4<f32>;');
  expect(textOf([1, 8, 8, 32])).toContain('alias Element = f32;');
  expect(textOf([8, 64, 64, 30])).toContain('alias Element = f32;');
});

type Lines = Readonly<Record<string, (x: Tensor, target?: typeof gpuTarget) => Tensor>>;
const byFour: Lines = {
  avgPool2d: (x) => avgPool2d(x),
  depthwiseConv2d: (x) => depthwiseConv2d(x, zeros([3, 3, x.shape[3], 1]), { padding: 'same' }),
  gather: (x) => gather(x, cast(sum(x, { axis: [1, 2, 3] }), 'i32')),
  concat: (x) => concat([x, mul(x, 2)], 3),
  pad: (x) => pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]), // prettier-ignore
};

test.each(Object.entries(byFour))('%s takes four neighbours an invocation if there are many results', (name, fn) => {
  const last = (shape: readonly number[], target = gpuTarget) => compiled(shape, fn, target).dispatches.at(-1)!;
  const isQuad = ({ wgsl }: { readonly wgsl: string }): boolean => wgsl.includes('alias Element = vec4<f32>;');
  expect(isQuad(last([8, 64, 64, 32]))).toBe(true);
  expect(isQuad(last([2, 8, 8, 32]))).toBe(false);
  expect(isQuad(last([8, 64, 63, 30]))).toBe(name === 'gather');
  expect(isQuad(last([8, 63, 63, 31]))).toBe(false);
  expect(isQuad(last([8, 64, 64, 32], softwareTarget))).toBe(false);
  const [groups, single] = [last([8, 64, 64, 32]), last([8, 63, 63, 31])].map(({ workgroups: [x, y] }) => x * y);
  expect(groups).toBeLessThan(0.3 * single);
});

test('pad takes four neighbours on a padded last axis only if the padding keeps them together', () => {
  const isQuad = (before: number, after: number): boolean =>
    compiled([1024, 256], (x) => pad(x, [[0, 0], [before, after]])).dispatches[0].wgsl.includes('alias Element = vec4<f32>;'); // prettier-ignore
  expect(isQuad(4, 8)).toBe(true);
  expect(isQuad(1, 3)).toBe(false);
  expect(isQuad(4, 3)).toBe(false);
});

/** Tint proves `for (var i = 0u; i < n; i++)` finite if n is a constant or a `let`. It adds a counter to other loops. */
test('loops over the items of a workgroup are proved finite', () => {
  const kernels = [
    compiled([512, 1000], (x) => softmax(x)),
    compiled([512, 20000], (x) => layerNorm(x)),
    compiled([16384, 4096], (x) => sum(x, { axis: 1 })),
  ].flatMap(({ dispatches }) => dispatches.map(({ wgsl }) => wgsl));
  for (const wgsl of kernels) {
    const loops = [...wgsl.matchAll(/for \(var (\w+) = [^;]+; \1 < ([\w.]+); ([^)]+)\)/g)].filter(([, name]) => name !== 'run');
    expect(loops.length).toBeGreaterThan(0);
    for (const [loop, name, , step] of loops) expect(step, loop).toBe(`${name}++`);
  }
});

test('the tile of attention uses at most 16 KiB of workgroup memory and 256 invocations', () => {
  expect(8 * attentionTile.height).toBeLessThanOrEqual(256);
  for (let quads = 1; quads <= 64; quads++) {
    if (fitsTiles(quads)) expect(workgroupBytes(attentionTile, quads), `depth ${4 * quads}`).toBeLessThanOrEqual(16384);
  }
});
