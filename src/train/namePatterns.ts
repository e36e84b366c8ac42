// Names with parts to fill in: 'layer{s}.{b}.conv1.weight'. A part is one or more characters without a slash.

export type NameParts = Readonly<Record<string, string>>;

const partOf = /\{(\w+)\}/g;

/** Matches names with a pattern. The result has the text of each part. A part that occurs twice must have one text. */
export function namePattern(pattern: string): (name: string) => NameParts | undefined {
  const seen = new Set<string>();
  const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  let source = '';
  let at = 0;
  for (const found of pattern.matchAll(partOf)) {
    const [whole, part] = found;
    source += literal(pattern.slice(at, found.index)) + (seen.has(part) ? `\\k<${part}>` : `(?<${part}>[^/]+)`);
    seen.add(part);
    at = found.index + whole.length;
  }
  const expression = new RegExp(`^${source}${literal(pattern.slice(at))}$`);
  return (name) => {
    const found = expression.exec(name);
    return found ? { ...found.groups } : undefined;
  };
}

/** The name of a pattern with these parts. Parts that are not given stay as they are. */
export const fillName = (pattern: string, parts: NameParts): string =>
  pattern.replace(partOf, (whole, part: string) => (Object.hasOwn(parts, part) ? parts[part] : whole));
