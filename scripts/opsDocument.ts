/** Writes docs/ops.md: every op with its lowering, gradient, batching rule and stacks, from the definitions and their test rows. */
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

/** The order of derivatives that is checked. */
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

An op is a primitive or a composition of primitives, which the compiler fuses. The definition of a primitive gives its lowering for a GPU: \`view\` (no
computation), \`elementwise\` (one WGSL expression, fused with its neighbours), \`reduction\`, or \`kernel\` (a file of \`shaders/\`). "All rows at once"
means that vmap applies the op's batching rule, or that the op is elementwise. Without a rule the op is applied to one row at a time.

Every test row runs on all stacks: ${stackNames.join(', ')}. It compares the value with PyTorch, the gradient (and its gradient) with central
differences in f64, and each GPU stack with the CPU.

## Functions

${table(
  ['op', 'kind', 'gradient', 'vmap', 'checked', 'stacks'],
  functions.map((op) => [`\`${op.name}\``, kind(op), slope(op.slope), mapped(op), checks(op), op.rows.length > 0 ? 'all' : 'none']),
)}

## Primitives

The primitives that implement the functions and their gradients.

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
