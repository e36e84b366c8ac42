// Tokens of WGSL, with their lines for errors.
export interface Token {
  readonly kind: 'name' | 'number' | 'sign' | 'end';
  readonly text: string;
  readonly line: number;
}

const pattern = new RegExp(
  [
    String.raw`(?<space>\s+|//[^\n]*)`,
    String.raw`(?<number>0[xX][0-9a-fA-F]+[iu]?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[iufh]?)`,
    String.raw`(?<name>[A-Za-z_]\w*)`,
    String.raw`(?<sign>->|\+\+|--|<<=|>>=|<<|>>|[-+*/%&|^<>=!]=|&&|\|\||[-+*/%&|^<>=!~()[\]{},.;:@])`,
  ].join('|'),
  'gy',
);

/** Splits a text. `complain` is called with the line and what is there. */
export function tokensOf(text: string, complain: (line: number, what: string) => never): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  pattern.lastIndex = 0;
  for (let at = 0; at < text.length; at = pattern.lastIndex) {
    const match = pattern.exec(text);
    if (!match?.groups) return complain(line, `the character '${text[at]}'`);
    const { space, number, name } = match.groups;
    const [found] = match;
    if (space === undefined) tokens.push({ kind: number ? 'number' : name ? 'name' : 'sign', text: found, line });
    for (const character of found) if (character === '\n') line++;
  }
  tokens.push({ kind: 'end', text: 'the end of the text', line });
  return tokens;
}
