// @ts-check
// Runtime of a written module. exportStandalone() puts the constants ombreModel and ombreWeights and the other files before it.
// It uploads the weights, builds pipelines and bind groups once, and replays the program of the batch size of a run.
import { openDevice, readWeights, settled } from './device.js';
import { bytesOf, fail, features, hostArray, inputs, limits, modelName, outputs, programs, readInputs, sizeOf } from './inputs.js';

/** @import { KernelData, NumberTree, SlotData } from '../moduleData.ts' */
/** @import { Given } from './inputs.js' */

/** The inputs, the outputs, the batch sizes, and all that a device must have. */
export const info = {
  name: modelName,
  inputs,
  outputs,
  batchSizes: programs.flatMap(({ batch }) => batch ?? []),
  requiredFeatures: features,
  requiredLimits: limits,
};

/**
 * Opens the model. Without an argument it uses navigator.gpu. `weights` are the bytes or the address of a separate file.
 * @param {GPU | GPUDevice} [gpu]
 * @param {{ weights?: unknown }} [options]
 */
export async function load(gpu, { weights } = {}) {
  const opened = await openDevice(gpu);
  try {
    return await build(opened, await readWeights(weights));
  } catch (error) {
    if (opened.isOwn) opened.device.destroy();
    throw error;
  }
}

/**
 * @param {GPUDevice} device
 * @param {KernelData} kernel
 * @param {Map<string, GPUBindGroupLayout>} layouts
 */
async function buildPipeline(device, [bindings, label, code], layouts) {
  const types = /** @type {Record<string, GPUBufferBindingType>} */ ({ u: 'uniform', r: 'read-only-storage', w: 'storage' });
  const layout =
    layouts.get(bindings) ??
    device.createBindGroupLayout({
      entries: [...bindings].map((letter, binding) => ({ binding, visibility: 4, buffer: { type: types[letter] } })),
    });
  layouts.set(bindings, layout);
  device.pushErrorScope('validation'); // the pipeline reports the error
  const module = device.createShaderModule({ code, label });
  device.popErrorScope().catch(() => {});
  try {
    const pipeline = await device.createComputePipelineAsync({
      label,
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: 'main' },
    });
    return { layout, pipeline };
  } catch (error) {
    const found = await module.getCompilationInfo().catch(() => undefined);
    const messages = found?.messages.map(({ message }) => message).join('; ');
    return fail('ShaderError', `the kernel '${label}' does not compile on this device: ${messages || error}`);
  }
}

