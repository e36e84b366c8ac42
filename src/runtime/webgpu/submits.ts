// Cuts a program into submits, and long dispatches into parts of their grids.
import type { Dispatch, Launch } from '../../compiler/index.ts';

/** A rectangle of a grid, in workgroups. */
export interface GridPart {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** One call of dispatchWorkgroups. */
export interface PartLaunch {
  /** Number of the dispatch. */
  readonly dispatch: number;
  /** Number of the part. */
  readonly part: number;
  readonly isLastPart: boolean;
  readonly workgroups: readonly [number, number, number];
}

export interface SubmitPlan {
  /** The launches of each submit, in order. */
  readonly submits: readonly (readonly PartLaunch[])[];
  /** Parts of each divisible dispatch. */
  readonly parts: ReadonlyMap<number, readonly GridPart[]>;
}

/** Maximum number of parts of a dispatch. */
const maxParts = 1024;

/** Cuts a grid into about `count` parts: whole rows if it has several, otherwise runs of workgroups. */
export function partsOf([width, height]: Launch['workgroups'], count: number, minWorkgroups = 1): readonly GridPart[] {
  const most = Math.max(1, Math.floor((width * height) / minWorkgroups));
  const limited = Math.max(1, Math.min(count, most, maxParts));
  const rows = Math.max(1, Math.ceil(height / limited));
  const columns = Math.max(1, Math.ceil(width / Math.max(1, Math.floor(limited / Math.max(1, height)))));
  const parts: GridPart[] = [];
  for (let y = 0; y < Math.max(1, height); y += rows) {
    for (let x = 0; x < Math.max(1, width); x += columns) {
      parts.push({ x, y, width: Math.min(columns, width - x), height: Math.min(rows, height - y) });
    }
  }
  return parts;
}

/** Plans submits of at most `maxOperations` each, if dispatches can be cut so. */
export function planSubmits(
  dispatches: readonly Pick<Dispatch, 'workgroups' | 'isDivisible' | 'operations'>[],
  maxOperations: number,
  minWorkgroups: number,
): SubmitPlan {
  const submits: PartLaunch[][] = [[]];
  const parts = new Map<number, readonly GridPart[]>();
  let held = 0;
  dispatches.forEach(({ workgroups, isDivisible, operations }, dispatch) => {
    const own = isDivisible ? partsOf(workgroups, Math.ceil(operations / maxOperations), minWorkgroups) : undefined;
    if (own) parts.set(dispatch, own);
    const grids = own?.map(({ width, height }) => [width, height, 1] as const) ?? [workgroups];
    grids.forEach((grid, part) => {
      const share = operations / grids.length;
      if (held > 0 && held + share > maxOperations) {
        submits.push([]);
        held = 0;
      }
      held += share;
      submits[submits.length - 1].push({ dispatch, part, isLastPart: part === grids.length - 1, workgroups: grid });
    });
  });
  return { submits, parts };
}
