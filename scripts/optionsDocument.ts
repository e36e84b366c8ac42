/** Writes docs/options.md: every factory with its options, from their declarations and the sentences above them in the source. */
import { format, resolveConfig } from 'prettier';
import { shown } from '../src/core/shown.ts';
import type { Declaration, Option, Need } from '../src/core/options.ts';
import { type OptionDoc, declarations, docsOf } from '../test/support/declarations.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '\\<');

/** The default as text for a table. Options whose default depends on others describe it in words. */
function standardOf({ need, value }: Option<unknown, unknown, Need>, { standard }: OptionDoc): string {
  if (need === 'required') return 'required';
  if (need === 'default') return `\`${shown(value)}\``;
  return standard ?? '';
}

function section(declaration: Declaration): string {
  const docs = docsOf(declaration.factory);
  const rows = Object.entries(declaration.options).map(([name, option]) => {
    const doc = docs.get(name)!;
    return `| \`${name}\` | ${cell(doc.sentence)} | ${cell(option.kind.rule)} | ${cell(standardOf(option, doc))} |`;
  });
  if (rows.length === 0) return `### ${declaration.factory}\n\nNo options.\n`;
  return `### ${declaration.factory}\n\n| option | meaning | values | default |\n| --- | --- | --- | --- |\n${rows.join('\n')}\n`;
}

const methodTable = 'Methods of a model, and other functions';

const tableOf = (factory: string): string => (factory.includes('.') ? factory.slice(0, factory.indexOf('.')) : methodTable);

/** The text of docs/options.md. */
export async function optionsDocument(): Promise<string> {
  const all = [...declarations.values()].sort((a, b) => (a.factory < b.factory ? -1 : 1));
  const tables = [...new Set([methodTable, ...all.map(({ factory }) => tableOf(factory))])];
  const sections = (table: string): string =>
    all
      .filter(({ factory }) => tableOf(factory) === table)
      .map(section)
      .join('\n');
  const text = `# Options

\`npm run docs\` writes this page from the declarations in \`src\`; a test fails when it is stale.

A factory takes one object of options. An option that is undefined counts as not given. A missing, wrong or unknown option is an
\`ArgumentError\` that names the factory, the option and the rule. Everything that a factory made has a \`config\`, plain data from which
\`fromConfig\` makes it again; \`register\` adds factories of your own.

${tables.map((table) => `## ${table}\n\n${sections(table)}`).join('\n')}`;
  return format(text, { ...(await resolveConfig('docs/options.md')), parser: 'markdown' });
}
