/** The words that CONTRIBUTING.md asks to avoid, the search for them, and the folders that are searched. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Prose, proseOf } from './prose.ts';

export interface Pattern {
  readonly pattern: RegExp;
  /** What to write instead. */
  readonly instead: string;
}

/** Each pattern has no false alarms: a hit can always be written in other words. */
export const patterns = {
  where: {
    pattern:
      /(?:^|[.;:,(] |\b(?:also|even|only|but|except|undefined|empty|refused) )where (?!\w+(?: =|\())|\bwhere (?:there|no|none|nothing|nobody|that is|this is|it has|they have|possible|needed)\b/gi,
    instead: "'if' or 'when'",
  },
  behind: { pattern: /\bbehind\b/gi, instead: "'after', or the name of the relation" },
  inFrontOf: { pattern: /\bin front of\b/gi, instead: "'before'" },
  anew: { pattern: /\banew\b/gi, instead: "'again' or 'new'" },
  tells: { pattern: /\b(?:tells?|told)\b/gi, instead: "'reports', 'says', 'distinguishes'" },
  lies: { pattern: /\blies?\b/gi, instead: "'is stored', 'is'" },
  stands: { pattern: /\bstands?\b(?!-in)|\bstood\b/gi, instead: "'is', 'means'" },
  nobody: { pattern: /\b(?:nobody|somebody|anybody|everybody|whoever|whomever)\b/gi, instead: 'the role: caller, user, reader' },
  rooms: { pattern: /\b(?:rooms?|houses?|doors?|drawers?)\b/gi, instead: "'folder', 'layer', 'space', or the term of the field" },
  wants: { pattern: /\bwant(?:s|ed)?\b/gi, instead: "'needs', 'requires', 'requested'" },
  asks: { pattern: /\bask(?:s|ed)\b/gi, instead: "'requests', 'reads', 'calls'" },
  knows: { pattern: /\bknows\b|\bknew\b/gi, instead: "'has', 'uses', 'depends on'" },
  lives: { pattern: /\blive[sd]\b/gi, instead: "'is', 'is stored', 'exists'" },
  remembers: { pattern: /\bremember(?:s|ed)\b/gi, instead: "'caches', 'stores', 'keeps'" },
  whatever: { pattern: /\b(?:whatever|wherever)\b/gi, instead: "'any', 'for any'" },
  alone: { pattern: /\balone\b/gi, instead: "'only'" },
  whatSubject: { pattern: /(?:^|[.:;] |\n\n)What (?![^.\n]*\?)/g, instead: 'a noun phrase or a verb as the start' },
  images: {
    pattern: /\b(?:breathes?|contests?|contenders?|race[sd]?(?! condition)|laps?|tired|hopeless|letting go|lets? go)\b/gi,
    instead: 'the term of the field: yield, autotuning trial, candidate, sample',
  },
} satisfies Readonly<Record<string, Pattern>>;

export type PatternName = keyof typeof patterns | 'longSentence';

/** Sentences above this length are counted as `longSentence`. The rule asks for 20; formulas and lists need some slack. */
export const maxWords = 30;

export interface Hit {
  readonly name: PatternName;
  readonly folder: string;
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

/** Searched folders, and the documents at the root and in docs/ under the name `docs`. */
export const folders = ['src', 'shaders', 'demo', 'examples', 'scripts', 'test', 'bench', 'docs'] as const;

/** Files that list the words, or that a tool writes. */
const excluded = /(?:^|\/)(?:dist|node_modules|results|api)\/|language|(?:digits|iris)Data|docs\/(?:ops|options)\.md/;
const readable = /\.(?:ts|mjs|js|wgsl|md|py|html|css)$/;

const root = fileURLToPath(new URL('../../', import.meta.url));

function filesOf(folder: string): string[] {
  const listed = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
  const documents = folder === 'docs' ? readdirSync(root).filter((name) => name.endsWith('.md')) : [];
  return [...listed, ...documents].filter((path) => readable.test(path) && !excluded.test(path));
}

const sentences = (text: string): string[] =>
  text
    .replace(/\|/g, '. ')
    .replace(/\s*\n\s*/g, ' ')
    .split(/[.;:?!] |\. *$/);

/** Every hit in one piece of prose. */
export function hitsIn(folder: string, { path, line, text }: Prose): Hit[] {
  const at = (name: PatternName, index: number, found: string): Hit => ({
    name,
    folder,
    path,
    line: line + text.slice(0, index).split('\n').length - 1,
    text: found,
  });
  const around = (index: number) => text.slice(Math.max(0, index - 30), index + 50).replace(/\s+/g, ' ');
  const words = Object.entries(patterns).flatMap(([name, { pattern }]) =>
    [...text.matchAll(pattern)].map((match) => at(name as PatternName, match.index, around(match.index))),
  );
  const long = sentences(text)
    .filter((sentence) => (sentence.match(/[a-z]{2,}/gi) ?? []).length > maxWords)
    .map((sentence) => at('longSentence', 0, `${sentence.slice(0, 80)}...`));
  return [...words, ...long];
}

/** Every hit of the repository. */
export function findHits(): Hit[] {
  return folders.flatMap((folder) =>
    filesOf(folder).flatMap((path) => proseOf(path, readFileSync(join(root, path), 'utf8')).flatMap((prose) => hitsIn(folder, prose))),
  );
}

export type Counts = Record<string, Record<string, number>>;

/** Number of hits for each pattern in each folder. */
export function countHits(hits: readonly Hit[]): Counts {
  const names = [...Object.keys(patterns), 'longSentence'];
  const counts: Counts = Object.fromEntries(names.map((name) => [name, Object.fromEntries(folders.map((folder) => [folder, 0]))]));
  for (const { name, folder } of hits) counts[name][folder]++;
  return counts;
}
