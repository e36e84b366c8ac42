// Values in error texts.

const longestText = 80;

/** A value as messages show it. Long values are cut. */
export function shown(value: unknown): string {
  const text = textOf(value, 0);
  return text.length > longestText ? `${text.slice(0, longestText - 1)}…` : text;
}

function textOf(value: unknown, depth: number): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (depth > 2) return '…';
  if (Array.isArray(value)) return `[${Array.from(value, (element) => textOf(element, depth + 1)).join(',')}]`;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return `a ${value.constructor?.name || 'object'}`;
  const entries = Object.entries(value).map(([name, element]) => `${name}: ${textOf(element, depth + 1)}`);
  return entries.length ? `{ ${entries.join(', ')} }` : '{}';
}
