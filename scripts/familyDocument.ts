/** Pages of the families of factories, such as docs/optimizers.md: from the declarations, the docstrings and the tests. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { shown } from '../src/core/shown.ts';
import { declarations } from '../test/support/declarations.ts';
import { docOf } from '../test/support/factoryDocs.ts';
import { provenBy } from '../test/support/provenBy.ts';
import { parity } from '../test/tables/parity.ts';

export const families = [
  'losses',
  'optimizers',
  'schedules',
  'metrics',
  'layers',
  'callbacks',
  'initializers',
  'regularizers',
  'constraints',
] as const;
export type Family = (typeof families)[number];

const titles: Readonly<Record<Family, string>> = {
  losses: 'Losses',
  optimizers: 'Optimizers',
  schedules: 'Schedules of the learning rate',
  metrics: 'Metrics',
  layers: 'Layers',
  callbacks: 'Callbacks',
  initializers: 'Initializers',
  regularizers: 'Regularizers',
  constraints: 'Constraints',
};

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '\\<').replaceAll('*', '\\*').replaceAll('_', '\\_');

/** Factories of a family, by name. */
export const factoriesOf = (family: Family): string[] => [...declarations.keys()].filter((name) => name.startsWith(`${family}.`)).sort();

function optionsOf(factory: string): string {
  const entries = Object.entries(declarations.get(factory)!.options);
  if (entries.length === 0) return 'none';
  const list = entries.map(([name, { need, value }]) => {
    const standard = need === 'default' ? ` = ${shown(value)}` : need === 'required' ? ' (required)' : '';
    return `\`${name}${standard}\``.replaceAll('|', '\\|');
  });
  return `[${entries.length}](options.md#${factory.replace('.', '').toLowerCase()}): ${list.join(', ')}`;
}

/** The library whose definition a factory has, if its docstring names none. */
function listed(family: Family, name: string): string {
  const groups: Readonly<Record<string, readonly string[]>> = parity[family] ?? {};
  return Object.keys(groups).find((reference) => groups[reference].includes(name)) ?? '';
}

function row(family: Family, factory: string): string {
  const name = factory.slice(family.length + 1);
  const doc = docOf(factory);
  const tests = provenBy(factory);
  const shownTests = tests.slice(0, 3).join(', ') + (tests.length > 3 ? ` and ${tests.length - 3} more` : '');
  const cells = [
    `\`${name}\``,
    cell(doc?.text ?? ''),
    optionsOf(factory),
    cell(doc?.reference ?? listed(family, name)),
    cell(shownTests) || 'untested',
  ];
  return `| ${cells.join(' | ')} |`;
}

function table(family: Family): string {
  const rows = factoriesOf(family).map((factory) => row(family, factory));
  const head = '| name | what it does | options | reference | tested in `test/` |\n| --- | --- | --- | --- | --- |';
  return `\`npm run docs\` writes this table of ${rows.length} from the declarations, the docstrings and the tests; a test fails when it is stale.\n\n${head}\n${rows.join('\n')}`;
}

/** Pages by name. Small families share one. */
export const pages: Readonly<Record<string, readonly Family[]>> = {
  losses: ['losses'],
  optimizers: ['optimizers'],
  schedules: ['schedules'],
  metrics: ['metrics'],
  layers: ['layers'],
  callbacks: ['callbacks'],
  parameters: ['initializers', 'regularizers', 'constraints'],
};

const marker = '## All losses';

/** The text of a page. The page of losses begins with what is written by hand. */
export async function familyDocument(page: string): Promise<string> {
  const path = fileURLToPath(new URL(`../docs/${page}.md`, import.meta.url));
  const tables = pages[page];
  const options = { ...(await resolveConfig(path)), parser: 'markdown' };
  if (page === 'losses') return format(`${readFileSync(path, 'utf8').split(marker)[0]}\n${marker}\n\n${table('losses')}\n`, options);
  if (tables.length === 1) return format(`# ${titles[tables[0]]}\n\n${table(tables[0])}\n`, options);
  return format(`# Rules of parameters\n\n${tables.map((family) => `## ${titles[family]}\n\n${table(family)}\n`).join('\n')}`, options);
}
