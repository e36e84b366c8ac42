// Whole modules: directives, titles, and the text by which two modules share a pipeline.

const withoutComments = (text: string): string => text.replace(/\/\/[^\n]*/g, '');

/** The text without comments and line breaks. Modules without other differences share a pipeline. */
export const plainText = (wgsl: string): string => withoutComments(wgsl).replace(/\s+/g, ' ');

/** Extensions that a text enables, such as `f16`. */
export const enabledIn = (text: string): string[] => [...text.matchAll(/^enable (\w+);$/gm)].map(([, name]) => name);

/** Whether code uses half precision, which a module must enable. */
export const mentionsF16 = (text: string): boolean => /\bf16\b/.test(withoutComments(text));

/** Lines moved to the right. Empty lines stay empty. */
export const indent = (lines: readonly string[], by = 2): string[] => lines.map((line) => (line ? ' '.repeat(by) + line : line));

/** Assembles a module: the title, the directives, which WGSL requires first, and the parts. */
export function moduleOf(title: string, ...parts: readonly string[]): string {
  const body = parts.filter(Boolean).join('\n\n');
  const enabled = new Set(enabledIn(body));
  if (mentionsF16(body)) enabled.add('f16');
  const rest = enabled.size > 0 ? body.replace(/^enable \w+;\n/gm, '') : body;
  return [`// ${title}`, ...[...enabled].map((name) => `enable ${name};`), rest].join('\n');
}

/** A finished module under a title. */
export const titled = (title: string, wgsl: string): string => `// ${title}\n${wgsl}`;
