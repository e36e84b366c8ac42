// The steps of a tiled kernel through a k that is cut into segments. Each counter holds the segment and the position in it, and each load
// keeps the run that it reads. A run is computed again only when its segment changes, so a stage has no division.
import { indent } from '../../wgsl/index.ts';

/** A run that a load keeps. `value` is the WGSL of the run in a segment. */
interface Kept {
  readonly name: string;
  readonly value: (segment: string) => string;
}

interface Counter {
  /** Suffix of the counter's variables. */
  readonly name: string;
  /** WGSL of its first k. */
  readonly first: string;
  readonly runs: Kept[];
}

/** WGSL of the segment and the position in it from which a load reads. */
export interface SegmentPlace {
  readonly segment: string;
  readonly position: string;
}

export class SegmentWalk {
  /** Whether every stage is within one segment. All loads then share one counter. */
  readonly isAligned: boolean;
  private readonly inner: number;
  private readonly depth: number;
  private readonly counters = new Map<string, Counter>();

  /** `inner`: length of a segment. `depth`: k's of a stage. */
  constructor(inner: number, depth: number) {
    this.inner = inner;
    this.depth = depth;
    this.isAligned = inner % depth === 0;
  }

  /**
   * Adds a load whose k starts at `first + offset`. Loads with the same `key` have the same k. Returns WGSL of its segment and of its position
   * in the segment.
   */
  add(key: string, offset: string, runs: readonly Kept[]): SegmentPlace {
    const id = this.isAligned ? '' : key;
    let counter = this.counters.get(id);
    if (!counter) {
      counter = { name: String(this.counters.size), first: this.isAligned ? 'first' : `first + ${offset}`, runs: [] };
      this.counters.set(id, counter);
    }
    counter.runs.push(...runs);
    const position = `position${counter.name}`;
    return { segment: `segment${counter.name}`, position: this.isAligned ? `${position} + ${offset}` : position };
  }

  /** Declares the counters and the runs of the first stage. */
  declare(): string[] {
    return [...this.counters.values()].flatMap(({ name, first, runs }) => [
      `var segment${name} = (${first}) / params.inner;`,
      `var position${name} = (${first}) % params.inner;`,
      ...runs.map((run) => `var ${run.name} = ${run.value(`segment${name}`)};`),
    ]);
  }

  /** Moves to the next stage. */
  step(): string[] {
    return [...this.counters.values()].flatMap(({ name, runs }) => {
      const next = [`position${name} -= params.inner;`, `segment${name}++;`];
      return [
        `position${name} += ${this.depth}u;`,
        `if (position${name} >= params.inner) {`,
        // A stage may pass several short segments.
        ...indent(this.inner < this.depth ? [`while (position${name} >= params.inner) { ${next.join(' ')} }`] : next),
        ...indent(runs.map((run) => `${run.name} = ${run.value(`segment${name}`)};`)),
        '}',
      ];
    });
  }
}
