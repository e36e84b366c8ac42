// The build strips comments and blanks of kernel files. The parts of a kernel that code sets by name must stay the same.
import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { stripWgsl } from '../../scripts/wgslPlugin.ts';
import { plainText } from '../../src/wgsl/index.ts';
import { parseKernel } from '../../src/wgsl/kernelSource.ts';

const folder = new URL('../../shaders/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.wgsl'));

test.each(files)('%s', (name) => {
  const text = readFileSync(new URL(name, folder), 'utf8');
  const stripped = stripWgsl(text);
  expect(plainText(stripped).trim()).toBe(plainText(text).trim());
  const parts = (source: string): unknown => {
    const { directives, constants, aliases, blocks, bindings, params, struct } = parseKernel({ name, text: source });
    return {
      directives,
      params,
      hasStruct: struct !== undefined,
      constants: [...constants].map(([key, { value }]) => [key, value]),
      aliases: [...aliases].map(([key, { value }]) => [key, value]),
      blocks: [...blocks].map(([key, { start, end }]) => [key, plainText(source.slice(start, end)).trim()]),
      bindings: [...bindings].map(([role, { number, access }]) => [role, number, access]),
    };
  };
  expect(parts(stripped)).toEqual(parts(text));
  expect(stripped.length).toBeLessThan(text.length);
});

test('removes comments, blank lines and indentation, and keeps the marks of blocks', () => {
  const text = '// About.\nconst a = 1u; // one\n\n// pick\nfn pick() {\n    return; // now\n}\n// end pick\n';
  expect(stripWgsl(text)).toBe('const a = 1u;\n// pick\nfn pick() {\n return;\n}\n// end pick\n');
});
