// Additional results of tests: the largest error relative to its bound, and the number of gradients and PyTorch vectors compared. They are
// stored in the test's meta, which vitest collects from processes and browsers. scripts/testing prints them.
import { beforeEach } from 'vitest';

export interface Worst {
  /** Error divided by the bound. Above 1 the test fails. */
  readonly ratio: number;
  readonly what: string;
}

/** Figures about the whole list of ops. */
export interface Coverage {
  /** Names in the API list, and how many of them are exported. */
  readonly listed: number;
  readonly exported: number;
  readonly definitions: number;
  /** Functions and definitions that have no gradient and no stated reason for it. */
  readonly withoutReason: readonly string[];
}

/** The largest difference from the expected numbers: relative to those above 1, absolute for the others. */
export interface Difference {
  readonly error: number;
  readonly what: string;
}

export interface Findings {
  vectors: number;
  gradients: number;
  worst: Record<string, Worst>;
  /** Largest difference by family, for the table of docs/accuracy.md. */
  differences?: Record<string, Difference>;
  /** Guard zones that were compared after a dispatch, and guard zones that were overwritten. */
  guards?: { checked: number; violated: number };
  coverage?: Coverage;
}

declare module 'vitest' {
  interface TaskMeta {
    findings?: Findings;
  }
}

let current: Findings | undefined;

// vitest gives every importing file a new copy of this module, and of this hook.
beforeEach(({ task }) => {
  current = undefined;
  ownFindings = () => (current ??= task.meta.findings = { vectors: 0, gradients: 0, worst: {} });
});

let ownFindings = (): Findings => {
  throw new Error('findings belong to a test; call this while a test runs');
};

/** Notes an error and its bound. The report has the worst one of each family of ops. */
export function noteError(family: string, what: string, error: number, allowed: number): void {
  const share = error === 0 ? 0 : error / allowed;
  const ratio = Number.isNaN(share) ? Infinity : share;
  const { worst } = ownFindings();
  if (!(family in worst) || ratio > worst[family].ratio) worst[family] = { ratio, what };
}

/** Notes the largest difference from golden numbers. `npm run accuracy` makes a table of them. Equal infinities do not differ. */
export function noteDifference(family: string, what: string, actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  let error = 0;
  for (let i = 0; i < expected.length; i++) {
    if (Object.is(actual[i], expected[i])) continue;
    const one = Math.abs(actual[i] - expected[i]) / Math.max(1, Math.abs(expected[i]));
    // NaN counts as the largest difference.
    error = Number.isNaN(one) ? Infinity : Math.max(error, one);
  }
  const differences = (ownFindings().differences ??= {});
  if (!(family in differences) || error > differences[family].error) differences[family] = { error, what };
}

/** Counts PyTorch results that this test has compared. */
export function noteVectors(count: number): void {
  ownFindings().vectors += count;
}

/** Counts gradients that this test has compared, one for each differentiated input. */
export function noteGradients(count: number): void {
  ownFindings().gradients += count;
}

/** Counts guard zones that were compared, and those that a kernel has overwritten. */
export function noteGuards(checked: number, violated: number): void {
  const { guards = { checked: 0, violated: 0 } } = ownFindings();
  ownFindings().guards = { checked: guards.checked + checked, violated: guards.violated + violated };
}

export function noteCoverage(coverage: Coverage): void {
  ownFindings().coverage = coverage;
}
