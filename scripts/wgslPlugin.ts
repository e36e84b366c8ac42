import { readFileSync } from 'node:fs';
import type { Plugin } from 'vite';

/**
 * Removes comments, blank lines and deep indentation from a kernel's text. Marks of blocks, `// name` and `// end name`, are kept. Indented
 * lines keep one space: names that are set in a kernel are at the start of a line.
 */
export function stripWgsl(text: string): string {
  const ends = [...text.matchAll(/^\/\/ end (\w+)$/gm)].map(([, name]) => name);
  const marks = new Set(ends.flatMap((name) => [`// ${name}`, `// end ${name}`]));
  const lines = text.split('\n').flatMap((line) => {
    if (marks.has(line)) return [line];
    const code = line.replace(/\/\/.*$/, '').trimEnd();
    return code === '' ? [] : [code.replace(/^\s+/, ' ')];
  });
  return `${lines.join('\n')}\n`;
}

/** Applies this to the kernel files of a build. The dev server and the tests load the files unchanged. */
export function strippedWgsl(): Plugin {
  return {
    name: 'stripped-wgsl',
    apply: 'build',
    enforce: 'pre',
    load(id) {
      if (!/\.wgsl\?raw$/.test(id)) return undefined;
      return `export default ${JSON.stringify(stripWgsl(readFileSync(id.replace(/\?raw$/, ''), 'utf8')))};`;
    },
  };
}
