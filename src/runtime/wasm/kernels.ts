// Kernels that were compiled to WebAssembly, by their text.
import type { Dispatch } from '../../compiler/index.ts';
import { plainText } from '../../wgsl/index.ts';
import type { CompileOptions } from './compile.ts';
import { compileKernel } from './compile.ts';

/** Computes workgroups `begin` to `end` of a grid. `launch` is the address of the bindings, `stack` that of the local arrays. */
export type RunKernel = (launch: number, stack: number, begin: number, end: number, width: number, height: number) => void;

export interface Kernel {
  readonly run: RunKernel;
  readonly stackBytes: number;
}

export class KernelCache {
  built = 0;
  private readonly known = new Map<string, Promise<Kernel>>();
  private readonly memory: WebAssembly.Memory;
  private readonly options: CompileOptions;

  constructor(memory: WebAssembly.Memory, options: CompileOptions) {
    this.memory = memory;
    this.options = options;
  }

  get({ label, wgsl }: Dispatch): Promise<Kernel> {
    const key = plainText(wgsl);
    let kernel = this.known.get(key);
    if (!kernel) {
      kernel = this.build(label, wgsl);
      this.known.set(key, kernel);
      kernel.catch(() => this.known.delete(key));
    }
    return kernel;
  }

  private async build(label: string, wgsl: string): Promise<Kernel> {
    const { bytes, stackBytes } = compileKernel(label, wgsl, this.options);
    this.built++;
    const { instance } = await WebAssembly.instantiate(bytes, { env: { memory: this.memory } });
    return { run: instance.exports.run as RunKernel, stackBytes };
  }
}
