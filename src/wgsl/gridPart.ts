// Kernels whose grid is launched in parts. A long dispatch runs as several short ones, each with the position of its first workgroup in a
// uniform. The results are those of one dispatch, because every invocation has the same ids as in the whole grid.
import { complain } from './names.ts';

/** The statement that gives a builtin its value in the whole grid. `part` has the first workgroup in xy and the size of the grid in zw. */
const wholeValue: Readonly<Record<string, (given: string, width: string) => string>> = {
  workgroup_id: (given) => `${given} + vec3u(gridPart.xy, 0u)`,
  global_invocation_id: (given, width) => `${given} + vec3u(gridPart.x * ${width}, gridPart.y, 0u)`,
  num_workgroups: () => 'vec3u(gridPart.zw, 1u)',
};

/** Words of the uniform of a part that begins at workgroup (x, y) of a grid. */
export const gridPartWords = (x: number, y: number, width: number, height: number): readonly number[] => [x, y, width, height];

/**
 * Adds the uniform `gridPart` at a binding number to a module. Its workgroups may then be any rectangle of the whole grid. `kernel` is named
 * in errors.
 */
export function withGridPart(kernel: string, wgsl: string, binding: number): string {
  const entry = /@workgroup_size\(\s*([^,)]+)[^)]*\)\s*\nfn main\(([\s\S]*?)\) \{\n/.exec(wgsl);
  if (!entry) complain(kernel, 'its text has no entry point of the form `@workgroup_size(…)`, `fn main(…) {`');
  const [head, size, parameters] = entry;
  const width = /^\d+$/.test(size) ? `${size}u` : size;
  const statements: string[] = [];
  const renamed = parameters.replace(/@builtin\((\w+)\) (\w+)/g, (parameter, builtin: string, name: string) => {
    const value = wholeValue[builtin] as (typeof wholeValue)[string] | undefined;
    if (!value) return parameter;
    statements.push(`  let ${name} = ${value(`${name}InPart`, width)};\n`);
    return `@builtin(${builtin}) ${name}InPart`;
  });
  const at = wgsl.lastIndexOf('@compute', entry.index);
  const declaration = `@group(0) @binding(${binding}) var<uniform> gridPart: vec4<u32>;\n\n`;
  const main = head.replace(parameters, () => renamed) + statements.join('');
  return wgsl.slice(0, at) + declaration + wgsl.slice(at, entry.index) + main + wgsl.slice(entry.index + head.length);
}
