// Runs a hand-written WGSL kernel by the compiler to WebAssembly, without a runtime.
import { type CompileOptions, compileKernel } from '../../src/runtime/wasm/compile.ts';
import { Heap } from '../../src/runtime/wasm/heap.ts';
import type { RunKernel } from '../../src/runtime/wasm/kernels.ts';

export type Elements = Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;

const options: CompileOptions = { isRelaxed: false, isShared: false };

const modules = new Map<string, { module: WebAssembly.Module; stackBytes: number }>();

/** Each text is compiled once. */
function moduleOf(wgsl: string): { module: WebAssembly.Module; stackBytes: number } {
  let known = modules.get(wgsl);
  if (!known) {
    const { bytes, stackBytes } = compileKernel('test', wgsl, options);
    modules.set(wgsl, (known = { module: new WebAssembly.Module(bytes), stackBytes }));
  }
  return known;
}

/**
 * Runs a kernel whose bindings 0, 1, ... are `buffers`, on a grid of workgroups. The buffers are changed in place. Addresses are multiples of
 * 64 bytes, as those of the runtime.
 */
export function runWgsl(wgsl: string, buffers: readonly Elements[], grid: readonly [number, number, number] = [1, 1, 1]): void {
  const { module, stackBytes } = moduleOf(wgsl);
  const heap = new Heap(false);
  const instance = new WebAssembly.Instance(module, { env: { memory: heap.memory } });
  const stack = heap.take(stackBytes);
  const launch = heap.take(8 * buffers.length);
  const blocks = buffers.map(({ byteLength }) => heap.take(byteLength));
  const inMemory = ({ buffer, byteOffset, byteLength }: Elements): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);
  buffers.forEach((elements, i) => {
    heap.bytes.set(inMemory(elements), blocks[i].address);
    heap.words.set([blocks[i].address, elements.byteLength], launch.address / 4 + 2 * i);
  });
  const [x, y, z] = grid;
  (instance.exports.run as RunKernel)(launch.address, stack.address, 0, x * y * z, x, y);
  buffers.forEach((elements, i) => {
    const { address } = blocks[i];
    inMemory(elements).set(heap.bytes.subarray(address, address + elements.byteLength));
  });
}

type ElementName = 'f32' | 'i32' | 'u32';

const arrays = { f32: Float32Array, i32: Int32Array, u32: Uint32Array } as const;

/**
 * The results of an expression of `x`, or of `x` and `y`, for each pair of elements. It is computed in all ways that the compiler has: one
 * invocation for each element, four invocations together, a loop over all elements, and vectors of four. The result's type is `To`.
 */
export function evaluateAll(
  expression: string,
  [from, to]: readonly [ElementName, ElementName],
  xs: readonly number[],
  ys: readonly number[] = xs,
): Record<string, number[]> {
  const padded = (values: readonly number[]): number[] =>
    Array.from({ length: Math.ceil(values.length / 4) * 4 }, (_, i) => values[i % values.length]);
  const bindings = (of: (element: ElementName) => string): string => `
@group(0) @binding(0) var<storage> a: array<${of(from)}>;
@group(0) @binding(1) var<storage> b: array<${of(from)}>;
@group(0) @binding(2) var<storage, read_write> out: array<${of(to)}>;
@group(0) @binding(3) var<uniform> count: vec4<u32>;
alias To = ${of(to)};
`;
  const body = `let x = a[i]; let y = b[i]; out[i] = ${expression};`;
  const scalar = bindings((element) => element);
  const n = padded(xs).length;
  const kernels: Record<string, [text: string, groups: number]> = {
    'one by one': [
      `${scalar}@compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3<u32>) { let i = id.x; ${body} }`,
      n,
    ],
    'four invocations': [
      `${scalar}@compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3<u32>) { let i = id.x; ${body} }`,
      n / 4,
    ],
    'a loop': [`${scalar}@compute @workgroup_size(1) fn main() { for (var i = 0u; i < count.x; i++) { ${body} } }`, 1],
    vectors: [
      `${bindings((element) => `vec4<${element}>`)}@compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3<u32>) { let i = id.x; ${body} }`,
      n / 4,
    ],
  };
  return Object.fromEntries(
    Object.entries(kernels).map(([name, [text, groups]]) => {
      const result = new arrays[to](n);
      runWgsl(text, [arrays[from].from(padded(xs)), arrays[from].from(padded(ys)), result, Uint32Array.of(n, 0, 0, 0)], [groups, 1, 1]);
      return [name, Array.from(result.subarray(0, xs.length))];
    }),
  );
}
