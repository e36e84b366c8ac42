/** docs/ops.md: every op with its lowering, gradient, batching rule and stacks, from the definitions and the rows that test them. */
import { format, resolveConfig } from 'prettier';
import '../src/index.ts';
import { type Anatomy, type Slope, functions, primitives } from '../test/support/opAnatomy.ts';
import { stageSets, stages } from './testing/stages.ts';

const stackNames = stages
  .filter(({ name, stack }) => stack && name !== 'hardware' && stageSets.stacks.stages.includes(name))
  .map(({ stack }) => stack!);

function slope(given: Slope): string {
  if (given.kind === 'gradient') return 'yes';
  const reason = given.reason ?? 'no reason is stated';
  return reason.startsWith('0:') ? reason : `none: ${reason}`;
}

function kind({ name, primitives: parts }: Anatomy): string {
  if (parts.length === 0) return 'values on the host';
  const [first] = parts;
  if (parts.length === 1) return first.name === name ? first.lowering.kind : `${first.lowering.kind} \`${first.name}\``;
  const own = parts.find((op) => op.name === name);
  const others = parts.flatMap((op) => (op === own ? [] : `\`${op.name}\``)).join(', ');
  return own ? `${own.lowering.kind}, or with ${others}` : `composition of ${others}`;
}

const mapped = ({ rowByRow }: Anatomy): string =>
  rowByRow === undefined
    ? '-'
    : rowByRow.length === 0
      ? 'all rows at once'
      : `row by row: ${rowByRow.map((name) => `\`${name}\``).join(', ')}`;

/** How deep the derivatives are checked. */
function checks({ rows }: Anatomy): string {
  const deepest = (['twice', 'once'] as const).find((depth) => rows.some(({ gradient }) => gradient === depth));
  return [`${rows.length} ×`, 'value', deepest && `gradient ${deepest}`].filter(Boolean).join(' ').replace(' gradient', ', gradient');
}

const table = (header: readonly string[], rows: readonly (readonly string[])[]): string =>
  [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** The text of docs/ops.md. */
export async function opsDocument(): Promise<string> {
  const text = `# Ops

\`npm run docs\` writes this page from the definitions in \`src/ops\` and the rows in \`test/tables\`; a test fails when it is stale.

An op is either a primitive, whose definition says how a GPU does it (\`view\`: no work; \`elementwise\`: one WGSL expression, fused with its
neighbours; \`reduction\`; \`kernel\`: a file of \`shaders/\`), or a composition of primitives, which the compiler fuses. "All rows at once" is what vmap
makes of an op that has a batching rule or treats each element by itself; without one it is applied to row after row.

Every test row runs on all stacks: ${stackNames.join(', ')}. It compares the value with PyTorch, the gradient (and the gradient's own) with central
differences in f64, and each GPU stack with the CPU.

## Functions

${table(
  ['op', 'how', 'gradient', 'vmap', 'checked', 'stacks'],
  functions.map((op) => [`\`${op.name}\``, kind(op), slope(op.slope), mapped(op), checks(op), op.rows.length > 0 ? 'all' : 'none']),
)}

## Primitives

What the functions and their gradients are made of.

${table(
  ['primitive', 'lowering', 'gradient', 'vmap'],
  primitives.map((op) => [
    `\`${op.name}\``,
    op.primitives[0].lowering.kind,
    slope(op.slope),
    mapped(op).replace(/^row by row.*/, 'row by row'),
  ]),
)}
`;
  return format(text, { ...(await resolveConfig('docs/ops.md')), parser: 'markdown' });
}
