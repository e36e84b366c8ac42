/**
 * `npm run language`: counts the words to avoid. `npm run language -- behind src/ops` lists hits of a pattern, or of `all`, in paths that
 * start with the second argument. `-- --lower` lowers the table of allowed hits to today's counts; no count is ever raised.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { type Counts, countHits, findHits, patterns } from './words.ts';

const table = new URL('./allowed.json', import.meta.url);
const [first, prefix = ''] = process.argv.slice(2);
const hits = findHits();
const counts = countHits(hits);

if (first === '--lower') {
  const allowed = JSON.parse(readFileSync(table, 'utf8')) as Counts;
  for (const [name, row] of Object.entries(counts))
    for (const [folder, count] of Object.entries(row)) row[folder] = Math.min(count, allowed[name]?.[folder] ?? count);
  writeFileSync(table, `${JSON.stringify(counts, null, 2)}\n`);
} else if (first) {
  const names = Object.keys(counts);
  if (first !== 'all' && !names.includes(first)) throw new Error(`no pattern '${first}'; the patterns are ${names.join(', ')}`);
  for (const hit of hits)
    if ((first === 'all' || hit.name === first) && hit.path.startsWith(prefix))
      console.log(`${hit.path}:${hit.line}: ${hit.name}: ${hit.text}`);
  const pattern = first in patterns ? patterns[first as keyof typeof patterns] : undefined;
  if (pattern) console.log(`instead: ${pattern.instead}`);
} else console.table(counts);
