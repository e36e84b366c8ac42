// WGSL that the compiler to WebAssembly does not know: the error names the kernel, the line and the construct.
import { expect, test, vi } from 'vitest';
import { ShaderError } from '../../src/core/errors.ts';
import { compileKernel } from '../../src/runtime/wasm/compile.ts';
import { WasmRuntime } from '../../src/runtime/wasm/index.ts';

const options = { isRelaxed: true, isShared: false };

/** A kernel whose fifth line is given. */
const kernelWith = (statement: string, declaration = ''): string => `${declaration}
@group(0) @binding(0) var<storage> a: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@compute @workgroup_size(4) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  ${statement}
}`;

test.each<[string, string, string]>([
  [
    'a switch',
    kernelWith('switch id.x { default: { out[0] = 1.0; } }'),
    "line 5: the compiler to WebAssembly does not know 'id' after an expression",
  ],
  ['a pointer', kernelWith('let p = &out[0];'), "line 5: the compiler to WebAssembly does not know '&' in place of a name"],
  [
    'an unknown function',
    kernelWith('out[0] = reverseBits(id.x);'),
    "line 5: the compiler to WebAssembly does not know the function 'reverseBits'",
  ],
  ['an unknown name', kernelWith('out[id.x] = missing;'), "line 5: the compiler to WebAssembly does not know the name 'missing'"],
  ['an unknown member', kernelWith('out[0] = f32(id.q);'), "line 5: the compiler to WebAssembly does not know the member 'q'"],
  ['an unknown type', kernelWith('let x = vec4<f64>(1.0);'), "line 5: the compiler to WebAssembly does not know the type 'f64'"],
  [
    'a product of matrix and vector',
    kernelWith('let v = mat2x2<f32>() * vec2<f32>(1.0);'),
    'line 5: the compiler to WebAssembly does not know operator * on matrix and vector',
  ],
  ['arrayLength', kernelWith('out[0] = f32(arrayLength(a));'), 'line 5: the compiler to WebAssembly does not know arrayLength'],
  ['a barrier', kernelWith('workgroupBarrier();'), "line 5: the compiler to WebAssembly does not know the function 'workgroupBarrier'"],
  [
    'workgroup memory',
    kernelWith('out[0] = 1.0;', 'var<workgroup> tile: array<f32, 64>;'),
    'line 1: the compiler to WebAssembly does not know workgroup memory',
  ],
  [
    'a texture',
    kernelWith('out[0] = 1.0;', '@group(0) @binding(2) var image: texture_2d<f32>;'),
    "line 1: the compiler to WebAssembly does not know the type 'texture_2d'",
  ],
  [
    'an override',
    kernelWith('out[0] = 1.0;', 'override size = 4u;'),
    "line 1: the compiler to WebAssembly does not know 'override' at the top level",
  ],
  ['a character', kernelWith('out[0] = 1.0 $ 2.0;'), "line 5: the compiler to WebAssembly does not know the character '$'"],
  [
    'an error in a function that is called',
    kernelWith('out[0] = f(1.0);', 'fn f(x: f32) -> f32 { return ldexp(x, 2); }'),
    "line 1: the compiler to WebAssembly does not know the function 'ldexp'",
  ],
  [
    'a text that ends',
    kernelWith('out[0] = 1.0;').slice(0, -1),
    "line 6: the compiler to WebAssembly does not know 'the end of the text' in place of",
  ],
  ['no entry point', 'fn f() {}', 'the compiler to WebAssembly does not know a module without an entry point'],
])('%s', (_, wgsl, message) => {
  let error: unknown;
  try {
    compileKernel('dense_1: matmul', wgsl, options);
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(ShaderError);
  expect((error as ShaderError).message).toContain(`dense_1: matmul: the kernel does not compile\nwasm: ${message}`);
  expect((error as ShaderError).kernel).toBe('dense_1: matmul');
});

test('a host that may not compile modules: the error names the directive of the Content-Security-Policy', async () => {
  const disallowed = vi.spyOn(WebAssembly, 'Module').mockImplementation(function () {
    throw new WebAssembly.CompileError('disallowed by embedder');
  });
  await expect(WasmRuntime.open()).rejects.toThrow(
    "wasm: this page may not compile WebAssembly: add 'wasm-unsafe-eval' to script-src of its Content-Security-Policy, or use setDevice('cpu') (CompileError: disallowed by embedder)",
  );
  disallowed.mockRestore();
  await expect(WasmRuntime.open()).resolves.toBeInstanceOf(WasmRuntime);
});