/**
 * @param {{ device: GPUDevice, isOwn: boolean, gpu: unknown }} opened
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
async function build(opened, bytes) {
  const { device } = opened;
  /** @type {GPUBuffer[]} */
  const buffers = [];
  /** Reason why runs are refused. @type {string | undefined} */
  let end;
  const destroy = () => {
    end = 'destroy() was called';
    for (const buffer of buffers.splice(0)) buffer.destroy();
    if (opened.isOwn) device.destroy();
  };
  device.lost.then(({ reason, message }) => (end ??= `the device was lost (${reason} ${message}); call load() again`));
  /** @param {number} size @param {number} usage */
  const create = (size, usage) => {
    const buffer = device.createBuffer({ size, usage });
    buffers.push(buffer);
    return buffer;
  };
  /** Calls fn, and throws the errors of the device in it. @template T @param {() => T} fn @returns {Promise<T>} */
  const checked = async (fn) => {
    device.pushErrorScope('out-of-memory');
    device.pushErrorScope('validation');
    /** @type {Promise<GPUError | null>[]} */
    const scopes = [];
    let result;
    try {
      result = fn();
    } finally {
      // A lost device may reject. A map reports the loss.
      for (let i = 0; i < 2; i++) scopes.push(device.popErrorScope().catch(() => null));
    }
    for (const error of await Promise.all(scopes)) {
      if (error) fail('DeviceError', `the device refuses the work: ${error.message || 'no memory'}`);
    }
    return result;
  };
  try {
    const values = 0x80 | 4 | 8; // STORAGE, COPY_SRC, COPY_DST
    const memory = await checked(() => {
      const ofSize = (/** @type {number} */ size) => create(size, values);
      const uniforms = new Uniforms();
      const places = programs.map(({ dispatches }) =>
        dispatches.map(([, , , params, fused]) => [params, fused].map((words) => words && uniforms.add(words))),
      );
      const made = {
        places,
        uniforms: create(Math.max(16, uniforms.words.length * 4), 0x40 | 8), // UNIFORM, COPY_DST
        arenas: ombreModel.arenas.map(ofSize),
        inputs: ombreModel.inputBytes.map(ofSize),
        weights: ombreModel.weightBuffers.map(ofSize),
      };
      device.queue.writeBuffer(made.uniforms, 0, new Uint32Array(uniforms.words));
      for (const [buffer, offset, from, length] of ombreModel.weights) {
        if (length) device.queue.writeBuffer(made.weights[buffer], offset, bytes, from, length);
      }
      return made;
    });
    const layouts = new Map();
    const kernels = await Promise.all(ombreModel.kernels.map((kernel) => buildPipeline(device, kernel, layouts)));
    /** @param {SlotData} slot @returns {GPUBufferBinding & { offset: number }} */
    const range = ([kind, number, ...rest]) => {
      if (kind === 'input') return { buffer: memory.inputs[number], offset: 0, size: rest[0] };
      if (kind === 'arena') return { buffer: memory.arenas[number], offset: rest[0], size: rest[1] };
      const [buffer, offset] = ombreModel.weights[number];
      return { buffer: memory.weights[buffer], offset, size: rest[0] };
    };
    const groups = await checked(() =>
      programs.map(({ slots, dispatches }, p) =>
        dispatches.map(([kernel, bound], d) => {
          const [params, fused] = memory.places[p][d].map((place) => place && { buffer: memory.uniforms, ...place });
          const resources = [params, ...bound.map((slot) => range(slots[slot])), fused].filter((resource) => resource !== undefined);
          return device.createBindGroup({
            layout: kernels[kernel].layout,
            entries: resources.map((resource, binding) => ({ binding, resource })),
          });
        }),
      ),
    );
    /** Places of the outputs of each program in the buffer that is read. */
    const copies = programs.map((program) => {
      let size = 0;
      const ranges = program.outputs.map(([slot, offset, shape], i) => {
        const bytes = bytesOf(shape, outputs[i].dtype);
        size += Math.ceil(bytes / 8) * 8;
        return { slot, offset, shape, bytes, at: size - Math.ceil(bytes / 8) * 8 };
      });
      return { ranges, size };
    });
    const stagingBytes = Math.max(16, ...copies.map(({ size }) => size));
    /** Buffers that no run uses. @type {GPUBuffer[]} */
    const free = [];

    /** @param {number} number @param {readonly Given[]} given @param {GPUBuffer} staging */
    const submit = (number, given, staging) => {
      const { slots, dispatches } = programs[number];
      given.forEach(({ data }, i) => {
        if (data.length) device.queue.writeBuffer(memory.inputs[i], 0, data.buffer, data.byteOffset, data.byteLength);
      });
      const encoder = device.createCommandEncoder({ label: modelName });
      const pass = encoder.beginComputePass();
      dispatches.forEach(([kernel, , workgroups], d) => {
        pass.setPipeline(kernels[kernel].pipeline);
        pass.setBindGroup(0, groups[number][d]);
        pass.dispatchWorkgroups(...workgroups);
      });
      pass.end();
      for (const { slot, offset, bytes, at } of copies[number].ranges) {
        if (!bytes) continue;
        const source = range(slots[slot]);
        encoder.copyBufferToBuffer(source.buffer, source.offset + offset, staging, at, bytes);
      }
      device.queue.submit([encoder.finish()]);
    };

    /**
     * Outputs for inputs, in the form of the model's outputs: { data, shape, dtype } for each. Calls may overlap.
     * @param {unknown} values
     */
    const run = async (values) => {
      if (end) fail('DeviceError', `run: ${end}`);
      const { given, number } = readInputs(values);
      const staging = free.pop() ?? create(stagingBytes, 1 | 8); // MAP_READ, COPY_DST
      const { ranges, size } = copies[number];
      const submitted = checked(() => submit(number, given, staging));
      const mapped = staging.mapAsync(1, 0, Math.max(8, size));
      try {
        await Promise.all([submitted, settled(device, mapped)]);
      } catch (error) {
        staging.destroy();
        // A lost device rejects the map first, and reports the loss a moment later.
        if (!end) await Promise.race([device.lost, new Promise((resolve) => setTimeout(resolve, 500))]);
        if (!end) throw error;
        fail('DeviceError', `run: ${end}`);
      }
      const range = staging.getMappedRange(0, Math.max(8, size));
      const results = ranges.map(({ shape, bytes, at }, i) => {
        const { dtype } = outputs[i];
        return { data: hostArray(range.slice(at, at + bytes), dtype, sizeOf(shape)), shape: [...shape], dtype };
      });
      staging.unmap();
      free.push(staging);
      /** @param {NumberTree} tree @returns {any} */
      const fill = (tree) => {
        if (typeof tree === 'number') return results[tree];
        if (Array.isArray(tree)) return tree.map(fill);
        return Object.fromEntries(Object.entries(tree).map(([key, child]) => [key, fill(child)]));
      };
      return fill(ombreModel.outputTree);
    };
    return { info, device, run, destroy };
  } catch (error) {
    for (const buffer of buffers) buffer.destroy();
    throw error;
  }
}

/** Uniform structs one after the other. Their offsets are multiples of 256 bytes. */
class Uniforms {
  /** @type {number[]} */
  words = [];

  /** @param {readonly number[]} given */
  add(given) {
    const offset = this.words.length * 4;
    this.words.push(...given);
    do this.words.push(0);
    while (this.words.length % 64);
    return { offset, size: Math.max(16, Math.ceil(given.length / 4) * 16) };
  }
}
