// Compositions that the compiler uses instead of kernels, and the memory that they keep for the gradient.
import { expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { type Program, compileGraph } from '../../src/compiler/index.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { add, scaledDotProductAttention, square, sum } from '../../src/ops/index.ts';
import { gpuTarget, graphOf } from '../support/graphs.ts';

const [heads, length, depth] = [4, 1024, 32];
const scoreBytes = 4 * heads * length ** 2;

/** Layers of attention to all keys. The gradient is that of the input. */
function stack(layers: number, trained: boolean, maxBindingBytes: number): Program {
  const graph = graphOf([{ shape: [1, heads, length, depth] }], (x) => {
    let y: Tensor = x;
    for (let i = 0; i < layers; i++) y = add(y, scaledDotProductAttention(y, y, y));
    return trained ? gradients(sum(square(y)), [x]) : [y];
  });
  return compileGraph(graph, { name: 'stack', target: { ...gpuTarget, maxBindingBytes } });
}

/** Number of layers whose forward kernel recomputes the scores. */
const tiled = ({ dispatches }: Program): number => dispatches.filter(({ label }) => label.endsWith('(attention_tiled)')).length;

test('the first layers keep their scores for the gradient, as long as the sum is half of a binding', () => {
  expect([8, 16, 32].map((share) => tiled(stack(6, true, share * scoreBytes)))).toEqual([2, 0, 0]);
  expect(tiled(stack(6, true, 4 * scoreBytes))).toBe(4);
  expect(tiled(stack(6, true, scoreBytes))).toBe(5);
});

test('memory grows by the scores of a layer only up to the limit', () => {
  const peak = (layers: number): number => stack(layers, true, 4 * scoreBytes).peakBytes;
  const few = peak(3);
  expect(peak(8) - few).toBeLessThan(2 * scoreBytes);
  const unlimited = stack(8, true, 64 * scoreBytes).peakBytes - stack(3, true, 64 * scoreBytes).peakBytes;
  expect(unlimited).toBeGreaterThan(4 * scoreBytes);
});

test('without a gradient all layers store their scores, one after the other', () => {
  const program = stack(6, false, 2 * scoreBytes);
  expect(tiled(program)).toBe(0);
  expect(program.peakBytes).toBeLessThan(4 * scoreBytes);
});
