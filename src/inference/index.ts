// Models and functions as exporters take them: their graph of inference, with names for inputs and outputs. It writes no format.
export { type ExportInput, type ExportInputs, type FunctionInputs, functionInputs } from './functionInputs.ts';
export { type ModelFunction, modelFunction } from './modelFunction.ts';
export { type NamedTensor, namedTensors, namesOfLeaves } from './namedTensors.ts';
