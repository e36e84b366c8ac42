// The compiler: graph in, Program out. It knows the op contract and no runtime.
export { type CompilerOptions, compileGraph, compileStepwise } from './compile.ts';
export { type HeldTensor, type ProgramMemory, describeTensors, largestTensors, programMemory } from './memoryReport.ts';
export { type PassName } from './pass.ts';
export { type Binding, type Dispatch, type Launch, type Program, type ProgramOutput, type Slot, printProgram } from './program.ts';
export { type Donation } from './schedule.ts';
export { simplify } from './simplify.ts';
