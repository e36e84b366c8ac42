// A program with its pipelines, its uniforms, its bind groups, and the plan of its submits.
import type { Program } from '../../compiler/index.ts';
import { gridPartWords } from '../../wgsl/index.ts';
import type { GpuContext } from './context.ts';
import { type UniformOffsets, UniformWords, segmentBytes, uniformWordsOfParts } from './launch.ts';
import { Pace } from './pace.ts';
import type { Pipeline } from './pipelines.ts';
import type { Segment } from './segments.ts';
import { type PartLaunch, type SubmitPlan, planSubmits } from './submits.ts';

/** A dispatch with its pipeline, the offsets of its uniforms and its bind groups. */
export interface BoundDispatch {
  readonly pipeline: Pipeline;
  /** Positions of the inputs that it binds. Its bind group depends on their buffers. */
  readonly inputs: readonly number[];
  readonly uniforms: UniformOffsets;
  /** Positions of the parts of its grid; undefined if it is not divisible. */
  parts: Segment | undefined;
  /** A bind group for each part, by the inputs' buffers. */
  readonly groups: Map<string, readonly GPUBindGroup[]>;
}

/** Offsets in a segment that begins at `offset`. */
const moved = ({ paramsOffset, fusedOffset }: UniformOffsets, offset: number): UniformOffsets => ({
  paramsOffset: paramsOffset + offset,
  fusedOffset: fusedOffset === undefined ? undefined : fusedOffset + offset,
});

export class BoundProgram {
  readonly program: Program;
  readonly dispatches: readonly BoundDispatch[];
  readonly uniforms: Segment | undefined;
  readonly pace: Pace;
  private readonly context: GpuContext;
  private readonly held: Segment[];
  private planned: SubmitPlan | undefined;
  private plannedFor: number | undefined;

  /** `held` receives the segments of the program. Its owner releases them when it is disposed of. */
  constructor(
    context: GpuContext,
    program: Program,
    pipelines: readonly Pipeline[],
    held: Segment[],
    pace = new Pace(
      program.dispatches.reduce((sum, { operations }) => sum + operations, 0),
      context.rate,
    ),
  ) {
    this.context = context;
    this.program = program;
    this.held = held;
    this.pace = pace;
    const words = new UniformWords();
    const places = program.dispatches.map((dispatch) => words.add(dispatch));
    this.uniforms = this.write(words.data());
    this.dispatches = program.dispatches.map((dispatch, i): BoundDispatch => {
      const inputs = dispatch.bindings.flatMap(({ slot }) => {
        const s = program.slots[slot];
        return s.kind === 'input' ? s.position : [];
      });
      return {
        pipeline: pipelines[i],
        inputs,
        uniforms: moved(places[i], this.uniforms?.offset ?? 0),
        parts: undefined,
        groups: new Map(),
      };
    });
  }

  /** The launches of each submit of the next run. */
  submits(): readonly (readonly PartLaunch[])[] {
    const { maxOperations, minWorkgroups } = this.pace;
    if (this.planned && this.plannedFor === maxOperations) return this.planned.submits;
    this.planned = planSubmits(this.program.dispatches, maxOperations, minWorkgroups);
    this.plannedFor = maxOperations;
    for (const [number, parts] of this.planned.parts) {
      const dispatch = this.dispatches[number];
      const [width, height] = this.program.dispatches[number].workgroups;
      if (dispatch.parts) this.free(dispatch.parts);
      // Submitted work reads the old positions before they are overwritten, because the queue runs in order.
      dispatch.parts = this.write(uniformWordsOfParts(parts.map(({ x, y }) => gridPartWords(x, y, width, height))));
      dispatch.groups.clear();
    }
    return this.planned.submits;
  }

  /** The uniform of a part of a dispatch; undefined if the dispatch is not divisible. */
  partOf({ parts }: BoundDispatch, part: number): GPUBufferBinding | undefined {
    return parts && { buffer: parts.buffer, offset: parts.offset + part * segmentBytes, size: 16 };
  }

  /** Number of parts of a dispatch. */
  partCount(dispatch: number): number {
    return this.planned?.parts.get(dispatch)?.length ?? 1;
  }

  /** Releases the program's own segments. */
  release(): void {
    for (const segment of [this.uniforms, ...this.dispatches.map(({ parts }) => parts)]) if (segment) this.free(segment);
  }

  private write(data: Uint32Array<ArrayBuffer> | undefined): Segment | undefined {
    if (!data) return undefined;
    const { segments, device } = this.context;
    const segment = segments.take(data.byteLength);
    this.held.push(segment);
    device.queue.writeBuffer(segment.buffer, segment.offset, data);
    return segment;
  }

  private free(segment: Segment): void {
    this.held.splice(this.held.indexOf(segment), 1);
    this.context.segments.release(segment);
  }
}
