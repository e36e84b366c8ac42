// Autotuning: kernels with equal results are timed against each other on the device, between its steps, and programs get the fastest.
// A program is considered after its second run. The engine gives each trial a turn in its queue, so that no other work runs meanwhile.
import type { Dispatch, Launch, Slot } from '../../../compiler/index.ts';
import { gridPartWords } from '../../../wgsl/index.ts';
import type { KernelTuner, TunedKernel } from '../../runtime.ts';
import type { GpuContext } from '../context.ts';
import type { GpuExecutable } from '../executable.ts';
import { UniformWords, bindLaunch } from '../launch.ts';
import { Pace } from '../pace.ts';
import type { Pipeline, PipelineCache } from '../pipelines.ts';
import { type Sample, Stopwatch } from '../stopwatch.ts';
import { type Choices, identify } from './choices.ts';
import { partsOf } from '../submits.ts';
import { compare } from './trial.ts';
import { bufferUsage } from '../usage.ts';

/** Another kernel replaces the compiled one only if it takes less than this share of its time. */
const worthwhile = 0.97;
/** Maximum number of bytes for the operands of a trial. */
const maxTrialBytes = 512 * 2 ** 20;

interface Candidate {
  readonly launch: Launch;
  readonly pipeline: Pipeline;
}

/** A dispatch of a program. The weak reference does not keep a dropped program. */
interface Place {
  readonly executable: WeakRef<GpuExecutable>;
  readonly index: number;
}

interface Trial {
  readonly key: string;
  readonly dispatch: Dispatch;
  readonly slots: readonly Slot[];
  /** All dispatches that will use the choice. */
  readonly places: Place[];
}

export class Tuner implements KernelTuner {
  readonly choices: Choices;
  readonly results: TunedKernel[] = [];
  private readonly context: GpuContext;
  private readonly pipelines: PipelineCache;
  private readonly stopwatch: Stopwatch;
  /** Trials without a decision, by key. */
  private readonly open = new Map<string, Trial>();
  private readonly ready: { readonly trial: Trial; readonly candidates: readonly Candidate[] }[] = [];
  private preparing: Promise<void> = Promise.resolve();

  constructor(context: GpuContext, pipelines: PipelineCache, choices: Choices) {
    this.context = context;
    this.pipelines = pipelines;
    this.choices = choices;
    this.stopwatch = new Stopwatch(context.device);
  }

  /** Builds the pipeline of a dispatch. Uses the kernel chosen earlier if there is one that compiles. */
  async build(dispatch: Dispatch): Promise<{ dispatch: Dispatch; pipeline: Pipeline }> {
    const preferred = this.choices.preferred(dispatch);
    if (preferred) {
      try {
        return { dispatch: preferred, pipeline: await this.pipelines.get(preferred) };
      } catch {
        this.choices.forget(this.choices.keyOf(dispatch)!);
      }
    }
    return { dispatch, pipeline: await this.pipelines.get(dispatch) };
  }

  /** Starts a trial for each dispatch without a choice. The candidates are built one trial after the other, in the background. */
  consider(executable: GpuExecutable): void {
    const { slots, dispatches } = executable.program;
    dispatches.forEach((dispatch, index) => {
      const key = this.choices.keyOf(dispatch);
      if (key === undefined) return;
      const place = { executable: new WeakRef(executable), index };
      const known = this.open.get(key);
      if (known) known.places.push(place);
      else if (this.choices.get(key) === undefined) {
        const trial = { key, dispatch, slots, places: [place] };
        this.open.set(key, trial);
        // No caller awaits this. After an error the kernel stays.
        this.preparing = this.preparing.then(() => this.prepare(trial)).catch(() => void this.open.delete(key));
      } else this.adopt([place]).catch(() => undefined); // the kernel stays
    });
  }

  /** Gives programs that were built before the choice their launches of the chosen kernel. */
  private async adopt(places: readonly Place[]): Promise<void> {
    for (const { executable, index } of places) {
      const dispatch = executable.deref()?.program.dispatches[index];
      const preferred = dispatch && this.choices.preferred(dispatch);
      const pipeline = preferred && (await this.pipelines.get(preferred).catch(() => undefined));
      if (pipeline) executable.deref()?.adopt(index, preferred, pipeline);
    }
  }

  private async prepare(trial: Trial): Promise<void> {
    const alternatives = trial.dispatch.alternatives!;
    const launches = [trial.dispatch, ...alternatives.names.map((_, n) => alternatives.variant(n))];
    const built = await Promise.allSettled(launches.map((launch) => this.pipelines.get(launch)));
    const candidates = built.flatMap((result, i) => (result.status === 'fulfilled' ? { launch: launches[i], pipeline: result.value } : []));
    this.context.assertAlive(); // on a lost device nothing compiles
    if (candidates.length > 1) this.ready.push({ trial, candidates });
    else await this.decide(trial, trial.dispatch);
  }

  takeTrial(): (() => Promise<void>) | undefined {
    const next = this.ready.shift();
    return next && ((): Promise<void> => this.run(next.trial, next.candidates));
  }

