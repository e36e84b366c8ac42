// What hand-written kernels (shaders/*.wgsl) need on their way to a dispatch.
export { gridOf, runOf } from '../graph/workgroups.ts';
export { computeType, storageType } from '../wgsl/index.ts';

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
