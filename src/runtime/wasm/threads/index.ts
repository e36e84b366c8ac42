// Threads of the WebAssembly runtime: workers on one shared memory that split the workgroups of a dispatch. This folder does not import programs or the compiler.
export { Crew, type CrewOptions, maxThreads } from './crew.ts';
export type { Failure, RunKernel } from './thread.ts';
