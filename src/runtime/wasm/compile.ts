// Compiles the WGSL of a kernel to a WebAssembly module.
import { ShaderError } from '../../core/errors.ts';
import { libraryFor } from '../../wgsl/index.ts';
import { encodeModule } from './ir/encode.ts';
import { libraryNames } from './lower/builtins.ts';
import { type Manner, lowerKernel } from './lower/entry.ts';
import type { KernelOptions, Kernel } from './lower/kernel.ts';
import { Rejected } from './lower/strip.ts';
import { UnknownConstruct } from './wgsl/errors.ts';
import { parseModule } from './wgsl/parse.ts';
import type { Expression, ModuleSyntax, TypeSyntax } from './wgsl/syntax.ts';

export interface CompileOptions extends KernelOptions {
  /** The memory is shared between threads. */
  readonly isShared: boolean;
}

export interface CompiledKernel {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Bytes of local arrays that each thread needs. */
  readonly stackBytes: number;
  readonly manner: Manner;
}

/** The module of a text, with the functions of the library that take the place of builtins. */
function parsed(wgsl: string): ModuleSyntax {
  const module = parseModule(wgsl);
  const called = Object.entries(libraryNames).flatMap(([builtin, name]) => (new RegExp(`\\b${builtin}\\(`).test(wgsl) ? `${name}(` : []));
  if (called.length === 0) return module;
  const library = parseModule(libraryFor(called.join(' ')));
  return {
    ...module,
    constants: new Map([...library.constants, ...module.constants]),
    functions: new Map([...library.functions, ...module.functions]),
  };
}

/** Whether a type as written has vectors of four. */
const hasVec4 = (type: TypeSyntax | Expression): boolean =>
  'kind' in type ? false : type.name.startsWith('vec4') || type.arguments.some(hasVec4);

function lowered(module: ModuleSyntax, options: KernelOptions): { kernel: Kernel; manner: Manner } {
  const loops = lowerKernel(module, options, 'loops');
  const hasVectors = [...module.variables.values()].some(({ type, space }) => space === 'storage' && hasVec4(type));
  if (loops.strips > 0 || hasVectors) return { kernel: loops, manner: 'loops' };
  try {
    return { kernel: lowerKernel(module, options, 'invocations'), manner: 'invocations' };
  } catch (error) {
    if (!(error instanceof Rejected)) throw error;
    return { kernel: loops, manner: 'single' };
  }
}

/** @throws ShaderError for a construct that the compiler does not know. */
export function compileKernel(name: string, wgsl: string, options: CompileOptions): CompiledKernel {
  try {
    const { kernel, manner } = lowered(parsed(wgsl), options);
    return { bytes: encodeModule(kernel.builder, options.isShared), stackBytes: kernel.stackBytes, manner };
  } catch (error) {
    if (!(error instanceof UnknownConstruct)) throw error;
    throw new ShaderError(name, wgsl, `wasm: ${error.message}`);
  }
}
