// Pipelines: built asynchronously and in parallel, shared by every launch whose text says the same.
import { DtypeError, ShaderError } from '../../core/errors.ts';
import { LruCache } from '../../core/lruCache.ts';
import type { Launch } from '../../compiler/index.ts';
import { enabledIn, plainText } from '../../wgsl/index.ts';
import { computeStage } from './usage.ts';

export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** Maximum number of cached pipelines. Programs keep their pipelines when the cache drops them. */
const maxPipelines = 512;

export class PipelineCache {
  private readonly pipelines = new LruCache<Promise<Pipeline>>(maxPipelines);
  private readonly layouts = new Map<string, GPUBindGroupLayout>();
  private readonly device: GPUDevice;
  /** Number of pipelines built so far. */
  built = 0;

  constructor(device: GPUDevice) {
    this.device = device;
  }

  get(launch: Launch): Promise<Pipeline> {
    const key = this.keyOf(launch);
    return this.pipelines.get(key, () => {
      const building = this.build(launch);
      // A failed build must not stay in the cache. A newer build of the same key stays.
      building.catch(() => this.pipelines.remove(key, building));
      return building;
    });
  }

  /** Drops the pipeline of a launch. Programs that use it keep it; a later one builds it again. */
  forget(launch: Launch): void {
    this.pipelines.delete(this.keyOf(launch));
  }

  private keyOf(launch: Launch): string {
    return `${this.signature(launch)} ${plainText(launch.wgsl)}`;
  }

  /** One letter for each binding: uniform, read, write. */
  private signature({ bindings, fusedParams, isDivisible }: Launch): string {
    return `u${bindings.map(({ access }) => (access === 'read' ? 'r' : 'w')).join('')}${fusedParams ? 'u' : ''}${isDivisible ? 'u' : ''}`;
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

  /** build() reports a text that does not compile as an error of its launch. It is not an error of the device. */
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
      this.built++;
      return { pipeline, layout };
    } catch (error) {
      // A lost device has no compilation info.
      const info = await module?.getCompilationInfo().catch(() => undefined);
      const messages = info?.messages.map((m) => `${m.type} in line ${m.lineNum}: ${m.message}`).join('\n') || String(error);
      throw new ShaderError(launch.label, launch.wgsl, messages, { cause: error });
    }
  }
}
