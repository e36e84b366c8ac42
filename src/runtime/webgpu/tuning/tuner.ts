// Times the kernels that do the same work against each other, on the device that runs them and between its steps, and gives programs the
// fastest. A program is looked at when it has run twice; the engine grants each contest a turn of its own, so that nothing else is on the queue.
import type { Dispatch, Launch, Slot } from '../../../compiler/index.ts';
import type { GpuContext } from '../context.ts';
import type { GpuExecutable } from '../executable.ts';
import { UniformWords, bindLaunch } from '../launch.ts';
import type { Pipeline, PipelineCache } from '../pipelines.ts';
import { type Lap, Stopwatch } from '../stopwatch.ts';
import { type Choices, identify } from './choices.ts';
import { compare } from './laps.ts';
import { bufferUsage } from '../usage.ts';

/** The kernel a program was compiled with stays unless another takes less than this share of its time. */
const worthwhile = 0.97;
/** Bytes that a contest may take for its operands. */
const memoryAllowed = 512 * 2 ** 20;

/** How the kernels for one piece of work compared. */
export interface TunedKernel {
  /** What the work is and for whom: `dense_1: matmul + add + relu (matmul_tiled)`, named as the kernel it was compiled with. */
  readonly kernel: string;
  /** The range of sizes it was chosen for. */
  readonly bucket: string;
  /** Label of the kernel chosen. */
  readonly chosen: string;
  /** Milliseconds of one launch by label; those that do not compile here, or were far behind at once, are missing. */
  readonly milliseconds: Readonly<Record<string, number>>;
}

interface Contender {
  readonly launch: Launch;
  readonly pipeline: Pipeline;
}

/** A dispatch of a program. A dropped program is not kept for its contests. */
interface Place {
  readonly executable: WeakRef<GpuExecutable>;
  readonly index: number;
}

interface Contest {
  readonly key: string;
  readonly dispatch: Dispatch;
  readonly slots: readonly Slot[];
  /** Where the kernel is launched. */
  readonly places: Place[];
}

export class Tuner {
  readonly choices: Choices;
  /** Every contest held so far. */
  readonly results: TunedKernel[] = [];
  private readonly context: GpuContext;
  private readonly pipelines: PipelineCache;
  private readonly stopwatch: Stopwatch;
  /** Met and undecided. */
  private readonly open = new Map<string, Contest>();
  private readonly ready: { readonly contest: Contest; readonly contenders: readonly Contender[] }[] = [];
  private preparing: Promise<void> = Promise.resolve();

  constructor(context: GpuContext, pipelines: PipelineCache, choices: Choices) {
    this.context = context;
    this.pipelines = pipelines;
    this.choices = choices;
    this.stopwatch = new Stopwatch(context.device);
  }

  /** Builds a dispatch's pipeline: of the kernel chosen for it before, where there is one that compiles. */
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

  /** Looks for kernels of a program that are still to be chosen; builds what it takes to time them, one after the other, behind its back. */
  consider(executable: GpuExecutable): void {
    const { slots, dispatches } = executable.program;
    dispatches.forEach((dispatch, index) => {
      const key = this.choices.keyOf(dispatch);
      if (key === undefined) return;
      const place = { executable: new WeakRef(executable), index };
      const met = this.open.get(key);
      if (met) met.places.push(place);
      else if (this.choices.get(key) === undefined) {
        const contest = { key, dispatch, slots, places: [place] };
        this.open.set(key, contest);
        // Nobody awaits this: whatever goes wrong, the kernel stays.
        this.preparing = this.preparing.then(() => this.prepare(contest)).catch(() => void this.open.delete(key));
      } else this.adopt([place]).catch(() => undefined); // the kernel stays
    });
  }

  /** Gives programs that were built before the choice their own launches of the kernel chosen. */
  private async adopt(places: readonly Place[]): Promise<void> {
    for (const { executable, index } of places) {
      const dispatch = executable.deref()?.program.dispatches[index];
      const preferred = dispatch && this.choices.preferred(dispatch);
      const pipeline = preferred && (await this.pipelines.get(preferred).catch(() => undefined));
      if (pipeline) executable.deref()?.adopt(index, preferred, pipeline);
    }
  }

