// Which kernel a shape gets, and what its text looks like: no GPU needed. The snapshots are WGSL files, to be read like any other kernel.
import { describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { type Shape, contiguousView, stridesOf } from '../../src/core/shape.ts';
import { topological } from '../../src/graph/graph.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import type { KernelPlan, Target } from '../../src/graph/op.ts';
import type { Node, Tensor } from '../../src/graph/tensor.ts';
import { avgPool2d, conv2d, conv3d, depthwiseConv2d, gather, matmul, maxPool2d, scatterAdd, sum } from '../../src/ops/index.ts';
import { gridOf, runOf } from '../../src/graph/workgroups.ts';
import { acceptsMatrixView, planMatmul } from '../../src/ops/matmul/plan.ts';
import { splitsOf } from '../../src/ops/matmul/splits.ts';
import { candidateTiles, extentOf } from '../../src/ops/matmul/tiles.ts';
import { variantsOf } from '../support/variants.ts';

const limits = { shaderF16: true, maxStorageBuffers: 8, maxWorkgroupsPerDimension: 65535, maxBindingBytes: 2 ** 27 };
const cpu: Target = { processor: 'cpu', subgroupSize: 4, ...limits };
const gpu: Target = { processor: 'gpu', subgroupSize: 32, ...limits };
const input = (shape: Shape, position = 0): Tensor => placeholder(shape, 'f32', { position });

const planOf = ({ node }: Tensor, target: Target): KernelPlan => planNode(node!, target);

function planNode(node: Node, target: Target): KernelPlan {
  if (node.op.lowering.kind !== 'kernel') throw new Error('not a kernel');
  return node.op.lowering.plan({
    inputs: node.inputs,
    views: node.inputs.map(({ shape }) => contiguousView(shape)),
    outputs: node.types,
    attributes: node.attributes,
    target,
  });
}

/** The plan of a product whose operands are stored transposed. */
function planTransposed(m: number, k: number, n: number, which: { a?: boolean; b?: boolean }, target: Target): KernelPlan {
  const view = (rows: number, columns: number, transposed = false) =>
    transposed ? { shape: [rows, columns], strides: [1, rows], offset: 0 } : contiguousView([rows, columns]);
  const types = [
    [m, k],
    [k, n],
    [m, n],
  ].map((shape) => ({ shape, dtype: 'f32' as const }));
  return planMatmul({
    inputs: types.slice(0, 2),
    views: [view(m, k, which.a), view(k, n, which.b)],
    outputs: types.slice(2),
    attributes: {},
    target,
  });
}

/** The values of `Params` by the names that the source gives them. */
function paramsOf({ source, params }: KernelPlan['dispatches'][number]): Record<string, number> {
  const fields = [.../struct Params \{([^}]*)\}/.exec(source)![1].matchAll(/(\w+): u32/g)].map((match) => match[1]);
  expect(fields.length).toBe(params.length);
  return Object.fromEntries(fields.map((field, i) => [field, params[i]]));
}

