/** Joins modules that import only from each other, in order, to one. Only the last one exports. */
export function joinModules(modules: readonly string[]): string {
  const last = modules.length - 1;
  return modules
    .map((text) => text.replaceAll(/^import [^;]*;\n/gm, ''))
    .map((text, i) => (i === last ? text : text.replaceAll(/^export /gm, '')))
    .join('\n');
}
