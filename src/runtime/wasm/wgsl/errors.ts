// Errors of WGSL that cannot be compiled to WebAssembly.

/** A construct that the compiler does not know. compileKernel() turns it into a ShaderError with the kernel's name and text. */
export class UnknownConstruct extends Error {}

export function unknownConstruct(what: string, line?: number): never {
  throw new UnknownConstruct(`${line === undefined ? '' : `line ${line}: `}the compiler to WebAssembly does not know ${what}`);
}
