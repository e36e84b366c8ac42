// A launch made ready: its pipeline, where its uniforms lie, and how its slots become a bind group.
import type { Binding, Launch } from '../../compiler/index.ts';
import type { Pipeline } from './pipelines.ts';

/** Bind offsets are multiples of 256 bytes. */
const segmentWords = 64;

/** A uniform struct is bound in whole 16 bytes. */
const uniformBytes = (params: readonly number[]): number => Math.max(16, Math.ceil(params.length / 4) * 16);

/** Where the uniforms of a launch begin, in bytes. */
export interface UniformPlaces {
  readonly paramsOffset: number;
  readonly fusedOffset: number | undefined;
}

/** The uniforms of many launches, one behind the other. */
export class UniformWords {
  private readonly words: number[] = [];

  add({ params, fusedParams }: Launch): UniformPlaces {
    return { paramsOffset: this.segment(params), fusedOffset: fusedParams ? this.segment(fusedParams) : undefined };
  }

  private segment(params: readonly number[]): number {
    const offset = this.words.length * 4;
    this.words.push(...params);
    while (this.words.length % segmentWords) this.words.push(0);
    return offset;
  }

  /** All of them, or undefined where there are none. */
  data(): Uint32Array<ArrayBuffer> | undefined {
    return this.words.length ? new Uint32Array(this.words) : undefined;
  }
}

/** Binds a launch; `resource` gives the memory of a slot. */
export function bindLaunch(
  device: GPUDevice,
  { layout }: Pipeline,
  { bindings, params, fusedParams }: Launch,
  uniforms: GPUBuffer,
  { paramsOffset, fusedOffset }: UniformPlaces,
  resource: (slot: number, access: Binding['access']) => GPUBufferBinding,
): GPUBindGroup {
  const entries: GPUBindGroupEntry[] = [
    { binding: 0, resource: { buffer: uniforms, offset: paramsOffset, size: uniformBytes(params) } },
    ...bindings.map(({ slot, access }, i) => ({ binding: i + 1, resource: resource(slot, access) })),
  ];
  if (fusedParams) {
    entries.push({
      binding: bindings.length + 1,
      resource: { buffer: uniforms, offset: fusedOffset!, size: uniformBytes(fusedParams) },
    });
  }
  return device.createBindGroup({ layout, entries });
}
