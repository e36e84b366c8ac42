// WGSL as text: kernel files with parts that are set by name, types and literals, the library of shaders/, whole modules. Regular
// expressions on WGSL are used in this folder only. It depends on core and shaders/, and not on ops, graphs or devices.
export { type Access, type Binding, type StorageBinding, declareStorage, findBindings } from './bindings.ts';
export { type Epilogue, type Span, findEpilogue, replaceBlock } from './blocks.ts';
export { callsOtherThan, mentions, parenthesized } from './expressions.ts';
export { gridPartWords, withGridPart } from './gridPart.ts';
export { type FilledKernel, type Filling, type KernelFile, type KernelSource, fillKernel, parseKernel } from './kernelSource.ts';
export { ofLanes } from './lanes.ts';
export { inlinedSize, libraryFor, provideFunctions } from './library.ts';
export { f32Bits, f32Literal, finiteLiteral, fromWord, isLiteral, isZeroLiteral, wordOf } from './literals.ts';
export { enabledIn, indent, moduleOf, plainText, titled } from './module.ts';
export { type ParamValue, type ParamValues, type StructLayout, declareStruct, layOut, parseStruct, wordFields } from './struct.ts';
export { type StorageType, type ValueType, computeType, loaded, storageType, stored, valueType } from './types.ts';
export { UniformFields } from './uniformFields.ts';
