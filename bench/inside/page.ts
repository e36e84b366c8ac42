// The entry in a page. The runner calls window.runJob.
import type { Job } from './job.ts';
import { measure, type Turn } from './measure.ts';

declare global {
  var runJob: (job: Job) => Promise<unknown>;
  var reportTurn: Turn;
}

globalThis.runJob = (job) => measure(job, (engine) => globalThis.reportTurn(engine));
