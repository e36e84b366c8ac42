// Pipelines: built asynchronously and in parallel, shared by every launch whose text says the same.
import { DtypeError, ShaderError } from '../../core/errors.ts';
import type { Launch } from '../../compiler/index.ts';
import { enabledIn, plainText } from '../../wgsl/index.ts';
import { computeStage } from './usage.ts';

export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** Pipelines remembered for later programs; the one unused for longest makes room. Programs keep their own. */
const pipelinesKept = 512;

export class PipelineCache {
  private readonly pipelines = new Map<string, Promise<Pipeline>>();
  private readonly layouts = new Map<string, GPUBindGroupLayout>();
  private readonly device: GPUDevice;

  constructor(device: GPUDevice) {
    this.device = device;
  }

  get(launch: Launch): Promise<Pipeline> {
    const key = this.keyOf(launch);
    let pipeline = this.pipelines.get(key);
    if (pipeline) this.pipelines.delete(key);
    else {
      const building = this.build(launch);
      pipeline = building;
      // A failed build must not stay in the cache. A newer build of the same key stays.
      building.catch(() => {
        if (this.pipelines.get(key) === building) this.pipelines.delete(key);
      });
    }
    this.pipelines.set(key, pipeline); // most recently used last
    if (this.pipelines.size > pipelinesKept) this.pipelines.delete(this.pipelines.keys().next().value!);
    return pipeline;
  }

  /** Programs that use it keep it; a later one builds it anew. */
  forget(launch: Launch): void {
    this.pipelines.delete(this.keyOf(launch));
  }

  private keyOf(launch: Launch): string {
    return `${this.signature(launch)} ${plainText(launch.wgsl)}`;
  }

  /** One letter a binding: uniform, read, write. */
  private signature({ bindings, fusedParams }: Launch): string {
    return `u${bindings.map(({ access }) => (access === 'read' ? 'r' : 'w')).join('')}${fusedParams ? 'u' : ''}`;
  }

  private layout(launch: Launch): GPUBindGroupLayout {
    const signature = this.signature(launch);
    let layout = this.layouts.get(signature);
    if (!layout) {
      const types = { u: 'uniform', r: 'read-only-storage', w: 'storage' } as const;
      const entries = [...signature].map((letter, binding) => ({
        binding,
        visibility: computeStage,
        buffer: { type: types[letter as keyof typeof types] },
      }));
      layout = this.device.createBindGroupLayout({ entries });
      this.layouts.set(signature, layout);
    }
    return layout;
  }

  /** A text that does not compile is its launch's error, told by build(), not the device's. */
  private shaderModule({ wgsl, label }: Launch): GPUShaderModule {
    this.device.pushErrorScope('validation');
    try {
      return this.device.createShaderModule({ code: wgsl, label });
    } finally {
      this.device.popErrorScope().catch(() => undefined); // a lost device may reject
    }
  }

  private async build(launch: Launch): Promise<Pipeline> {
    if (enabledIn(launch.wgsl).includes('f16') && !this.device.features.has('shader-f16')) {
      throw new DtypeError(`${launch.label}: this device has no half precision (feature shader-f16); use dtype f32`);
    }
    const layout = this.layout(launch);
    let module: GPUShaderModule | undefined;
    try {
      module = this.shaderModule(launch);
      const pipeline = await this.device.createComputePipelineAsync({
        label: launch.label,
        layout: this.device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: 'main' },
      });
      return { pipeline, layout };
    } catch (error) {
      // A device that is lost tells nothing of its kernels.
      const info = await module?.getCompilationInfo().catch(() => undefined);
      const told = info?.messages.map((m) => `${m.type} in line ${m.lineNum}: ${m.message}`).join('\n') || String(error);
      throw new ShaderError(launch.label, launch.wgsl, told, { cause: error });
    }
  }
}
