// What a test has to tell beside passed or failed: how near its results came to what is allowed, and how many gradients and vectors of PyTorch
// it compared. It travels as the test's meta, which vitest brings home from processes and browsers alike; scripts/testing prints it.
import { beforeEach } from 'vitest';

export interface Worst {
  /** The error as a share of what is allowed: above 1 is wrong. */
  readonly ratio: number;
  readonly what: string;
}

/** Figures about the whole list of ops. */
export interface Coverage {
  /** Names in the API list, and how many of them are exported. */
  readonly listed: number;
  readonly exported: number;
  readonly definitions: number;
  /** Functions and definitions without a gradient for which no reason is stated. */
  readonly withoutReason: readonly string[];
}

export interface Findings {
  vectors: number;
  gradients: number;
  worst: Record<string, Worst>;
  /** Guard zones that were compared after a dispatch, and those that were overwritten. */
  guards?: { checked: number; violated: number };
  coverage?: Coverage;
}

declare module 'vitest' {
  interface TaskMeta {
    findings?: Findings;
  }
}

let current: Findings | undefined;

// Every file that imports this one gets a fresh copy of it from vitest, and with it this hook.
beforeEach(({ task }) => {
  current = undefined;
  ownFindings = () => (current ??= task.meta.findings = { vectors: 0, gradients: 0, worst: {} });
});

let ownFindings = (): Findings => {
  throw new Error('findings belong to a test: note them while one runs');
};

/** Notes an error beside the bound that it is held to; the worst of each family of ops is reported. */
export function noteError(family: string, what: string, error: number, allowed: number): void {
  const share = error === 0 ? 0 : error / allowed;
  const ratio = Number.isNaN(share) ? Infinity : share;
  const { worst } = ownFindings();
  if (!(family in worst) || ratio > worst[family].ratio) worst[family] = { ratio, what };
}

/** Counts results of PyTorch that this test compared. */
export function noteVectors(count: number): void {
  ownFindings().vectors += count;
}

/** Counts gradients that this test compared, one for each differentiated input. */
export function noteGradients(count: number): void {
  ownFindings().gradients += count;
}

/** Counts guard zones that were compared and that a kernel has overwritten. */
export function noteGuards(checked: number, violated: number): void {
  const { guards = { checked: 0, violated: 0 } } = ownFindings();
  ownFindings().guards = { checked: guards.checked + checked, violated: guards.violated + violated };
}

export function noteCoverage(coverage: Coverage): void {
  ownFindings().coverage = coverage;
}
