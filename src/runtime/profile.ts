// What a profile says, whatever measured it: kernels with their times, sums, and an honest word about the clock.

export interface KernelTime {
  /** What it does and for whom, such as `dense_1: matmul + add + relu`. */
  readonly name: string;
  /** The place in the model it came from, such as `dense_1` or `metrics/accuracy`; empty outside of any. */
  readonly scope: string;
  /** The ops that were fused into it, repeated ones as often as they occur. */
  readonly ops: readonly string[];
  /** How many times it was dispatched. */
  readonly count: number;
  /** Of all its dispatches together. */
  readonly milliseconds: number;
  /** Of the time of all kernels, 0 to 1. */
  readonly share: number;
}

/**
 * `timestamps`: the GPU's own clock, before and after each kernel. `waiting`: the host's clock, with a submit and a wait for each kernel.
 * `host`: the CPU runtime, op by op.
 */
export type ProfileClock = 'timestamps' | 'waiting' | 'host';

export interface Profile {
  /** The longest first. */
  readonly kernels: readonly KernelTime[];
  /** Sum over the kernels. */
  readonly milliseconds: number;
  /** From the call to the end of the last kernel, with everything between kernels. Longer than without profiling: kernels are kept apart. */
  readonly wallMilliseconds: number;
  /** Programs run: each is one submit when nothing is profiled. */
  readonly submits: number;
  readonly dispatches: number;
  /** Of device memory that the largest program holds at once, by its plan: inputs, results and scratch. 0 on the CPU, which has no plan. */
  readonly bytes: number;
  readonly clock: ProfileClock;
  /** Milliseconds below which the clock tells nothing apart; undefined where it is not known. */
  readonly resolution: number | undefined;
  /** How the times were taken, and how far to trust them. */
  readonly note: string;
  /** The kernels as a table, one line each. */
  toString(): string;
}

/** A kernel, as programs and graphs name it. */
export interface KernelName {
  readonly label: string;
  readonly scope: string;
  readonly ops: readonly string[];
}

/** Collects what ran; a runtime has one while it profiles. */
export class ProfileLog {
  private readonly times = new Map<string, { kernel: KernelName; count: number; milliseconds: number }>();
  private readonly began = performance.now();
  private submits = 0;
  private bytes = 0;

  /** A program of so many bytes begins to run. */
  submit(bytes: number): void {
    this.submits++;
    this.bytes = Math.max(this.bytes, bytes);
  }

  add(kernel: KernelName, milliseconds: number): void {
    // The label tells many ops by their number only.
    const key = `${kernel.label}\n${kernel.ops.join()}`;
    const entry = this.times.get(key);
    if (entry) {
      entry.count++;
      entry.milliseconds += milliseconds;
    } else this.times.set(key, { kernel, count: 1, milliseconds });
  }

  finish(clock: ProfileClock, note: string, resolution?: number): Profile {
    const wallMilliseconds = performance.now() - this.began;
    const entries = [...this.times.values()].sort((a, b) => b.milliseconds - a.milliseconds);
    const total = entries.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
    const profile = {
      kernels: entries.map(({ kernel: { label, scope, ops }, count, milliseconds }): KernelTime => ({
        name: label,
        scope,
        ops,
        count,
        milliseconds,
        share: total > 0 ? milliseconds / total : 0,
      })),
      milliseconds: total,
      wallMilliseconds,
      submits: this.submits,
      dispatches: entries.reduce((sum, { count }) => sum + count, 0),
      bytes: this.bytes,
      clock,
      resolution,
      note,
    };
    // Not enumerable: what is posted to another thread or compared is plain data.
    return Object.defineProperty(profile, 'toString', { value: () => printProfile(profile) });
  }
}

function printProfile({ kernels, milliseconds, wallMilliseconds, submits, dispatches, bytes, note }: Omit<Profile, 'toString'>): string {
  const memory = bytes > 0 ? `, ${(bytes / 2 ** 20).toFixed(1)} MB` : '';
  const lines = [
    `${dispatches} dispatches of ${kernels.length} kernels in ${submits} submits${memory}: ${milliseconds.toFixed(2)} ms of ${wallMilliseconds.toFixed(2)} ms`,
  ];
  if (kernels.length > 0) lines.push('  share          ms  count  kernel');
  for (const { name, count, milliseconds: time, share } of kernels) {
    lines.push(`${(share * 100).toFixed(1).padStart(5)} %  ${time.toFixed(3).padStart(10)}  ${String(count).padStart(5)}  ${name}`);
  }
  return [...lines, note].join('\n');
}