  private async prepare(contest: Contest): Promise<void> {
    const alternatives = contest.dispatch.alternatives!;
    const launches = [contest.dispatch, ...alternatives.names.map((_, n) => alternatives.variant(n))];
    const built = await Promise.allSettled(launches.map((launch) => this.pipelines.get(launch)));
    const contenders = built.flatMap((result, i) => (result.status === 'fulfilled' ? { launch: launches[i], pipeline: result.value } : []));
    this.context.assertAlive(); // of a lost device nothing compiles
    if (contenders.length > 1) this.ready.push({ contest, contenders });
    else await this.decide(contest, contest.dispatch);
  }

  /** The next contest, for the engine to run when nothing else is on the queue; undefined while none is prepared. */
  take(): (() => Promise<void>) | undefined {
    const next = this.ready.shift();
    return next && ((): Promise<void> => this.run(next.contest, next.contenders));
  }

  /** Resolves when every contest met so far is prepared. */
  async prepared(): Promise<void> {
    let awaited: Promise<void>;
    do await (awaited = this.preparing);
    while (awaited !== this.preparing);
  }

  private async run(contest: Contest, contenders: readonly Contender[]): Promise<void> {
    const { launch: first } = contenders[0];
    let winner = contenders[0];
    try {
      const times = await this.race(contest, contenders);
      // Of a lost device all work is done at once; that it is lost is told a moment later.
      await new Promise((resolve) => setTimeout(resolve));
      this.context.assertAlive();
      for (const [contender, time] of times) if (time < times.get(winner)!) winner = contender;
      if (times.get(winner)! > worthwhile * times.get(contenders[0])!) winner = contenders[0];
      const milliseconds = Object.fromEntries([...times].map(([{ launch }, time]) => [launch.label, time]));
      const { bucket } = contest.dispatch.alternatives!;
      this.results.push({ kernel: first.label, bucket, chosen: winner.launch.label, milliseconds });
    } catch {
      // No memory for it, or the device went: the kernel stays, and is timed another day.
      this.open.delete(contest.key);
      return;
    }
    await this.decide(contest, winner.launch);
    for (const loser of contenders.slice(1)) if (loser !== winner) this.pipelines.forget(loser.launch);
  }

  private async decide({ key, places }: Contest, launch: Launch): Promise<void> {
    this.choices.set(key, identify(launch));
    this.open.delete(key);
    await this.adopt(places);
  }

  /** Milliseconds of one launch each, over operands of zeros: what a product takes does not depend on its numbers. */
  private async race({ dispatch, slots }: Contest, contenders: readonly Contender[]): Promise<Map<Contender, number>> {
    const { pool, device } = this.context;
    const used = [...new Set(dispatch.bindings.map(({ slot }) => slot))];
    if (used.reduce((sum, slot) => sum + slots[slot].bytes, 0) > memoryAllowed) throw new RangeError('too large to be timed beside a step');
    const words = new UniformWords();
    const places = contenders.map(({ launch }) => words.add(launch));
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
      const lap =
        (i: number, launches: number): Lap =>
        (pass) => {
          pass.setPipeline(contenders[i].pipeline.pipeline);
          pass.setBindGroup(0, groups[i]);
          for (let n = 0; n < launches; n++) pass.dispatchWorkgroups(...contenders[i].launch.workgroups);
        };
      const accepted = await Promise.all(
        contenders.map(({ launch, pipeline }, i) =>
          this.accepts(() => {
            groups.push(bindLaunch(device, pipeline, launch, uniforms, places[i], (slot) => ({ buffer: buffers.get(slot)! })));
            return lap(i, 1);
          }),
        ),
      );
      const able = contenders.flatMap((_, i) => (accepted[i] || i === 0 ? i : []));
      const times = await compare(this.stopwatch, able.length, (n, launches) => lap(able[n], launches));
      return new Map([...times].map(([n, time]) => [contenders[able[n]], time]));
    } finally {
      for (const buffer of made) pool.destroy(buffer);
    }
  }

  /** Whether the device takes a lap, which is recorded and thrown away: what it refuses is no choice, and must not be told as an error of the device. */
  private async accepts(prepare: () => Lap): Promise<boolean> {
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