describe('text', () => {
  test('direct, subgroups of four', async () => {
    await expect(planOf(matmul(input([128, 784]), input([784, 128], 1)), cpu).dispatches[0].source).toMatchFileSnapshot(
      './wgsl/matmulDirect.wgsl',
    );
  });

  test('tiled, both operands transposed', async () => {
    await expect(planTransposed(256, 64, 256, { a: true, b: true }, gpu).dispatches[0].source).toMatchFileSnapshot(
      './wgsl/matmulTiled.wgsl',
    );
  });

  test('tiled, 8 x 8 sums', async () => {
    const [main] = planOf(matmul(input([1024, 64]), input([64, 1024], 1)), gpu).dispatches;
    const { source } = variantsOf(main.alternatives).find(({ name }) => name.endsWith('64x64x16_8x8'))!;
    await expect(source).toMatchFileSnapshot('./wgsl/matmulTiled8x8.wgsl');
  });

  test('one row on a GPU: k in slices', async () => {
    await expect(planOf(matmul(input([1, 1024]), input([1024, 256], 1)), gpu).dispatches[0].source).toMatchFileSnapshot(
      './wgsl/matmulSliced.wgsl',
    );
  });

  test('convolution of one channel with padding', async () => {
    const y = conv2d(input([4, 28, 28, 1]), input([3, 3, 1, 16], 1), { padding: 'same' });
    await expect(planOf(y, { ...cpu, subgroupSize: undefined }).dispatches[0].source).toMatchFileSnapshot('./wgsl/conv2dDirect.wgsl');
  });

  test('the loops that store end at what llvmpipe does not count to, or it would compile the epilogue for each of their turns', () => {
    for (const columns of [12, 10]) {
      const [{ source }] = planOf(matmul(input([32, 64]), input([64, columns], 1)), cpu).dispatches;
      const ends = [...source.matchAll(/for \(var [rc] = 0u; [rc] < (\w+);/g)].map(([, end]) => end);
      expect(ends).toEqual(columns === 12 ? ['height'] : ['height', 'width']);
      for (const end of ends) expect(source).toContain(`let ${end} = select(0u, `);
    }
  });

  test('tiled convolutions: no division in a stage', () => {
    const stageOf = (source: string): string => /\n {2}for \(var start = [^]*?\n {2}\}\n/.exec(source)![0];
    /** Divisions by a value that is no literal. */
    const divisionsIn = (text: string): number => [...text.matchAll(/[/%] (?!\d)/g)].length;
    // Channels that divide into stages or do not, and that cannot be read by four. Segments shorter than a stage.
    for (const [x, filter, strides] of [
      [[2, 28, 28, 64], [3, 3, 64, 64], 1],
      [[2, 14, 14, 20], [3, 3, 20, 36], 2],
      [[2, 9, 9, 3], [3, 3, 3, 10], 2],
      [[2, 5, 5, 4], [1, 1, 4, 8], 3],
    ] as [Shape, Shape, number][]) {
      const operands = [input(x), input(filter, 1)];
      const y = conv2d(operands[0], operands[1], { strides, padding: 'same' });
      const nodes = topological([y, ...gradients(sum(y), operands)]).filter(({ op }) => op.name.startsWith('conv2d'));
      expect(nodes.length).toBe(3);
      for (const node of nodes) {
        const [main] = planNode(node, gpu).dispatches;
        for (const { source } of [main, ...variantsOf(main.alternatives)]) expect(divisionsIn(stageOf(source))).toBe(0);
      }
    }
  });

  test('sizes are never written into it', () => {
    const texts = [cpu, gpu].map((target) => {
      const small = planOf(matmul(input([64, 32]), input([32, 128], 1)), target);
      const large = planOf(matmul(input([72, 36]), input([36, 132], 1)), target);
      expect(small.dispatches[0].source).toBe(large.dispatches[0].source);
      expect(small.dispatches[0].params).not.toEqual(large.dispatches[0].params);
      return small.dispatches[0].source;
    });
    expect(texts[0]).not.toBe(texts[1]);
  });

  test('every kernel obeys the contract: params first, the result last and in its marked block, one f16 line', () => {
    const x = input([2, 8, 8, 4]);
    const rows = placeholder([3], 'i32', { position: 1 });
    const plans = [
      planOf(matmul(input([9, 9]), input([9, 9], 1)), cpu),
      planOf(matmul(input([9, 9]), input([9, 9], 1)), gpu),
      planOf(matmul(input([8, 8192]), input([8192, 8], 1)), gpu),
      planOf(conv2d(x, input([3, 3, 4, 4], 1)), cpu),
      planOf(maxPool2d(x), cpu),
      planOf(avgPool2d(x), cpu),
      planOf(depthwiseConv2d(x, input([3, 3, 4, 2], 1)), cpu),
      planOf(conv3d(input([2, 4, 8, 8, 4]), input([3, 3, 3, 4, 4], 1)), gpu),
      planOf(gather(x, rows), cpu),
      planOf(scatterAdd(x, rows, input([3, 8, 8, 4], 2)).node!.inputs[1], cpu),
    ];
    for (const { dispatches } of plans) {
      for (const [i, { source, operands, params }] of dispatches.entries()) {
        const bindings = [...source.matchAll(/@binding\((\d+)\) var<(\w+)/g)].map(([, binding, space]) => `${binding} ${space}`);
        expect(bindings).toEqual(['0 uniform', ...operands.map((_, j) => `${j + 1} storage`)]);
        expect([.../struct Params \{([^}]*)\}/.exec(source)![1].matchAll(/u32/g)].length).toBe(params.length);
        const isLast = i === dispatches.length - 1;
        if (isLast && dispatches[0].name !== 'maxPool2d') {
          expect(source).toMatch(
            new RegExp(
              `// epilogue\\n@group\\(0\\) @binding\\(${operands.length}\\) var<storage, read_write> result: .*\\nfn store(\\(index: u32, value: \\w+\\)|4\\(index: u32, value: vec4<f32>\\)).*\\n// end epilogue\\n`,
            ),
          );
          expect(operands[operands.length - 1]).toEqual({ kind: 'output', index: 0 });
        }
      }
    }
    const [half] = planOf(matmul(placeholder([8, 8], 'f16', { position: 0 }), placeholder([8, 8], 'f16', { position: 1 })), cpu).dispatches;
    expect(half.source).toContain('enable f16;\n');
    expect(half.source).toContain('alias Element = f16;');
  });
});

