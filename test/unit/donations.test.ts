// Which result takes the memory of which donated argument.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { matchDonations } from '../../src/engine/donations.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import type { Tensor } from '../../src/graph/tensor.ts';

const commonEnd = (a: string, b: string): number => {
  let n = 0;
  while (n < Math.min(a.length, b.length) && a.at(-1 - n) === b.at(-1 - n)) n++;
  return n;
};

/** Each input in turn compared with every result that is still free; of those most alike the first. */
function compareAll(inputs: readonly Tensor[], inputPaths: readonly string[], outputs: readonly Tensor[], outputPaths: readonly string[]) {
  const free = new Set(outputs.keys());
  return inputs.flatMap((type, input) => {
    const fitting = [...free].filter((o) => outputs[o].dtype === type.dtype && outputs[o].shape.join() === type.shape.join());
    if (fitting.length === 0) return [];
    const alike = fitting.map((o) => commonEnd(inputPaths[input], outputPaths[o]));
    const output = fitting[alike.indexOf(Math.max(...alike))];
    free.delete(output);
    return [{ input, output }];
  });
}

const path = fc.array(fc.constantFrom('.a', '.b', '.ab', '[1]', '[11]'), { maxLength: 4 }).map((parts) => parts.join(''));
const leaf = fc.record({ path, size: fc.integer({ min: 2, max: 3 }) });
const leaves = fc.uniqueArray(leaf, { maxLength: 20, selector: (made) => made.path });

test('the result of the same type whose path is most alike from its end, of several the first', () => {
  fc.assert(
    fc.property(leaves, leaves, (given, made) => {
      const tensors = (all: typeof given): Tensor[] => all.map(({ size }, position) => placeholder([size], 'f32', { position }));
      const [inputs, outputs] = [tensors(given), tensors(made)];
      const inputPaths = given.map((one) => `[0]${one.path}`);
      const outputPaths = made.map((one) => one.path);
      const pairs = matchDonations(inputs, inputPaths, outputs, outputPaths, new Set([0]));
      expect(pairs).toEqual(compareAll(inputs, inputPaths, outputs, outputPaths));
    }),
    { numRuns: 500, seed: 20261122 },
  );
});

test('what is not donated, and numbers, take no result', () => {
  const [x, y, z] = [false, true, false].map((scalar, position) => placeholder([], 'f32', { position, scalar }));
  expect(matchDonations([x, y, z], ['[0]', '[1].a', '[2]'], [x, z], ['.a', '.b'], new Set([1, 2]))).toEqual([{ input: 2, output: 0 }]);
});

test('the work of pairing donated arguments with results depends on the length of the paths only', () => {
  const readsFor = (n: number): number => {
    let reads = 0;
    const paths = Array.from({ length: n }, (_, i) => `.parameters[${i}].kernel`);
    const outputPaths = new Proxy(paths, {
      get: (target, key, receiver) => {
        reads++;
        return Reflect.get(target, key, receiver) as unknown;
      },
    });
    const tensors = paths.map((_, position) => placeholder([2], 'f32', { position }));
    const inputPaths = paths.map((_, i) => `[0][${i}].kernel`);
    const pairs = matchDonations(tensors, inputPaths, tensors, outputPaths, new Set([0]));
    expect(pairs).toEqual(paths.map((_, i) => ({ input: i, output: i })));
    return reads;
  };
  expect(readsFor(400) / readsFor(200)).toBeLessThan(2.3);
});
