// Queries about generated code: its names and calls.

/** Whether any line uses a name. */
export function mentions(lines: readonly string[], name: string): boolean {
  const word = new RegExp(`\\b${name}\\b`);
  return lines.some((line) => word.test(line));
}

/** An expression in parentheses, unless it is a name or a number. */
export const parenthesized = (expression: string): string => (/^\w+$/.test(expression) ? expression : `(${expression})`);

/** Returns a test for calls of functions and constructors that are not in `names`. */
export function callsOtherThan(names: readonly string[]): (text: string) => boolean {
  const call = new RegExp(String.raw`\b(?!(?:${names.join('|')})\()[A-Za-z_]\w*\(`);
  return (text) => call.test(text);
}
