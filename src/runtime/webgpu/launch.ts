// Uniforms and bind groups of launches.
import type { Binding, Launch } from '../../compiler/index.ts';
import type { Pipeline } from './pipelines.ts';

/** Bind offsets are multiples of 256 bytes. */
const segmentWords = 64;
export const segmentBytes = 4 * segmentWords;

/** The uniforms of the parts of a dispatch, one in each segment. */
export function uniformWordsOfParts(parts: readonly (readonly number[])[]): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(parts.length * segmentWords);
  parts.forEach((part, i) => words.set(part, i * segmentWords));
  return words;
}

/** A uniform struct is bound in whole 16 bytes. */
const uniformBytes = (params: readonly number[]): number => Math.max(16, Math.ceil(params.length / 4) * 16);

/** Offsets of the uniforms of a launch, in bytes. */
export interface UniformOffsets {
  readonly paramsOffset: number;
  readonly fusedOffset: number | undefined;
}

/** The uniforms of many launches, one after the other. */
export class UniformWords {
  private readonly words: number[] = [];

  add({ params, fusedParams }: Launch): UniformOffsets {
    return { paramsOffset: this.segment(params), fusedOffset: fusedParams ? this.segment(fusedParams) : undefined };
  }

  /** Adds words at a place where a binding may begin, and returns their offset in bytes. */
  segment(params: readonly number[]): number {
    const offset = this.words.length * 4;
    this.words.push(...params);
    while (this.words.length % segmentWords) this.words.push(0);
    return offset;
  }

  /** The words of all launches, or undefined if there are none. */
  data(): Uint32Array<ArrayBuffer> | undefined {
    return this.words.length ? new Uint32Array(this.words) : undefined;
  }
}

/**
 * Creates the bind group of a launch. `resource` returns the memory of a slot. A divisible launch needs the uniform of the part of its grid.
 */
export function bindLaunch(
  device: GPUDevice,
  { layout }: Pipeline,
  { bindings, params, fusedParams }: Launch,
  uniforms: GPUBuffer,
  { paramsOffset, fusedOffset }: UniformOffsets,
  resource: (slot: number, access: Binding['access']) => GPUBufferBinding,
  part?: GPUBufferBinding,
): GPUBindGroup {
  const entries: GPUBindGroupEntry[] = [
    { binding: 0, resource: { buffer: uniforms, offset: paramsOffset, size: uniformBytes(params) } },
    ...bindings.map(({ slot, access }, i) => ({ binding: i + 1, resource: resource(slot, access) })),
  ];
  if (fusedParams) {
    entries.push({
      binding: entries.length,
      resource: { buffer: uniforms, offset: fusedOffset!, size: uniformBytes(fusedParams) },
    });
  }
  if (part) entries.push({ binding: entries.length, resource: part });
  return device.createBindGroup({ layout, entries });
}
