/** Finds the sentences of the repository: comments, texts in string literals, and documents. A scanner reads TypeScript, so code is left out. */
import ts from 'typescript';

export interface Prose {
  readonly path: string;
  /** Line of the first character, from 1. */
  readonly line: number;
  /** Without comment marks. Line breaks are kept. */
  readonly text: string;
}

/** A string literal of at least this many spaces is a sentence: an error text or the name of a test. */
const minSpaces = 3;

const endsExpression = new Set([
  ts.SyntaxKind.Identifier,
  ts.SyntaxKind.ThisKeyword,
  ts.SyntaxKind.TrueKeyword,
  ts.SyntaxKind.FalseKeyword,
  ts.SyntaxKind.NullKeyword,
  ts.SyntaxKind.NumericLiteral,
  ts.SyntaxKind.StringLiteral,
  ts.SyntaxKind.NoSubstitutionTemplateLiteral,
  ts.SyntaxKind.TemplateTail,
  ts.SyntaxKind.RegularExpressionLiteral,
  ts.SyntaxKind.CloseParenToken,
  ts.SyntaxKind.CloseBracketToken,
  ts.SyntaxKind.CloseBraceToken,
]);

const isTemplate = (kind: ts.SyntaxKind): boolean =>
  kind >= ts.SyntaxKind.NoSubstitutionTemplateLiteral && kind <= ts.SyntaxKind.TemplateTail;

/** Tokens of a TypeScript file, comments included. Regular expressions and templates need a second look at a token. */
function* tokensOf(text: string): Generator<{ kind: ts.SyntaxKind; start: number; text: string }> {
  const scanner = ts.createScanner(ts.ScriptTarget.Latest, false, ts.LanguageVariant.Standard, text);
  /** Depth of braces inside each open template. */
  const templates: number[] = [];
  let previous = ts.SyntaxKind.Unknown;
  for (let kind = scanner.scan(); kind !== ts.SyntaxKind.EndOfFileToken; kind = scanner.scan()) {
    const inTemplate = templates.length - 1;
    if ((kind === ts.SyntaxKind.SlashToken || kind === ts.SyntaxKind.SlashEqualsToken) && !endsExpression.has(previous))
      kind = scanner.reScanSlashToken();
    else if (kind === ts.SyntaxKind.TemplateHead) templates.push(0);
    else if (kind === ts.SyntaxKind.OpenBraceToken && inTemplate >= 0) templates[inTemplate]++;
    else if (kind === ts.SyntaxKind.CloseBraceToken && inTemplate >= 0) {
      if (templates[inTemplate] > 0) templates[inTemplate]--;
      else {
        kind = scanner.reScanTemplateToken(false);
        if (kind === ts.SyntaxKind.TemplateTail) templates.pop();
      }
    }
    yield { kind, start: scanner.getTokenStart(), text: scanner.getTokenText() };
    if (kind > ts.SyntaxKind.LastTriviaToken) previous = kind;
  }
}

const lineOf = (text: string, offset: number): number => text.slice(0, offset).split('\n').length;

/** Joins runs of line comments, so that a sentence may go over several lines. */
function joined(path: string, comments: readonly Prose[]): Prose[] {
  const runs: Prose[] = [];
  for (const comment of comments) {
    const last = runs.at(-1);
    if (last && last.line + last.text.split('\n').length === comment.line)
      runs[runs.length - 1] = { ...last, text: `${last.text}\n${comment.text}` };
    else runs.push({ path, line: comment.line, text: comment.text });
  }
  return runs;
}

function proseOfTypeScript(path: string, text: string): Prose[] {
  const lines: Prose[] = [];
  const others: Prose[] = [];
  for (const token of tokensOf(text)) {
    const at = () => lineOf(text, token.start);
    if (token.kind === ts.SyntaxKind.SingleLineCommentTrivia) lines.push({ path, line: at(), text: token.text.replace(/^\/\/+ ?/, '') });
    else if (token.kind === ts.SyntaxKind.MultiLineCommentTrivia)
      others.push({ path, line: at(), text: token.text.replace(/^\/\*\*? ?|\*\/$/g, '').replace(/^\s*\* ?/gm, '') });
    else if (token.kind === ts.SyntaxKind.StringLiteral || isTemplate(token.kind)) {
      if (token.text.split(' ').length > minSpaces)
        others.push({ path, line: at(), text: token.text.replace(/^["'`}]|["'`]$|\$\{$/g, '') });
    }
  }
  return [...joined(path, lines), ...others];
}

/** Comments that start with a mark and go to the end of the line. */
function lineComments(path: string, text: string, mark: RegExp): Prose[] {
  const found = text.split('\n').flatMap((line, i): Prose[] => {
    const comment = mark.exec(line);
    return comment ? [{ path, line: i + 1, text: line.slice(comment.index + comment[0].length) }] : [];
  });
  return joined(path, found);
}

/** Code blocks become empty lines, and inline code becomes a short word, so that names are not counted as prose. */
const withoutCode = (text: string): string =>
  text.replace(/^```[^]*?^```/gm, (block) => '\n'.repeat(block.split('\n').length - 1)).replace(/`[^`\n]+`/g, '`x`');

/** Every sentence of one file, by its kind. Files of other kinds have none. */
export function proseOf(path: string, text: string): Prose[] {
  if (/\.(ts|mjs|js)$/.test(path)) return proseOfTypeScript(path, text);
  if (path.endsWith('.wgsl')) return lineComments(path, text, /\/\/+ ?/);
  if (/\.(py|yml)$/.test(path)) return lineComments(path, text, /(?:^|\s)# ?/);
  if (path.endsWith('.md'))
    return withoutCode(text)
      .split(/\n(?=[-|#]|\n)/)
      .reduce<Prose[]>(withLine(path), [])
      .filter(({ text }) => text.trim());
  if (path.endsWith('.css'))
    return [...text.matchAll(/\/\*(.*?)\*\//gs)].map(({ index, 1: comment }) => ({ path, line: lineOf(text, index), text: comment }));
  if (path.endsWith('.html')) return [{ path, line: 1, text: text.replace(/<[^>]*>/g, (tag) => `. ${tag.replace(/[^\n]/g, '')}`) }];
  return [];
}

/** Reducer that gives each block of a document its line. */
const withLine =
  (path: string) =>
  (blocks: Prose[], text: string): Prose[] => {
    const last = blocks.at(-1);
    return [...blocks, { path, line: last ? last.line + last.text.split('\n').length : 1, text }];
  };
