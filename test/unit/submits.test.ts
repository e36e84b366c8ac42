// Submits of limited time: estimates of operations, plans of submits and parts, the speed learned from steps, and texts that run in parts.
import { describe, expect, test } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import { compileGraph } from '../../src/compiler/index.ts';
import type { Target } from '../../src/graph/op.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { conv2d, matmul, scaledDotProductAttention, sum, tanh } from '../../src/ops/index.ts';
import { DeviceRate, Pace, maxSubmitTime } from '../../src/runtime/webgpu/pace.ts';
import { partsOf, planSubmits } from '../../src/runtime/webgpu/submits.ts';
import { withGridPart } from '../../src/wgsl/index.ts';
import { gpuTarget, graphOf, softwareTarget } from '../support/graphs.ts';
import { tracedStep, trainingStepNames } from '../support/trainingSteps.ts';
import { variantsOf } from '../support/variants.ts';

const compiled = (shapes: readonly (readonly number[])[], fn: (...x: Tensor[]) => readonly Tensor[], target: Target = gpuTarget) =>
  compileGraph(
    graphOf(
      shapes.map((shape) => ({ shape })),
      fn,
    ),
    { name: 'submits', target },
  ).dispatches;

test.each([
  { grid: [1, 1], count: 5 },
  { grid: [7, 1], count: 3 },
  { grid: [100, 1], count: 7 },
  { grid: [64, 50], count: 7 },
  { grid: [3, 5], count: 9 },
  { grid: [3, 5], count: 1000 },
  { grid: [0, 1], count: 3 },
])('the parts of the grid $grid cover each workgroup once (at most $count)', ({ grid: [width, height], count }) => {
  const parts = partsOf([width, height, 1], count);
  const covered = parts.flatMap((part) =>
    Array.from({ length: part.width * part.height }, (_, i) => (part.y + Math.floor(i / part.width)) * width + part.x + (i % part.width)),
  );
  expect([...covered].sort((a, b) => a - b)).toEqual(Array.from({ length: width * height }, (_, i) => i));
  expect(parts.length).toBeLessThanOrEqual(count);
});

test('a part has a minimum number of workgroups', () => {
  expect(partsOf([100, 1, 1], 50, 64)).toHaveLength(1);
  expect(partsOf([1000, 1, 1], 50, 64).length).toBeLessThanOrEqual(15);
});

describe('plans of submits', () => {
  const dispatch = (operations: number, width: number, isDivisible?: true) => ({
    operations,
    workgroups: [width, 1, 1] as const,
    ...(isDivisible && { isDivisible }),
  });
  const shapeOf = (dispatches: Parameters<typeof planSubmits>[0], most: number): string[] =>
    planSubmits(dispatches, most, 1).submits.map((launches) => launches.map((l) => `${l.dispatch}:${l.workgroups[0]}`).join(' '));

  test('a step within the limit is one submit', () => {
    expect(shapeOf([dispatch(4, 8), dispatch(3, 8), dispatch(9, 8, true)], Infinity)).toEqual(['0:8 1:8 2:8']);
  });

  test('a submit ends before the dispatch that exceeds the limit', () => {
    expect(shapeOf([dispatch(4, 8), dispatch(3, 8), dispatch(4, 8), dispatch(9, 8)], 8)).toEqual(['0:8 1:8', '2:8', '3:8']);
  });

  test('a long dispatch is cut into parts; one that cannot be cut has a submit of its own', () => {
    expect(shapeOf([dispatch(4, 8), dispatch(30, 9, true), dispatch(4, 8)], 10)).toEqual(['0:8', '1:3', '1:3', '1:3', '2:8']);
    expect(shapeOf([dispatch(4, 8), dispatch(30, 9), dispatch(4, 8)], 10)).toEqual(['0:8', '1:9', '2:8']);
  });
});

describe('pace', () => {
  const steps = (pace: Pace, ...times: number[]): void => times.forEach((time) => pace.note(time));

  test('before any step a GPU counts as 0.3 TFLOP/s', () => {
    const { maxOperations } = new Pace(1e15, new DeviceRate('gpu'));
    expect(maxOperations).toBeLessThanOrEqual(3e8 * maxSubmitTime.gpu);
    expect(maxOperations).toBeGreaterThan((3e8 * maxSubmitTime.gpu) / 2);
  });

  test('the longest of four steps decides', () => {
    const pace = new Pace(1e12, new DeviceRate('gpu'));
    const first = pace.maxOperations;
    steps(pace, 200, 250);
    expect(pace.maxOperations).toBe(first);
    steps(pace, 0, 0);
    // 4e9 operations in a millisecond.
    expect(pace.maxOperations).toBe(2 ** Math.floor(Math.log2(4e11)));
    steps(pace, 50, 50, 50, 50);
    expect(pace.maxOperations).toBe(Infinity);
  });

  test('a slow device has shorter submits, within a bound', () => {
    const pace = new Pace(1e12, new DeviceRate('gpu'));
    steps(pace, 20000, 20000, 20000, 20000);
    expect(pace.maxOperations).toBe(2 ** Math.floor(Math.log2(5e7 * maxSubmitTime.gpu)));
    steps(pace, 1e9, 1e9, 1e9, 1e9);
    expect(pace.maxOperations).toBe(2 ** Math.floor(Math.log2((3e8 / 64) * maxSubmitTime.gpu)));
  });

  test('a new program trusts the speed of another one only in part, and short steps say nothing about others', () => {
    const device = new DeviceRate('gpu');
    const other = new Pace(1e15, device);
    steps(new Pace(1e12, device), 10, 10, 10, 10);
    expect(other.maxOperations).toBe(2 ** Math.floor(Math.log2(8 * 3e8 * maxSubmitTime.gpu)));
    steps(new Pace(1e3, device), 1, 1, 1, 1);
    expect(other.maxOperations).toBe(2 ** Math.floor(Math.log2(8 * 3e8 * maxSubmitTime.gpu)));
    steps(new Pace(1e10, device), 100, 100, 100, 100);
    expect(other.maxOperations).toBe(2 ** Math.floor(Math.log2(1e8 * maxSubmitTime.gpu)));
  });
});

