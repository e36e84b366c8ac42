// Kernels whose element is one number, or a vec4 of four neighbours in memory.
import { type Filling, type KernelFile, parseKernel } from './kernelSource.ts';
import type { StorageType } from './types.ts';

/** The other types of a kernel whose element is a vec4. */
const quadTypes = { Bits: 'vec4<u32>', Winner: 'vec4<i32>', Truth: 'vec4<bool>' };

/**
 * Aliases and blocks for elements of `lanes` numbers. `element` is the type of a stored number, and `value` that of a computed one. A kernel
 * with an epilogue stores by `put`: a vec4 goes to four times the kernel's index. `resultBinding` is the binding of the result if it is not
 * that of the file, and `resultType` the alias of its elements.
 */
export function ofLanes(
  kernel: KernelFile,
  lanes: 1 | 4,
  element: StorageType,
  value: 'f32' | 'i32' | 'u32' = 'f32',
  { resultBinding, resultType = 'Element' }: { readonly resultBinding?: number; readonly resultType?: string } = {},
): Pick<Filling, 'aliases' | 'blocks'> {
  const { aliases, blocks, bindings } = parseKernel(kernel);
  if (lanes === 1) return { aliases: { Element: element, ...(aliases.has('Value') && { Value: value }) } };
  const types = Object.entries({ ...quadTypes, Value: `vec4<${value}>` }).filter(([name]) => aliases.has(name));
  const epilogue = `@group(0) @binding(${resultBinding ?? bindings.get('result')?.number}) var<storage, read_write> result: array<${resultType}>;
fn store4(index: u32, value: vec4<${value}>) { result[index / 4u] = ${resultType}(value); }`;
  return {
    aliases: { ...Object.fromEntries(types), Element: `vec4<${element}>` },
    ...(blocks.has('epilogue') && {
      blocks: { epilogue, put: `fn put(index: u32, value: vec4<${value}>) { store4(index * 4u, value); }` },
    }),
  };
}
