import { readFileSync } from 'node:fs';
import type { Plugin } from 'vite';

/**
 * A kernel's text without comments, blank lines and deep indentation. Marks of blocks, `// name` and `// end name`, stay. Lines that were
 * indented stay indented by one: the names that are set in a kernel begin their lines.
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

/** Strips the kernel files of a build. The dev server and the tests load them as they are. */
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
