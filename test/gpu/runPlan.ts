// Runs the kernel plan of one op on this device, without the compiler.
import { type Dtype, type HostArray, roundToF16, storedBytes } from '../../src/core/dtype.ts';
import { sizeOf } from '../../src/core/shape.ts';
import type { KernelPlan, Operand, TensorType } from '../../src/graph/op.ts';
import { debug } from '../../src/runtime/debug.ts';
import { WasmRuntime } from '../../src/runtime/wasm/index.ts';
import { type Guarded, Guards } from '../../src/runtime/webgpu/guards.ts';
import type { PlanDevice } from '../support/planDevice.ts';
import { runPlanWasm } from './runPlanWasm.ts';

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

const guardsOf = new WeakMap<GPUDevice, Guards>();

/** Whether a kernel's text declares the binding for writing. */
const isWritten = (source: string, binding: number): boolean =>
  new RegExp(`@binding\\(${binding}\\)\\s*var<storage,\\s*read_write>`).test(source);

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

/** A tensor's elements as they are stored in a buffer. */
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

/** Runs the dispatches in order, with a guard zone after each output and temporary. Returns the outputs. */
export async function runPlan(
  device: PlanDevice,
  plan: KernelPlan,
  inputs: readonly PlanInput[],
  outputs: readonly TensorType[],
): Promise<HostArray[]> {
  if (device instanceof WasmRuntime) return runPlanWasm(device, plan, inputs, outputs);
  device.pushErrorScope('validation');
  let guards = guardsOf.get(device);
  if (!guards) guardsOf.set(device, (guards = new Guards(device)));
  const made: GPUBuffer[] = [];
  const buffer = (size: number, usage: number): GPUBuffer => {
    const result = device.createBuffer({ size: roundUp(size, 16), usage });
    made.push(result);
    return result;
  };
  const storage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
  /** A range with spare bytes after it. */
  const result = (type: TensorType): Guarded => {
    const size = roundUp(storedBytes(type), 4) + debug.guardBytes;
    return { role: 'a result', type, binding: { buffer: buffer(size, storage), size: roundUp(size, 16) } };
  };
  const given = inputs.map(({ dtype, data }): Guarded => {
    const elements = encode(dtype, data);
    const binding = { buffer: buffer(elements.byteLength, storage) };
    device.queue.writeBuffer(binding.buffer, 0, elements);
    return { role: 'an input', type: { shape: [data.length], dtype }, binding };
  });
  const ranges: Readonly<Record<Operand['kind'], readonly Guarded[]>> = {
    input: given,
    output: outputs.map(result),
    temporary: plan.temporaries.map(result),
  };
  const encoder = device.createCommandEncoder();
  const prepared = await Promise.all(
    plan.dispatches.map(async (dispatch) => {
      const params = buffer(4 * dispatch.params.length, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST);
      device.queue.writeBuffer(params, 0, Uint32Array.from(dispatch.params));
      const written: Guarded[] = [];
      const bound = dispatch.operands.map(({ kind, index }, i): GPUBufferBinding => {
        const range = ranges[kind][index];
        if (!isWritten(dispatch.source, i + 1)) return { ...range.binding, size: roundUp(storedBytes(range.type), 16) };
        written.push({ ...range, role: `${kind} ${index}` });
        return range.binding;
      });
      return { dispatch, written, bound: [{ buffer: params }, ...bound], pipeline: await pipelineFor(device, dispatch.source) };
    }),
  );
  const count = prepared.reduce((sum, { written }) => sum + written.length, 0);
  const run = guards.run(plan.dispatches[0].name, count);
  for (const { dispatch, written, bound, pipeline } of prepared) {
    run.before(encoder, dispatch.name, written);
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    const entries = bound.map((resource, binding) => ({ binding, resource }));
    pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(...dispatch.workgroups);
    pass.end();
    run.after(encoder);
  }
  const readbacks = ranges.output.map(({ type, binding }) => {
    const target = buffer(storedBytes(type), GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
    encoder.copyBufferToBuffer(binding.buffer, 0, target, 0, storedBytes(type));
    return target;
  });
  device.queue.submit([encoder.finish()]);
  run.check();
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