  async prepared(): Promise<void> {
    let awaited: Promise<void>;
    do await (awaited = this.preparing);
    while (awaited !== this.preparing);
  }

  private async run(trial: Trial, candidates: readonly Candidate[]): Promise<void> {
    const { launch: first } = candidates[0];
    let fastest = candidates[0];
    try {
      const times = await this.measure(trial, candidates);
      // On a lost device all work ends at once. The loss is reported a moment later.
      await new Promise((resolve) => setTimeout(resolve));
      this.context.assertAlive();
      for (const [candidate, time] of times) if (time < times.get(fastest)!) fastest = candidate;
      if (times.get(fastest)! > worthwhile * times.get(candidates[0])!) fastest = candidates[0];
      const milliseconds = Object.fromEntries([...times].map(([{ launch }, time]) => [launch.label, time]));
      const { bucket } = trial.dispatch.alternatives!;
      this.results.push({ kernel: first.label, bucket, chosen: fastest.launch.label, milliseconds });
    } catch {
      // There was no memory, or the device was lost. The kernel stays, and a later program starts the trial again.
      this.open.delete(trial.key);
      return;
    }
    await this.decide(trial, fastest.launch);
    for (const rejected of candidates.slice(1)) if (rejected !== fastest) this.pipelines.forget(rejected.launch);
  }

  private async decide({ key, places }: Trial, launch: Launch): Promise<void> {
    this.choices.set(key, identify(launch));
    this.open.delete(key);
    await this.adopt(places);
  }

  /**
   * Milliseconds of one launch of each candidate. The operands are zeros: the time of a product does not depend on its numbers. Of a dispatch
   * that is too long for one submit, the first part of the grid is timed.
   */
  private async measure({ dispatch, slots }: Trial, candidates: readonly Candidate[]): Promise<Map<Candidate, number>> {
    const { pool, device } = this.context;
    const used = [...new Set(dispatch.bindings.map(({ slot }) => slot))];
    if (used.reduce((sum, slot) => sum + slots[slot].bytes, 0) > maxTrialBytes) throw new RangeError('too large to be timed between steps');
    const words = new UniformWords();
    const offsets = candidates.map(({ launch }) => words.add(launch));
    const { maxOperations, minWorkgroups } = new Pace(dispatch.operations, this.context.rate);
    const grids = candidates.map(({ launch: { workgroups, isDivisible } }) => {
      if (!isDivisible) return { workgroups, share: 1, offset: 0 };
      const [width, height] = workgroups;
      const [part] = partsOf(workgroups, Math.ceil(dispatch.operations / maxOperations), minWorkgroups);
      const offset = words.segment(gridPartWords(0, 0, width, height));
      return { workgroups: [part.width, part.height, 1] as const, share: (part.width * part.height) / (width * height), offset };
    });
    const data = words.data()!;
    const made: GPUBuffer[] = [];
    const create = (bytes: number, usage: number): GPUBuffer => {
      const buffer = pool.create(bytes, usage);
      made.push(buffer);
      return buffer;
    };
    try {
      const uniforms = create(data.byteLength, bufferUsage.timedUniforms);
      const buffers = new Map(used.map((slot) => [slot, create(Math.ceil(slots[slot].bytes / 4) * 4, bufferUsage.timedOperands)]));
      await pool.verify(`timing ${dispatch.label}`);
      device.queue.writeBuffer(uniforms, 0, data);
      const groups: GPUBindGroup[] = [];
      const sample =
        (i: number, launches: number): Sample =>
        (pass) => {
          pass.setPipeline(candidates[i].pipeline.pipeline);
          pass.setBindGroup(0, groups[i]);
          for (let n = 0; n < launches; n++) pass.dispatchWorkgroups(...grids[i].workgroups);
        };
      const accepted = await Promise.all(
        candidates.map(({ launch, pipeline }, i) =>
          this.accepts(() => {
            const part = launch.isDivisible && { buffer: uniforms, offset: grids[i].offset, size: 16 };
            groups.push(bindLaunch(device, pipeline, launch, uniforms, offsets[i], (slot) => ({ buffer: buffers.get(slot)! }), part));
            return sample(i, 1);
          }),
        ),
      );
      const able = candidates.flatMap((_, i) => (accepted[i] || i === 0 ? i : []));
      const times = await compare(this.stopwatch, able.length, (n, launches) => sample(able[n], launches));
      return new Map([...times].map(([n, time]) => [candidates[able[n]], time / grids[able[n]].share]));
    } finally {
      for (const buffer of made) pool.destroy(buffer);
    }
  }

  /** Whether the device accepts a sample, which is recorded and then discarded. A refusal must not count as an error of the device. */
  private async accepts(prepare: () => Sample): Promise<boolean> {
    const { device } = this.context;
    device.pushErrorScope('validation');
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    prepare()(pass);
    pass.end();
    encoder.finish();
    return (await device.popErrorScope()) === null;
  }
}
