// Where jobs run: each in a fresh browser or process, so that no pipeline is cached and one engine's crash is not another's.
import type { EngineName, Job, Result } from './inside/job.ts';

/** How a job ended. A crash is one that took the page or the process with it. */
export type Outcome<J extends Job> =
  { readonly result: Result<J> } | { readonly error: string; readonly crashed: boolean; readonly turn: EngineName | undefined };

export interface Stack {
  readonly name: 'chromium' | 'node';
  /** Browser or Node with its GPU driver, for the head of the table. */
  readonly description: string;
  run<J extends Job>(job: J, seconds: number): Promise<Outcome<J>>;
}

/** What a runner inside answers: a result, or the error of an engine that does not end the process. */
export type Answer = { readonly result: Result<Job> } | { readonly error: string };
