// What hand-written kernels (shaders/*.wgsl) need on their way to a dispatch.
import type { Dtype } from '../core/dtype.ts';
import type { Target } from '../graph/op.ts';

/** How a dtype lies in a storage buffer: WGSL has no storable bool. */
export const storageType = (dtype: Dtype): 'f32' | 'f16' | 'i32' | 'u32' => (dtype === 'bool' ? 'u32' : dtype);

/** What a kernel computes in: f16 is storage only. */
export const computeType = (dtype: Dtype): 'f32' | 'i32' | 'u32' => (dtype === 'bool' ? 'u32' : dtype === 'f16' ? 'f32' : dtype);

/** The module with its marked `alias NAME = …;` lines naming other types. */
export function retype(source: string, aliases: Readonly<Record<string, string>>): string {
  let text = source;
  for (const [name, type] of Object.entries(aliases)) text = text.replace(new RegExp(`alias ${name} = \\w+;`), `alias ${name} = ${type};`);
  return Object.values(aliases).some((type) => /\bf16\b/.test(type)) ? `enable f16;\n${text}` : text;
}

/** Replaces the text between `// name` and `// end name`. */
export function fillBlock(source: string, name: string, text: string): string {
  const pattern = new RegExp(`^// ${name}\\b[^\\n]*\\n[\\s\\S]*?^// end ${name}$`, 'm');
  if (!pattern.test(source)) throw new Error(`kernel has no block '// ${name}'`);
  return source.replace(pattern, () => `// ${name}\n${text}\n// end ${name}`);
}

/**
 * Lays workgroups out in two dimensions where one is too short; the kernel computes workgroup.y * gridWidth + workgroup.x and returns where that
 * is too many.
 */
export function gridOf(workgroups: number, target: Target): [gridWidth: number, height: number, depth: 1] {
  const rows = Math.max(1, Math.ceil(workgroups / target.maxWorkgroupsPerDimension));
  return [Math.ceil(workgroups / rows), rows, 1];
}

/** Invocations beyond which a CPU-implemented device only pays for more workgroups, and elements that are worth one there. */
const softwareInvocations = 4096;
const softwareRun = 16;

/**
 * How many neighbouring elements of `size` one invocation works on: 1 on a GPU, so that neighbours touch neighbouring memory; on a
 * CPU-implemented device a run, in whole multiples of `unit`.
 */
export function runOf(size: number, target: Target, unit = 1): number {
  if (target.processor === 'gpu') return 1;
  return Math.ceil(Math.max(softwareRun, size / softwareInvocations) / Math.max(1, unit)) * Math.max(1, unit);
}
