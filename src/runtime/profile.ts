// Profiles: kernels with their times, the sums, and a note on the accuracy of the clock.

export interface KernelTime {
  /** Scope and ops, such as `dense_1: matmul + add + relu`. */
  readonly name: string;
  /** Part of the model, such as `dense_1` or `metrics/accuracy`. Empty outside of a scope. */
  readonly scope: string;
  /** The fused ops. Repeated ones are listed as often as they occur. */
  readonly ops: readonly string[];
  /** Number of dispatches. */
  readonly count: number;
  /** Total time of all its dispatches. */
  readonly milliseconds: number;
  /** Share of the time of all kernels, 0 to 1. */
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
  /**
   * Time from the call to the end of the last kernel, with the time between kernels. Longer than without profiling, because kernels run
   * separately.
   */
  readonly wallMilliseconds: number;
  /** Number of programs run. Each is one submit without profiling. */
  readonly submits: number;
  readonly dispatches: number;
  /** Bytes of device memory that the largest program takes at its peak: inputs, results and scratch. 0 on the CPU. */
  readonly bytes: number;
  readonly clock: ProfileClock;
  /** Shortest time in milliseconds that the clock can distinguish. Undefined if it is not known. */
  readonly resolution: number | undefined;
  /** How the times were taken, and how accurate they are. */
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

/** Collects the times while a runtime profiles. */
export class ProfileLog {
  private readonly times = new Map<string, { kernel: KernelName; count: number; milliseconds: number }>();
  private readonly began = performance.now();
  private submits = 0;
  private bytes = 0;

  /** Counts a run of a program that takes this many bytes. */
  submit(bytes: number): void {
    this.submits++;
    this.bytes = Math.max(this.bytes, bytes);
  }

  add(kernel: KernelName, milliseconds: number): void {
    // A label shortens long lists of ops, so the key has all of them.
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
    // Not enumerable, so that the profile can be posted to another thread and compared as plain data.
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