test('a dispatch has about as many operations as its products, or as moving its memory takes', () => {
  const [product] = compiled([[512, 256], [256, 1024]], (a, b) => [matmul(a, b)]); // prettier-ignore
  expect(product.operations / (2 * 512 * 256 * 1024)).toBeCloseTo(1, 0);
  const [convolution] = compiled([[8, 32, 32, 64], [3, 3, 64, 64]], (x, f) => [conv2d(x, f, { padding: 'same' })]); // prettier-ignore
  expect(convolution.operations / (2 * 8 * 32 * 32 * 9 * 64 * 64)).toBeCloseTo(1, 0);
  const [chain] = compiled([[2048, 2048]], (x) => [tanh(x)]);
  expect(chain.operations).toBeGreaterThan(8 * 8 * 2048 * 2048);
  const shapes = Array.from({ length: 3 }, () => [2, 8, 4096, 64]);
  const attend =
    (causal: boolean) =>
    (q: Tensor, k: Tensor, v: Tensor): readonly Tensor[] => {
      const y = scaledDotProductAttention(q, k, v, { isCausal: causal });
      return [y, ...gradients(sum(y), [q, k, v])];
    };
  const most = 2 * 16 * 4096 ** 2 * 64;
  const [forward, ...backward] = compiled(shapes, attend(true)).filter(({ operations }) => operations > most / 4);
  expect(forward.operations / most).toBeCloseTo(1, 0);
  expect(backward.map(({ operations }) => Math.round((2 * operations) / most))).toEqual([3, 4]);
});

test('only long dispatches can run in parts, with all their variants', () => {
  const ofTarget = (target: Target) => compiled([[512, 256], [256, 512]], (a, b) => [matmul(a, b)], target)[0]; // prettier-ignore
  for (const target of [gpuTarget, softwareTarget]) {
    expect(ofTarget(target).isDivisible).toBeUndefined();
    expect(ofTarget({ ...target, divisibleFrom: 1e9 }).isDivisible).toBeUndefined();
    const { isDivisible, alternatives, wgsl } = ofTarget({ ...target, divisibleFrom: 1e8 });
    expect(isDivisible).toBe(true);
    expect(wgsl).toContain('let workgroup = workgroupInPart + vec3u(gridPart.xy, 0u);');
    for (const variant of variantsOf(alternatives)) {
      expect(variant.isDivisible).toBe(true);
      expect(variant.wgsl).toContain('var<uniform> gridPart: vec4<u32>;');
    }
  }
});

/** Uses of the ids of a part, outside the statements that compute the ids of the whole grid. */
const usesOfPart = (wgsl: string): string[] =>
  wgsl.split('\n').filter((line) => /InPart/.test(line) && !/@builtin|^ {2}let \w+ = (\w+InPart \+ )?vec3u\(gridPart/.test(line));

test.each(trainingStepNames)('all kernels of a step of %s have a text for parts', (name) => {
  const { graph, donations } = tracedStep(name);
  for (const target of [gpuTarget, softwareTarget]) {
    const { dispatches } = compileGraph(graph, { name, target: { ...target, divisibleFrom: 0 }, donations });
    for (const { wgsl, isDivisible, bindings, fusedParams } of dispatches) {
      expect(isDivisible).toBe(true);
      expect(wgsl).toContain(`@binding(${1 + bindings.length + (fusedParams ? 1 : 0)}) var<uniform> gridPart`);
      expect(wgsl).toMatch(/vec3u\(gridPart\.x/);
      expect(usesOfPart(wgsl)).toEqual([]);
    }
  }
});

test('a text for parts gives each builtin its value in the whole grid', () => {
  const text = `struct Params { size: u32 }
@compute @workgroup_size(lanes)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  use(id, groups, lane);
}
`;
  expect(withGridPart('kernel', text, 3)).toBe(`struct Params { size: u32 }
@group(0) @binding(3) var<uniform> gridPart: vec4<u32>;

@compute @workgroup_size(lanes)
fn main(@builtin(global_invocation_id) idInPart: vec3u, @builtin(num_workgroups) groupsInPart: vec3u, @builtin(local_invocation_index) lane: u32) {
  let id = idInPart + vec3u(gridPart.x * lanes, gridPart.y, 0u);
  let groups = vec3u(gridPart.zw, 1u);
  use(id, groups, lane);
}
`);
  expect(() => withGridPart('kernel', 'fn other() {}', 3)).toThrow("kernel 'kernel': its text has no entry point");
});
