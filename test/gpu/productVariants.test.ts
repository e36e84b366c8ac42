// Every kernel that a device may choose for one product has the same bits as the default one, and that one is within the reference's bound.
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Target } from '../../src/graph/op.ts';
import { conv2d, conv3d } from '../../src/ops/index.ts';
import { matmulOp } from '../../src/ops/matmul/matmul.ts';
import { planMatmul } from '../../src/ops/matmul/plan.ts';
import { type OpenPlanDevice, openPlanDevice, isWasm } from '../support/planDevice.ts';
import { checkProduct, directions, packedProduct, product, stridedCopy } from './products.ts';
import { runPlan } from './runPlan.ts';
import { families } from '../support/families.ts';

let opened: OpenPlanDevice;
beforeAll(async () => {
  opened = await openPlanDevice();
});
afterAll(() => opened.close());

const target = (processor: 'cpu' | 'gpu') => (): Target => ({ ...opened.target, processor });
const targets: Readonly<Record<string, () => Target>> = {
  ...(families.includes('cpu') && { direct: target('cpu') }),
  ...(families.includes('gpu') && { tiled: target('gpu') }),
};

/** `npm run test:full` takes every tile. */
const isFull = inject('gpuGraphs') >= 300;
const all = (): boolean => true;
const none = (): boolean => false;
/** Tiled pipelines take seconds to build on a CPU. If a test is not about the layout, it uses the tiles that differ most. */
const some = (name: string): boolean => !name.includes('_tiled_') || /32x64x16|64x64x16_8x8/.test(name);

/** WebAssembly has one kernel for products of many rows. */
const fewest = isWasm ? 0 : 1;

describe.each(Object.keys(targets))('%s', (family) => {
  test('matrices in every layout, by four', { timeout: 300_000 }, async () => {
    const names = await checkProduct(opened.device, product(516, 24, 520), targets[family](), isFull ? all : some);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThan(isFull && family === 'tiled' ? 7 : fewest);
    await checkProduct(opened.device, product(516, 24, 520, 'ab'), targets[family](), some);
    await checkProduct(opened.device, product(516, 24, 520, 'a'), targets[family](), some);
    await checkProduct(opened.device, product(516, 24, 520, 'b'), targets[family](), some);
  });

  test('ragged matrices, batches, a long k', { timeout: 300_000 }, async () => {
    for (const one of [product(513, 37, 511), product(130, 12, 257, '', [2, 3]), product(67, 5001, 45)]) {
      expect((await checkProduct(opened.device, one, targets[family](), some)).length).toBeGreaterThan(fewest);
    }
  });

  test('half precision', { timeout: 300_000 }, async ({ skip }) => {
    if (!opened.target.shaderF16) skip('this adapter has no shader-f16');
    for (const one of [
      product(516, 24, 520, '', [], 'f16'),
      product(513, 37, 511, 'ab', [], 'f16'),
      packedProduct(513, 37, 511, true, 'f16'),
    ]) {
      // WebAssembly has no other kernel for halves.
      expect((await checkProduct(opened.device, one, targets[family](), some)).length).toBeGreaterThan(fewest);
    }
  });

  test('packed columns', { timeout: 300_000 }, async () => {
    const shapes: [m: number, k: number, n: number, isTransposed?: boolean][] = [
      [516, 24, 520], [513, 37, 511], [513, 37, 511, true], [1, 260, 1028], [1, 261, 1030], [2, 261, 3], [7, 70, 130], [132, 1, 129, true], [67, 5001, 45],
      [1, 4, 1],
    ]; // prettier-ignore
    for (const [m, k, n, isTransposed] of shapes) {
      await checkProduct(opened.device, packedProduct(m, k, n, isTransposed), targets[family](), m === 513 && !isTransposed ? some : none);
    }
  });

  test('few rows or columns, a short k', { timeout: 300_000 }, async () => {
    const shapes: [m: number, k: number, n: number, transposed: string][] = [
      [1, 260, 1028, ''], [1, 261, 1030, ''], [2, 260, 1030, 'b'], [4, 260, 512, 'a'],
      [700, 260, 1, ''], [515, 128, 8, 'a'], [7, 70, 130, ''], [132, 1, 129, 'ab'], [129, 3, 72, ''],
    ]; // prettier-ignore
    for (const [m, k, n, transposed] of shapes)
      await checkProduct(opened.device, product(m, k, n, transposed), targets[family](), m === 1 ? some : none);
    await checkProduct(opened.device, product(1, 96, 68, '', [5]), targets[family](), none);
    await checkProduct(opened.device, product(2, 9000, 132), targets[family](), none);
    await checkProduct(opened.device, product(60, 261, 44), targets[family](), none);
  });

  test('an infinity in the last k stays one, and elements after it are in no sum', { timeout: 300_000 }, async () => {
    for (const transposed of ['', 'ab']) {
      const { views, output, inputs } = product(12, 5, 12, transposed, [2]);
      const plan = planMatmul({ inputs, views, outputs: [output], attributes: {}, target: targets[family]() });
      const data = [120, 120].map((size) => Float32Array.from({ length: size }, () => 1));
      // The last element of the first b, and a NaN after it, as after the first row of the first a.
      data[1][59] = Infinity;
      data[1][60] = data[0][5] = NaN;
      const stored = data.map((values) => ({ dtype: 'f32' as const, data: values }));
      const [values] = await runPlan(opened.device, plan, stored, [output]);
      const [expected] = matmulOp.reference({
        inputs: inputs.map((type, i) => ({ ...type, data: stridedCopy(data[i], views[i]) })),
        outputs: [output],
        attributes: {},
        allocate: (_, size) => new Float32Array(size),
      });
      expect(expected.filter(Number.isNaN).length).toBe(24);
      expect(values).toEqual(expected);
    }
  });

  test('convolution in all three directions', { timeout: 300_000 }, async () => {
    for (const one of directions(conv2d, [5, 24, 20, 8], [3, 3, 8, 132])) {
      expect((await checkProduct(opened.device, one, targets[family](), some)).length, one.op.name).toBeGreaterThan(fewest);
    }
    if (family === 'tiled') return;
    for (const one of directions(conv2d, [2, 13, 11, 3], [3, 2, 3, 5])) await checkProduct(opened.device, one, targets[family](), all);
    for (const one of directions(conv3d, [2, 5, 7, 6, 4], [2, 3, 3, 4, 8])) await checkProduct(opened.device, one, targets[family](), all);
  });
});
