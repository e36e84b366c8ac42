// The docstring of each factory, in parts: sentences of what it computes, and its reference.
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../../src/', import.meta.url));

export interface FactoryDoc {
  /** Sentences with the formula, without example, errors and reference. */
  readonly text: string;
  /** A paper, or the library whose definition it has. Undefined if the docstring has none. */
  readonly reference: string | undefined;
}

/** Docstrings of the functions and constants of a file, by name. */
function docstringsOf(text: string): Map<string, string> {
  const found = new Map<string, string>();
  const file = ts.createSourceFile('source.ts', text, ts.ScriptTarget.Latest, true);
  const commentOf = (node: ts.Node): string | undefined =>
    ts.getTextOfJSDocComment(ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc).at(-1)?.comment);
  /** Tables whose entries have docstrings of their own. */
  const entriesOf = (initializer: ts.Expression | undefined): void => {
    if (!initializer || !ts.isObjectLiteralExpression(initializer)) return;
    for (const property of initializer.properties) {
      const comment = ts.isPropertyAssignment(property) ? commentOf(property) : undefined;
      if (comment) found.set(property.name!.getText(), comment);
    }
  };
  for (const statement of file.statements) {
    if (ts.isVariableStatement(statement)) statement.declarationList.declarations.forEach(({ initializer }) => entriesOf(initializer));
    const comment = commentOf(statement);
    if (!comment) continue;
    if (ts.isFunctionDeclaration(statement) && statement.name) found.set(statement.name.text, comment);
    if (ts.isVariableStatement(statement))
      for (const { name } of statement.declarationList.declarations) found.set(name.getText(), comment);
  }
  return found;
}

/** Sources by the factories that they declare. */
function sourcesByFactory(): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))) {
    const text = readFileSync(root + file, 'utf8');
    for (const [, factory] of text.matchAll(/declareOptions\(\s*'([\w.]+)'/g)) found.set(factory, text);
  }
  return found;
}

const sources = sourcesByFactory();
const parsed = new Map<string, Map<string, string>>();

const libraries = ['Keras', 'PyTorch', 'optax', 'torchmetrics', 'scikit-learn', 'TensorFlow'];
const librariesIn = (sentence: string): string[] => libraries.filter((library) => sentence.includes(library));

/** Sentences that are a paper, or the name of a function of a library. */
const isReference = (sentence: string): boolean =>
  /\b(18|19|20)\d\d\b/.test(sentence) || (librariesIn(sentence).length > 0 && sentence.length < 70 && !/[=^]/.test(sentence));

/** The docstring of a factory such as `losses.huber`. Undefined if its function has none. */
export function docOf(factory: string): FactoryDoc | undefined {
  const source = sources.get(factory);
  if (source === undefined) return undefined;
  const all = parsed.get(source) ?? docstringsOf(source);
  parsed.set(source, all);
  const name = factory.split('.')[1];
  const comment = all.get(name) ?? all.get(`${name}Layer`) ?? all.get(`${name}_`);
  if (comment === undefined) return undefined;
  // Examples are indented by four spaces.
  const prose = comment
    .split('\n')
    .filter((line) => !/^ {4}/.test(line))
    .join(' ')
    .replace(/\s+/g, ' ')
    .trim();
  // A sentence ends before a capital letter. The initials of an author are no sentence.
  const sentences = prose.split(/(?<=[.:)])(?<!\b[A-Z]\.)\s+(?=[(A-Z`])/).filter((sentence) => !/^(Throws|@throws)/.test(sentence));
  const [first, ...others] = sentences;
  const papers = others.filter(isReference);
  const named = sentences.filter((sentence) => !papers.includes(sentence)).flatMap(librariesIn);
  return {
    text: [first, ...others.filter((sentence) => !isReference(sentence))].join(' '),
    reference: [...new Set([...papers, ...named])].join(' ') || undefined,
  };
}
