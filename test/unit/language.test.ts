/** Comments, error texts, test names and documents avoid the words of scripts/language/words.ts. Counts may only go down. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { proseOf } from '../../scripts/language/prose.ts';
import { type Counts, countHits, findHits, folders, hitsIn, patterns } from '../../scripts/language/words.ts';

const allowed = JSON.parse(readFileSync(new URL('../../scripts/language/allowed.json', import.meta.url), 'utf8')) as Counts;
const counts = countHits(findHits());

describe.each(Object.keys(counts))('%s', (name) => {
  test.each(folders)('in %s is not used more often than before', (folder) => {
    const hint = `run 'npm run language -- ${name} ${folder === 'docs' ? '' : folder}' for a list`;
    expect(counts[name][folder], hint).toBeLessThanOrEqual(allowed[name][folder]);
  });
});

test('prose is found in comments, sentences in strings and documents, and not in code', () => {
  const found = (path: string, text: string) => proseOf(path, text).map(({ line, text }) => [line, text.trim()]);
  const source = [
    '// First',
    '// and second line.',
    'const behind = /\'"`/; // After a regular expression.',
    'const text = `a ${ { b: `${1}` }.b /* inside */ } c`; /** Documented. */',
    'throw new Error(\'a sentence of five words\', "short one");',
  ].join('\n');
  expect(found('a.ts', source)).toEqual([
    [1, 'First\nand second line.\nAfter a regular expression.'],
    [4, 'inside'],
    [4, 'Documented.'],
    [5, 'a sentence of five words'],
  ]);
  expect(found('a.wgsl', 'let behind = 1; // One\n// two')).toEqual([[1, 'One\ntwo']]);
  expect(found('a.py', '# One\nx = 1')).toEqual([[1, 'One']]);
  expect(found('a.md', 'One\n\n```js\nbehind\n```\n\n- `behind` two')).toEqual([
    [1, 'One'],
    [7, '- `x` two'],
  ]);
});

test.each([
  ['where', 'Undefined where nothing is known.', 'Nodes, where there are any.', 'x where x > 0, else 0'],
  ['behind', 'the node behind it', '', 'after'],
  ['inFrontOf', 'in front of the loop', '', 'before the loop'],
  ['anew', 'is built anew', '', 'renew'],
  ['tells', 'Tells whether', 'were told apart', 'telling'],
  ['lies', 'lies in a page', 'they lie', 'relies'],
  ['stands', 'stands there', 'it stood', 'a stand-in, standard'],
  ['nobody', 'Nobody reads it', 'whoever reads it', 'some body'],
  ['rooms', 'the room of layers', 'a drawer', 'a folder'],
  ['wants', 'a kernel wants it', 'the wanted value', 'wanton'],
  ['asks', 'asks the engine', 'when asked for', 'a task'],
  ['knows', 'ESLint knows it', '', 'is known'],
  ['lives', 'lives on a device', 'it lived', 'a live chart, alive'],
  ['remembers', 'remembers it', 'is remembered', ''],
  ['whatever', 'whatever it is', 'wherever it is', 'however'],
  ['alone', 'the loop alone', '', 'along'],
  ['whatSubject', 'What is read is kept.', 'Done. What follows waits', 'What is it? Says what it is.'],
  ['images', 'a contest', 'lets go of it', 'race condition, trace, overlap'],
] as const)('%s finds its words', (name, first, second, none) => {
  const names = (text: string) => hitsIn('src', { path: 'a.ts', line: 1, text }).map((hit) => hit.name);
  expect(names(first)).toContain(name);
  if (second) expect(names(second)).toContain(name);
  expect(names(none)).not.toContain(name);
  expect(patterns).toHaveProperty(name);
});
