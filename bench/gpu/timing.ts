// GPU time of one kernel plan. The plan runs many times within a pass, between two timestamps. Without timestamps the host's clock waits for
// the pass.
import { sizeOf } from '../../src/core/shape.ts';
import type { KernelPlan, TensorType } from '../../src/graph/op.ts';
import { median } from '../median.ts';

/** Minimum milliseconds of a pass by either clock. A wait takes some tenths of a millisecond. */
const longEnough = { timestamps: 4, waiting: 20 };
const maxRepeats = 4096;
const samples = 3;

/** Value of input `index` at position `i`: between -1 and 1, equal on the host and on the GPU. */
const period = 1 << 20;
const patterns = [1, 2, 3, 4].map((seed) => {
  let state = seed * 2654435761;
  return Float32Array.from({ length: period }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state / 2 ** 31;
  });
});
export const valueOf = (index: number, i: number): number => patterns[index % patterns.length][i % period];

export interface Timed {
  /** Milliseconds of one run of the whole plan. */
  readonly milliseconds: number;
  /** The requested elements of the output. */
  readonly values: readonly number[];
}

const bytesOf = (type: TensorType): number => Math.max(16, Math.ceil(sizeOf(type.shape) / 4) * 16);

/**
 * Times a plan over f32 operands and reads some elements of its output.
 * @throws Error if the device reports a validation error.
 */
export async function timePlan(
  device: GPUDevice,
  plan: KernelPlan,
  inputs: readonly TensorType[],
  output: TensorType,
  picked: readonly number[],
): Promise<Timed> {
  device.pushErrorScope('validation');
  const made: GPUBuffer[] = [];
  const buffer = (size: number, usage: number): GPUBuffer => {
    const one = device.createBuffer({ size, usage });
    made.push(one);
    return one;
  };
  const storage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const buffers = {
    input: inputs.map((type, index) => {
      const one = buffer(bytesOf(type), storage);
      const pattern = patterns[index % patterns.length];
      for (let at = 0; at < one.size; at += 4 * period)
        device.queue.writeBuffer(one, at, pattern, 0, Math.min(period, (one.size - at) / 4));
      return one;
    }),
    output: [buffer(bytesOf(output), storage)],
    temporary: plan.temporaries.map((type) => buffer(bytesOf(type), storage)),
  };
  const prepared = await Promise.all(
    plan.dispatches.map(async ({ source, params, operands, workgroups }) => {
      const module = device.createShaderModule({ code: source });
      const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: 'main' } });
      const uniform = buffer(Math.max(16, 4 * params.length), GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
      device.queue.writeBuffer(uniform, 0, Uint32Array.from(params));
      const bound = [uniform, ...operands.map(({ kind, index }) => buffers[kind][index])];
      const entries = bound.map((one, binding) => ({ binding, resource: { buffer: one } }));
      return { pipeline, workgroups, group: device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }) };
    }),
  );
  const clock = device.features.has('timestamp-query') ? 'timestamps' : 'waiting';
  const querySet = clock === 'timestamps' ? device.createQuerySet({ type: 'timestamp', count: 2 }) : undefined;
  const resolved = buffer(16, GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC);
  const stamps = buffer(16, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
  const pass = async (repeats: number): Promise<number> => {
    const encoder = device.createCommandEncoder();
    const open = encoder.beginComputePass(
      querySet && { timestampWrites: { querySet, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 } },
    );
    for (let i = 0; i < repeats; i++) {
      for (const { pipeline, group, workgroups } of prepared) {
        open.setPipeline(pipeline);
        open.setBindGroup(0, group);
        open.dispatchWorkgroups(...workgroups);
      }
    }
    open.end();
    if (!querySet) {
      const commands = encoder.finish();
      const start = performance.now();
      device.queue.submit([commands]);
      await device.queue.onSubmittedWorkDone();
      return performance.now() - start;
    }
    encoder.resolveQuerySet(querySet, 0, 2, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, stamps, 0, 16);
    device.queue.submit([encoder.finish()]);
    await stamps.mapAsync(GPUMapMode.READ);
    const [begin, end] = new BigUint64Array(stamps.getMappedRange());
    const milliseconds = Number(end - begin) / 1e6;
    stamps.unmap();
    return milliseconds;
  };
  await pass(1);
  let repeats = 1;
  let taken = await pass(repeats);
  while (taken < longEnough[clock] && repeats < maxRepeats) {
    repeats = Math.min(maxRepeats, repeats * Math.max(2, Math.ceil((1.2 * longEnough[clock]) / Math.max(taken, 0.01) / 2)));
    taken = await pass(repeats);
  }
  const times = [taken];
  while (times.length < samples) times.push(await pass(repeats));
  const values = await readSome(device, buffers.output[0], picked);
  const error = await device.popErrorScope();
  querySet?.destroy();
  for (const one of made) one.destroy();
  if (error) throw new Error(error.message);
  return { milliseconds: median(times) / repeats, values };
}

/** Elements of an f32 buffer at the given positions. */
async function readSome(device: GPUDevice, from: GPUBuffer, places: readonly number[]): Promise<number[]> {
  const target = device.createBuffer({ size: Math.max(16, 4 * places.length), usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  places.forEach((place, i) => encoder.copyBufferToBuffer(from, 4 * place, target, 4 * i, 4));
  device.queue.submit([encoder.finish()]);
  await target.mapAsync(GPUMapMode.READ);
  const values = [...new Float32Array(target.getMappedRange())].slice(0, places.length);
  target.destroy();
  return values;
}

const copySource = `
struct Params { width: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4<f32>>;
@compute @workgroup_size(256)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let index = id.y * params.width + id.x;
  output[index] = input[index];
}
`;

/** Bytes per second of a kernel that copies vec4s, with reads and writes. Other kernels are compared with it. */
export async function copyBandwidth(device: GPUDevice, bytes: number): Promise<number> {
  const width = Math.min(16384, bytes / 16 / 256);
  const type: TensorType = { shape: [bytes / 4], dtype: 'f32' };
  const plan: KernelPlan = {
    dispatches: [
      {
        name: 'copy',
        source: copySource,
        params: [width * 256],
        workgroups: [width, bytes / 16 / 256 / width, 1],
        operands: [
          { kind: 'input', index: 0 },
          { kind: 'output', index: 0 },
        ],
      },
    ],
    temporaries: [],
  };
  const { milliseconds } = await timePlan(device, plan, [type], type, []);
  return (2 * bytes) / (milliseconds / 1e3);
}