describe('choice', () => {
  test('elements an invocation: one on a GPU, whole pixels of a run on a CPU', () => {
    expect(runOf(1e6, gpu, 16)).toBe(1);
    expect([runOf(0, cpu), runOf(100, cpu), runOf(100, cpu, 10), runOf(100, cpu, 48), runOf(4096 * 33, cpu, 16)]).toEqual([
      16, 16, 20, 48, 48,
    ]);
    const launches = [gpu, cpu].map((target) => planOf(maxPool2d(input([4, 6, 6, 16])), target).dispatches[0]);
    expect(launches.map((launch) => paramsOf(launch).run)).toEqual([1, 16]);
    expect(launches.map(({ workgroups }) => workgroups[0])).toEqual([9, 1]);
  });

  test('aligned operands are read by four, in every layout', () => {
    const accessOf = (plan: KernelPlan): string => /; (a by \w+, b by \w+)/.exec(plan.dispatches[0].source)![1];
    expect(accessOf(planTransposed(64, 32, 64, {}, gpu))).toBe('a by inner4, b by outer4');
    expect(accessOf(planTransposed(64, 32, 64, { b: true }, gpu))).toBe('a by inner4, b by inner4');
    expect(accessOf(planTransposed(64, 32, 64, { a: true }, gpu))).toBe('a by outer4, b by outer4');
    expect(accessOf(planTransposed(64, 32, 64, { a: true, b: true }, gpu))).toBe('a by outer4, b by inner4');
    expect(accessOf(planTransposed(64, 31, 64, {}, gpu))).toBe('a by scalar, b by outer4');
    expect(accessOf(planTransposed(64, 32, 63, {}, gpu))).toBe('a by inner4, b by scalar');
  });

  test('a narrow result is computed on its side where that wastes less', () => {
    const narrow = planOf(matmul(input([128, 64]), input([64, 10], 1)), cpu).dispatches[0];
    expect(paramsOf(narrow)).toMatchObject({ rows: 128, columns: 10 });
    const low = planOf(matmul(input([10, 64]), input([64, 1], 1)), cpu).dispatches[0];
    expect(paramsOf(low)).toMatchObject({ rows: 1, columns: 10, resultRow: 1, resultColumn: 1 });
    expect(low.operands.slice(0, 2)).toEqual([
      { kind: 'input', index: 1 },
      { kind: 'input', index: 0 },
    ]);
  });

  test('a long k with few outputs is split, depending on the shape only', () => {
    for (const target of [cpu, gpu]) {
      const plan = planOf(matmul(input([32, 20000]), input([20000, 48], 1)), target);
      expect(plan.dispatches.map(({ name }) => name.replace(/direct|tiled/, 'core'))).toEqual(['matmul_core', 'matmul_split_sum']);
      expect(plan.temporaries).toEqual([{ shape: [37, 32 * 48], dtype: 'f32' }]);
      const { splits, splitLength, splitEnd } = paramsOf(plan.dispatches[0]);
      expect([splits, splitEnd]).toEqual([37, 20000]);
      expect((splits - 1) * splitLength).toBeLessThan(20000);
      expect(splits * splitLength).toBeGreaterThanOrEqual(20000);
      expect(planOf(matmul(input([32, 4000]), input([4000, 48], 1)), target).dispatches.length).toBe(1);
      expect(planOf(matmul(input([1024, 5000]), input([5000, 1024], 1)), target).dispatches.length).toBe(1);
    }
  });

  test('a GPU cuts k where few tiles would leave cores idle, and not where workgroups slice it', () => {
    const splits = (rows: number, k: number, columns: number, target: Target): number =>
      splitsOf(target, { rows, columns, k, matrices: 1 });
    const card = { ...gpu, cores: 100 };
    const shapes = [[128, 512, 512], [128, 784, 512], [128, 4096, 128], [768, 8192, 768], [512, 512, 512], [1, 4096, 4096], [1024, 1024, 1024]]; // prettier-ignore
    expect(shapes.map(([rows, k, columns]) => splits(rows, k, columns, card))).toEqual([4, 4, 8, 7, 1, 1, 1]);
    // A card of few cores is full earlier.
    expect(splits(128, 512, 512, { ...gpu, cores: 16 })).toBe(1);
    expect(splits(128, 512, 512, cpu)).toBe(1);
  });

  test('small products take small tiles on a GPU', () => {
    const size = (m: number): string =>
      /@workgroup_size\((.*)\)/.exec(planOf(matmul(input([m, 64]), input([64, m], 1)), gpu).dispatches[0].source)![1];
    expect([size(128), size(512)]).toEqual(['8, 8', '16, 16']);
  });

  test('a GPU takes the tiles that were fastest on the card that was measured, and they load ahead', () => {
    const extents = [256, 512, 1024, 4096].map((n) => {
      const query = { rows: n, columns: n, k: n, matrices: 1, segmented: false, b: 'outer4' } as const;
      const [tile] = candidateTiles({ ...gpu, cores: 100 }, query);
      expect(tile).toMatchObject({ kind: 'tiled', rows: 4, columns: 4, ahead: true });
      return extentOf(tile);
    });
    expect(extents).toEqual([[32, 32], [32, 32], [64, 64], [64, 64]]); // prettier-ignore
  });

  test('a product has other tiles to choose among: same operands, same splits, text of the same shape', () => {
    for (const target of [cpu, gpu, { ...cpu, subgroupSize: undefined }]) {
      for (const [m, k, n] of [
        [1, 1, 1],
        [32, 20000, 48],
        [512, 512, 512],
        [4096, 64, 4096],
        [100_000, 9, 16],
      ]) {
        // prettier-ignore
        const [main, ...rest] = planOf(matmul(input([m, k]), input([k, n], 1)), target).dispatches;
        const variants = variantsOf(main.alternatives);
        expect(variants.length).toBeGreaterThan(0);
        expect(variants.length).toBeLessThan(8);
        expect(new Set([main, ...variants].map(({ source }) => source)).size).toBe(variants.length + 1);
        expect(new Set([main, ...variants].map(({ name }) => name)).size).toBe(variants.length + 1);
        const bound = (source: string): string[] => source.match(/@binding.*/g)!;
        const told = ({ splits, splitLength, matrices }: Record<string, number>) => ({ splits, splitLength, matrices });
        for (const variant of variants) {
          expect(bound(variant.source)).toEqual(bound(main.source));
          expect(told(paramsOf({ ...main, ...variant }))).toEqual(told(paramsOf(main)));
        }
        expect(rest.every(({ alternatives }) => alternatives === undefined)).toBe(true);
      }
    }
  });

  test('no tile needs more than 16 KiB of workgroup memory or 256 invocations, in any layout', () => {
    for (const which of [{}, { a: true }, { b: true }, { a: true, b: true }]) {
      const plans = [
        planTransposed(1024, 64, 1024, which, gpu),
        planTransposed(8, 640, 1024, which, gpu),
        planTransposed(2, 64, 1024, which, gpu),
      ];
      for (const { source, name } of plans.flatMap(({ dispatches: [main] }) => [main, ...variantsOf(main.alternatives)])) {
        const vectors = [...source.matchAll(/var<workgroup> \w+: array<vec4<f32>, (\d+)>/g)].map((match) => Number(match[1]));
        expect(16 * vectors.reduce((sum, n) => sum + n), name).toBeLessThanOrEqual(16384);
        const [width, height] = /@workgroup_size\((\d+), (\d+)\)/.exec(source)!.slice(1).map(Number);
        expect(width * height, name).toBeLessThanOrEqual(256);
      }
    }
  });

  test('a choice serves sizes up to the next power of two, in one layout', () => {
    const bucket = (m: number, k: number, n: number, which = {}): string =>
      planTransposed(m, k, n, which, gpu).dispatches[0].alternatives!.bucket;
    expect(bucket(1024, 512, 256)).toBe('matmul 1024x256x512x1x1 inner4 outer4 f32 quads');
    expect(bucket(520, 260, 132)).toBe(bucket(1024, 512, 256));
    expect(bucket(1028, 512, 256)).not.toBe(bucket(1024, 512, 256));
    expect(bucket(1024, 512, 256, { b: true })).not.toBe(bucket(1024, 512, 256));
    expect(bucket(1024, 512, 255)).not.toBe(bucket(1024, 512, 256));
  });

  test('few rows take a tile that is not higher, and on a GPU a workgroup cuts k', () => {
    const query = (rows: number, k = 512) => ({ rows, columns: 512, k, matrices: 1, segmented: false, b: 'outer4' }) as const;
    const heights = [1, 2, 3, 4, 5, 8, 9, 100];
    expect(heights.map((rows) => candidateTiles(cpu, query(rows))[0].rows)).toEqual([1, 2, 4, 4, 8, 8, 8, 8]);
    expect(heights.slice(0, 6).map((rows) => candidateTiles(gpu, query(rows))[0])).toMatchObject(
      [1, 2, 4, 4, 8, 8].map((rows) => ({ kind: 'direct', rows, slices: rows === 8 ? 32 : 64 })),
    );
    expect(candidateTiles(gpu, query(9))[0]).toMatchObject({ rows: 8, slices: 32 });
    expect(candidateTiles(gpu, query(9, 64))[0].kind).toBe('tiled');
    expect(candidateTiles(gpu, query(65))[0].kind).toBe('tiled');
    // Slices decide the order of summation, so all candidates have the same ones.
    for (const rows of [1, 4, 8]) {
      for (const k of [32, 100, 4096]) {
        const tiles = candidateTiles(gpu, query(rows, k));
        expect(new Set(tiles.map((tile) => tile.kind === 'direct' && tile.slices)).size).toBe(1);
      }
    }
    expect(candidateTiles(gpu, query(512, 1))[0]).toMatchObject({ kind: 'direct', slices: 1 });
    const [vector] = planOf(matmul(input([512, 256]), input([256, 1], 1)), gpu).dispatches;
    expect(paramsOf(vector)).toMatchObject({ rows: 1, columns: 512 });
  });

  test('narrow results share rows by quads where a subgroup would be wider than they are', () => {
    const wide = { ...cpu, subgroupSize: 8 };
    const query = (columns: number) => ({ rows: 512, columns, k: 64, matrices: 1, segmented: false, b: 'outer4' }) as const;
    expect([10, 16, 40, 48, 64, 100].map((n) => candidateTiles(wide, query(n))[0])).toMatchObject(
      [true, true, true, true, false, false].map((quad) => ({ rows: 8, quad, width: quad ? 4 : 8, height: quad ? 2 : 1 })),
    );
    expect(candidateTiles(cpu, query(16))[0]).toMatchObject({ rows: 8, quad: false, width: 4, subgroup: 4 });
    const { source } = planOf(matmul(input([512, 64]), input([64, 16], 1)), wide).dispatches[0];
    expect(source).toContain('quadBroadcast(a1, 3u)');
    expect(source).not.toContain('subgroupBroadcast');
  });

  test('grids beyond 65535 workgroups take two dimensions', () => {
    expect(gridOf(7, cpu)).toEqual([7, 1, 1]);
    expect(gridOf(0, cpu)).toEqual([0, 1, 1]);
    const [width, height] = gridOf(200_000, cpu);
    expect(width).toBeLessThanOrEqual(65535);
    expect(width * height).toBeGreaterThanOrEqual(200_000);
    const { workgroups } = planOf(matmul(input([3_000_000, 4]), input([4, 4], 1)), cpu).dispatches[0];
    expect(Math.max(...workgroups)).toBeLessThanOrEqual(65535);
  });

  test('views that the kernels read, and views that need a copy', () => {
    const view = (shape: Shape, strides: readonly number[]) => ({ shape, strides, offset: 0 });
    expect(acceptsMatrixView(view([4, 6], [1, 4]))).toBe(true);
    expect(acceptsMatrixView(view([4, 6], [12, 1]))).toBe(true);
    expect(acceptsMatrixView(view([4, 6], [12, 2]))).toBe(false);
    expect(acceptsMatrixView(view([4, 6], [-6, 1]))).toBe(false);
    expect(acceptsMatrixView(view([8, 2, 5, 16], [160, 16, 32, 1]))).toBe(true);
    expect(acceptsMatrixView(view([3, 4, 6], [0, 6, 1]))).toBe(true);
    expect(acceptsMatrixView(view([2, 3, 5, 4, 6], stridesOf([2, 3, 5, 4, 6])))).toBe(true);
    expect(acceptsMatrixView(view([2, 3, 5, 4, 6], [0, 24, 72, 6, 1]))).toBe(false);
  });
});
