// An op with several kernels for 2 x: a slow one, a fast one, one that does not compile, and one with more workgroups than a device allows.
// The text of a kernel shows which one it is.
import { type KernelVariant, type Target, defineOp } from '../../src/graph/op.ts';
import { type Tensor, apply } from '../../src/graph/tensor.ts';
import { sizeOf } from '../../src/core/shape.ts';
import { gridOf } from '../../src/graph/workgroups.ts';

/** Steps of a random generator that make the slow kernel slower on any device. */
const slowness = 10_000;

const source = (body: string): string => `
struct Params {
  size: u32,
  gridWidth: u32,
  steps: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<f32>;
// epilogue
@group(0) @binding(2) var<storage, read_write> result: array<f32>;
fn store(index: u32, value: f32) { result[index] = value; }
// end epilogue

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = (workgroup.y * params.gridWidth + workgroup.x) * 64u + local;
  if (index >= params.size) { return; }
  ${body}
}
`;

const bodies: Readonly<Record<string, string>> = {
  slow: `
  var seed = index;
  for (var i = 0u; i < params.steps; i++) { seed = seed * 1664525u + 1013904223u; }
  store(index, select(2.0, -2.0, (seed == 0x9e3779b9u) & (params.size == 1u)) * input[index]);`,
  fast: 'store(index, input[index] + input[index]);',
  broken: 'store(index, missingFunction(input[index]));',
  wide: 'store(index, 2.0 * input[index]);',
};

function variant(name: string, size: number, target: Target): KernelVariant {
  const workgroups = gridOf(Math.ceil(size / 64), target);
  if (name === 'wide') workgroups[0] = target.maxWorkgroupsPerDimension + 1;
  return { name: `twofold_${name}`, source: source(bodies[name]), params: [size, workgroups[0], slowness], workgroups };
}

const twofoldOp = defineOp<{ ways: readonly string[] }>({
  name: 'twofold',
  infer: ([x]) => [{ shape: x.shape, dtype: x.dtype }],
  vjp: 'nondifferentiable',
  reference: ({ inputs: [x] }) => [Float32Array.from(x.data, (value) => 2 * value)],
  lowering: {
    kind: 'kernel',
    plan({ outputs: [y], attributes: { ways }, target }) {
      const size = sizeOf(y.shape);
      const [first, ...others] = ways;
      const alternatives = {
        bucket: `${2 ** Math.ceil(Math.log2(size))}`,
        names: others,
        variant: (n: number) => variant(others[n], size, target),
      };
      const operands = [
        { kind: 'input', index: 0 },
        { kind: 'output', index: 0 },
      ] as const;
      return { dispatches: [{ ...variant(first, size, target), operands, alternatives }], temporaries: [] };
    },
  },
});

/** 2 x. Of the variants 'slow', 'fast', 'broken' and 'wide', the first is the one that it is compiled with. */
export const twofold = (x: Tensor, ways: readonly string[]): Tensor => apply(twofoldOp, [x], { ways });

/** Name of the variant that a kernel's text is. */
export const wayOf = (wgsl: string): string =>
  wgsl.includes('params.steps; i++') ? 'slow' : wgsl.includes('missingFunction') ? 'broken' : 'fast';
