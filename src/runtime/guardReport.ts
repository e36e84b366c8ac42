// The report of guard zones: bytes after the ranges that dispatches write, which must keep their pattern. A debug mode for tests.
import { bytesPerElement, storedBytes } from '../core/dtype.ts';
import { formatShape } from '../core/shape.ts';
import type { TensorType } from '../graph/op.ts';

/** A NaN of unusual bits: a kernel that reads a zone and uses the number gives NaN. */
export const guardPattern = 0x7fc5a5a5;

/** All guard zones of this process or page, on all devices. */
const all = {
  checked: 0,
  /** The same since the start. */
  checkedEver: 0,
  violations: [] as string[],
  pending: new Set<Promise<void>>(),
};

/** Waits for all checks under way. Returns the zones checked and the violations found since the last call. */
export async function takeGuardReport(): Promise<{ checked: number; violations: readonly string[] }> {
  while (all.pending.size > 0) await Promise.all(all.pending);
  const { checked } = all;
  all.checked = 0;
  return { checked, violations: all.violations.splice(0) };
}

/** Number of zones compared since the start of this process or page. */
export const zonesCompared = (): number => all.checkedEver;

/** Adds a check under way, for takeGuardReport(). A text that it resolves to is a violation. */
export function noteCheck(check: Promise<string | void>): void {
  const checking = check.then((problem) => {
    if (problem) all.violations.push(problem);
  });
  all.pending.add(checking);
  void checking.then(() => all.pending.delete(checking));
}

/** The range before a zone, for messages. */
interface ZoneSource {
  readonly program: string;
  readonly dispatch: string;
  readonly role: string;
  readonly type: TensorType;
}

/**
 * Compares the words of a zone after its dispatch. Reports `train: 'dense: matmul' writes beyond out f32[32,1]: element 33 is overwritten, the
 * last is 31`.
 */
export function noteZone({ program, dispatch, role, type }: ZoneSource, words: Uint32Array | Int32Array): void {
  all.checked++;
  all.checkedEver++;
  const word = words.findIndex((found) => found !== guardPattern);
  if (word < 0) return;
  const element = (storedBytes(type) + 4 * word) / bytesPerElement(type.dtype);
  const last = type.shape.reduce((size, n) => size * n, 1) - 1;
  all.violations.push(
    `${program}: '${dispatch}' writes beyond ${role} ${type.dtype}${formatShape(type.shape)}: element ${element} is overwritten, the last is ${last}`,
  );
}
