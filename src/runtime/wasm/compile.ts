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
import type { ModuleSyntax } from './wgsl/syntax.ts';

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

/** The text with the functions of the library that builtins need. */
function withLibrary(wgsl: string): string {
  const called = Object.entries(libraryNames).filter(([name]) => new RegExp(`\\b${name}\\(`).test(wgsl));
  if (!called.length) return wgsl;
  const wanted = called.map(([, name]) => `${name}(`).join(' ');
  const own = new Set([...wgsl.matchAll(/\bfn (\w+)\(/g)].map(([, name]) => name));
  const items = libraryFor(wanted)
    .split(/\n\n(?=(?:\/\/|fn |const ))/)
    .filter((item) => ![...item.matchAll(/\b(?:fn|const) (\w+)/g)].some(([, name]) => own.has(name) || wgsl.includes(`const ${name} `)));
  return `${wgsl}\n${items.join('\n\n')}`;
}

function lowered(module: ModuleSyntax, options: KernelOptions): { kernel: Kernel; manner: Manner } {
  const loops = lowerKernel(module, options, 'loops');
  const hasVectors = [...module.variables.values()].some(({ type, space }) => space === 'storage' && JSON.stringify(type).includes('vec4'));
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
    const { kernel, manner } = lowered(parseModule(withLibrary(wgsl)), options);
    return { bytes: encodeModule(kernel.builder, options.isShared), stackBytes: kernel.stackBytes, manner };
  } catch (error) {
    if (!(error instanceof UnknownConstruct)) throw error;
    throw new ShaderError(name, wgsl, `wasm: ${error.message}`);
  }
}
