/** Changes of a text at positions of its syntax tree. */

export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Applies edits that do not overlap. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  let result = text;
  for (const { start, end, text: replacement } of [...edits].sort((a, b) => b.start - a.start)) {
    result = result.slice(0, start) + replacement + result.slice(end);
  }
  return result;
}

/** A JSDoc comment of one or more lines, indented by tabs. */
export function comment(text: string, tabs: string): string {
  const lines = text.replaceAll('*/', '*\\/').split('\n');
  if (lines.length === 1) return `${tabs}/** ${text} */\n`;
  return `${tabs}/**\n${lines.map((line) => `${tabs} * ${line}`.trimEnd()).join('\n')}\n${tabs} */\n`;
}
