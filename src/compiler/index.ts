// The compiler: graph in, Program out. It uses the op contract and does not depend on any runtime.
export { type CompilerOptions, compileGraph, compileStepwise } from './compile.ts';
export { type HeldTensor, type ProgramMemory, describeTensors, largestTensors, programMemory } from './memoryReport.ts';
export { type PassName } from './pass.ts';
export type { AlternativeLaunches, Binding, Dispatch, Launch, Meaning, Program, ProgramOutput, Slot } from './program.ts';
export { printProgram } from './program.ts';
export { type Donation } from './schedule.ts';
export { simplify } from './simplify.ts';
