// Kernels that were compiled to WebAssembly, by their text.
import type { Dispatch } from '../../compiler/index.ts';
import { plainText } from '../../wgsl/index.ts';
import type { CompileOptions } from './compile.ts';
import { compileKernel } from './compile.ts';
import type { Heap } from './heap.ts';
import type { RunKernel } from './threads/index.ts';

export type { RunKernel };

export interface Kernel {
  /** Address of its module in the memory: the number of bytes, then the bytes. Workers compile it from there. */
  readonly address: number;
  readonly stackBytes: number;
}

/** The threads that run kernels. */
export interface KernelUser {
  /** Makes a kernel known to the calling thread. */
  adopt(address: number, run: RunKernel): void;
}

export class KernelCache {
  built = 0;
  private readonly known = new Map<string, Promise<Kernel>>();
  private readonly heap: Heap;
  private readonly user: KernelUser;
  private readonly options: CompileOptions;

  constructor(heap: Heap, user: KernelUser, options: CompileOptions) {
    this.heap = heap;
    this.user = user;
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
    const { heap } = this;
    const { instance } = await WebAssembly.instantiate(bytes, { env: { memory: heap.memory } });
    const { address } = heap.take(4 + bytes.length);
    heap.words[address / 4] = bytes.length;
    heap.bytes.set(bytes, address + 4);
    this.user.adopt(address, instance.exports.run as RunKernel);
    return { address, stackBytes };
  }
}
