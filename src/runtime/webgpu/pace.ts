// How much work one submit may hold. Drivers reset a device that does not answer for two seconds, and a page is not drawn during a submit.
// Steps that may take longer are cut into several submits, by the time that earlier steps took. Results do not depend on the cuts.
import type { Target } from '../../graph/op.ts';
import { debug } from '../debug.ts';

/**
 * Maximum milliseconds of work in one submit. Work is at most as long as this, and at least half as long if it can be cut. No driver resets an
 * adapter that computes on the CPU. Its steps are long if other programs use the CPU too.
 */
export const maxSubmitTime = { gpu: 100, cpu: 1000 };

/** Operations in a millisecond, before any step is timed: a slow GPU, and a CPU with few cores. */
const firstRates = { gpu: 3e8, cpu: 1e7 };
/** A program that is not timed yet counts as at most this many times as fast as `firstRates`: another program may suit the device better. */
const maxTrust = 8;
/** A rate is never below this share of `firstRates`: a step may be long because the page was busy. */
const minShare = 1 / 64;
/** Number of steps whose longest time counts. Some are reported late, together with later ones. */
const timedSteps = 4;
/** Milliseconds of a step from which on it says something about other programs. */
const minStepTime = 5;

/** Operations in a millisecond of the last program that was timed. All programs of a device share it. */
export class DeviceRate {
  readonly first: number;
  latest: number;
  /** Maximum milliseconds of work in one submit. */
  readonly maxTime: number;
  /** Minimum number of workgroups of a part of a dispatch. Fewer leave cores idle. */
  readonly minWorkgroups: number;
  /** Fixed number of operations of a submit, in tests. */
  readonly fixed = debug.submitOperations;

  constructor(processor: Target['processor']) {
    this.first = this.latest = firstRates[processor];
    this.maxTime = maxSubmitTime[processor];
    this.minWorkgroups = this.fixed !== undefined ? 1 : processor === 'gpu' ? 64 : 8;
  }
}

/** Decides how many operations a submit of one program holds. */
export class Pace {
  private readonly operations: number;
  private readonly device: DeviceRate;
  private readonly times: number[] = [];

  /** `operations`: estimate of one step. */
  constructor(operations: number, device: DeviceRate) {
    this.operations = operations;
    this.device = device;
  }

  /** Notes the time of one step. */
  note(milliseconds: number): void {
    const { times, device, operations } = this;
    times.push(milliseconds);
    if (times.length > timedSteps) times.shift();
    const longest = Math.max(...times);
    if (times.length === timedSteps && longest >= minStepTime) device.latest = operations / longest;
  }

  private get rate(): number {
    const { times, device, operations } = this;
    const rate = times.length < timedSteps ? Math.min(device.latest, maxTrust * device.first) : operations / Math.max(...times);
    return Math.max(rate, minShare * device.first);
  }

  /** Maximum number of operations in a submit: a power of two, so that it rarely changes. Infinity if the whole step fits. */
  get maxOperations(): number {
    const most = this.device.fixed ?? 2 ** Math.floor(Math.log2(this.rate * this.device.maxTime));
    return this.operations <= most ? Infinity : most;
  }

  get minWorkgroups(): number {
    return this.device.minWorkgroups;
  }
}
