// Runs a kernel's plan as it stands, without the compiler: what the lowering of one op does on this device.
import { type Dtype, type HostArray, roundToF16 } from '../../src/core/dtype.ts';
import { sizeOf } from '../../src/core/shape.ts';
import type { KernelPlan, TensorType } from '../../src/graph/op.ts';

const pipelines = new Map<string, Promise<GPUComputePipeline>>();

/** One pipeline for each text: they are slow to build. */
function pipelineFor(device: GPUDevice, source: string): Promise<GPUComputePipeline> {
  let pipeline = pipelines.get(source);
  if (!pipeline) {
    const module = device.createShaderModule({ code: source });
    pipeline = device.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: 'main' } });
    pipelines.set(source, pipeline);
  }
  return pipeline;
}

const roundUp = (n: number, unit: number): number => Math.max(unit, Math.ceil(n / unit) * unit);

/** Bits of the half-precision number nearest to x, for finite x in its normal range. */
function halfBits(x: number): number {
  const rounded = roundToF16(x);
  if (rounded === 0) return 0;
  const exponent = Math.max(-14, Math.floor(Math.log2(Math.abs(rounded))));
  const mantissa = Math.abs(rounded) / 2 ** exponent;
  return (rounded < 0 ? 0x8000 : 0) | (mantissa < 1 ? mantissa * 1024 : ((exponent + 15) << 10) | ((mantissa - 1) * 1024));
}

function halfValue(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  return (bits & 0x8000 ? -1 : 1) * (exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15));
}

/** A tensor's elements as they lie in a buffer. */
function encode(dtype: Dtype, data: HostArray): Uint32Array<ArrayBuffer> {
  if (dtype !== 'f16') {
    const elements = dtype === 'f32' ? Float32Array.from(data) : dtype === 'i32' ? Int32Array.from(data) : Uint32Array.from(data);
    return new Uint32Array(elements.buffer);
  }
  const words = new Uint32Array(Math.ceil(data.length / 2));
  data.forEach((x, i) => (words[i >> 1] |= halfBits(x) << (16 * (i & 1))));
  return words;
}

function decode(dtype: Dtype, bytes: ArrayBuffer, size: number): HostArray {
  if (dtype === 'f16') return Float32Array.from(new Uint16Array(bytes, 0, size), halfValue);
  if (dtype === 'f32') return new Float32Array(bytes, 0, size);
  if (dtype === 'i32') return new Int32Array(bytes, 0, size);
  return new Uint32Array(bytes, 0, size);
}

export interface PlanInput {
  readonly dtype: Dtype;
  readonly data: HostArray;
}

export async function runPlan(
  device: GPUDevice,
  plan: KernelPlan,
  inputs: readonly PlanInput[],
  outputs: readonly TensorType[],
): Promise<HostArray[]> {
  device.pushErrorScope('validation');
  const made: GPUBuffer[] = [];
  const buffer = (size: number, usage: number): GPUBuffer => {
    const result = device.createBuffer({ size: roundUp(size, 16), usage });
    made.push(result);
    return result;
  };
  const storage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  const buffers = {
    input: inputs.map(({ dtype, data }) => {
      const elements = encode(dtype, data);
      const result = buffer(elements.byteLength, storage);
      device.queue.writeBuffer(result, 0, elements);
      return result;
    }),
    output: outputs.map(({ shape }) => buffer(4 * sizeOf(shape), storage)),
    temporary: plan.temporaries.map(({ shape }) => buffer(4 * sizeOf(shape), storage)),
  };
  const encoder = device.createCommandEncoder();
  const prepared = await Promise.all(
    plan.dispatches.map(async (dispatch) => {
      const params = buffer(4 * dispatch.params.length, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
      device.queue.writeBuffer(params, 0, Uint32Array.from(dispatch.params));
      const bound = [params, ...dispatch.operands.map(({ kind, index }) => buffers[kind][index])];
      return { dispatch, bound, pipeline: await pipelineFor(device, dispatch.source) };
    }),
  );
  const pass = encoder.beginComputePass();
  for (const { dispatch, bound, pipeline } of prepared) {
    pass.setPipeline(pipeline);
    const entries = bound.map((resource, binding) => ({ binding, resource: { buffer: resource } }));
    pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(...dispatch.workgroups);
  }
  pass.end();
  const readbacks = buffers.output.map((source) => {
    const target = buffer(source.size, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
    encoder.copyBufferToBuffer(source, 0, target, 0, source.size);
    return target;
  });
  device.queue.submit([encoder.finish()]);
  const results: HostArray[] = [];
  for (const [i, target] of readbacks.entries()) {
    await target.mapAsync(GPUMapMode.READ);
    results.push(decode(outputs[i].dtype, target.getMappedRange().slice(0), sizeOf(outputs[i].shape)));
  }
  const error = await device.popErrorScope();
  if (error) throw new Error(error.message);
  for (const one of made) one.destroy();
  return results;
}
