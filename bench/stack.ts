// A stack runs jobs, each in a new browser or process. No pipeline is cached then, and a crash affects one engine only.
import type { EngineName, Job, Result, StackDevice } from './inside/job.ts';

/** The result of a job. A crash ended the page or the process. */
export type Outcome<J extends Job> =
  { readonly result: Result<J> } | { readonly error: string; readonly crashed: boolean; readonly turn: EngineName | undefined };

export const stackNames = ['chromium', 'node', 'cpu', 'cpu-chromium'] as const;
export type StackName = (typeof stackNames)[number];

export interface Stack {
  readonly name: StackName;
  readonly device: StackDevice;
  /** Browser or Node with its GPU driver, for the title of the table. */
  readonly description: string;
  run<J extends Job>(job: J, seconds: number): Promise<Outcome<J>>;
}

/** Answer of a job: a result, or an error that did not end the process. */
export type Answer = { readonly result: Result<Job> } | { readonly error: string };
