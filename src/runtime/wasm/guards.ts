// Guard zones: a debug mode for tests. The bytes after each range that a dispatch writes have a pattern before the dispatch and must have it
// afterwards. WebAssembly does not limit stores to a binding: a store beyond the zone is not seen.
import type { TensorType } from '../../graph/op.ts';
import { guardPattern, noteZone } from '../guardReport.ts';
import type { Heap } from './heap.ts';

/** The zone after a range that a dispatch writes: bytes from `start` to `end`. */
export interface Zone {
  /** The variable's name in the kernel. */
  readonly role: string;
  readonly type: TensorType;
  readonly start: number;
  readonly end: number;
}

/** Writes the zones of a dispatch. The function it returns compares them. Zones are whole words. */
export function guardZones(heap: Heap, program: string, dispatch: string, zones: readonly Zone[]): () => void {
  for (const { start, end } of zones) heap.words.fill(guardPattern, start / 4, end / 4);
  return () => {
    for (const { role, type, start, end } of zones) {
      if (end > start) noteZone({ program, dispatch, role, type }, heap.words.slice(start / 4, end / 4));
    }
  };
}
