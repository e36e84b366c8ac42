/**
 * `npm run accuracy -- cpu,llvmpipe,chromium`: runs the tests against golden numbers on these stacks, and writes docs/accuracy.md. The table also has
 * the stacks that were measured before on this machine. `--write` only writes it.
 */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import type { Difference } from '../test/support/findings.ts';
import { setUp } from './setup.ts';
import { runStage } from './testing/runStage.ts';
import type { Stage } from './testing/stages.ts';

interface Column {
  readonly stack: string;
  readonly date: string;
  readonly families: Readonly<Record<string, Difference>>;
}

const root = fileURLToPath(new URL('..', import.meta.url));
const stored = join(root, 'node_modules/.cache/ombre-accuracy');
const onGpu = ['maths', 'metrics', 'layers', 'trajectories', 'distributions', 'ops'].map((name) => `test/gpu/${name}.test.ts`);
const onCpu = ['losses', 'layerValues', 'metricFamilies', 'optim', 'trajectories', 'ops'].map((name) => `test/unit/${name}.test.ts`);
const run = (project: string, files: readonly string[]): Stage['commands'] => [['vitest', 'run', '--project', project, ...files]];

const stages: Readonly<Record<string, Stage>> = {
  cpu: { name: 'accuracy-cpu', stack: 'CPU', commands: run('unit', onCpu) },
  llvmpipe: { name: 'accuracy-llvmpipe', stack: 'llvmpipe', needs: 'llvmpipe', commands: run('node-gpu', onGpu) },
  swiftshader: { name: 'accuracy-swiftshader', stack: 'SwiftShader', needs: 'swiftshader', commands: run('node-gpu', onGpu) },
  chromium: { name: 'accuracy-chromium', stack: 'SwiftShader in Chromium', needs: 'browser', commands: run('browser', onGpu) },
  hardware: { name: 'accuracy-hardware', stack: 'GPU', needs: 'hardware', commands: run('node-gpu', onGpu) },
};

const families = ['losses', 'optimizers', 'optimizers after 200 updates', 'metrics', 'layers', 'activations', 'random', 'other ops'];

async function measure(name: string): Promise<void> {
  const stage = stages[name];
  const stacks = await setUp(stage.needs ? [stage.needs] : []);
  const outcome = await runStage(stage, false, { stacks, env: {}, vitestArguments: [], takesWhatIsThere: false });
  const found: Record<string, Difference> = {};
  for (const { findings } of outcome.tests ?? []) {
    for (const [family, difference] of Object.entries(findings?.differences ?? {})) {
      // JSON has null for Infinity.
      const error = (difference.error as number | null) ?? Infinity;
      if (!(family in found) || error > found[family].error) found[family] = { ...difference, error };
    }
  }
  if (outcome.result !== 'passed') throw new Error(`${stage.name} ${outcome.result}: ${outcome.why ?? 'no reason'}`);
  mkdirSync(stored, { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  const entries = Object.entries(found);
  const save = (stack: string, kept: readonly (readonly [string, Difference])[]): void =>
    writeFileSync(join(stored, `${stack}.json`), JSON.stringify({ stack, date, families: Object.fromEntries(kept) } satisfies Column));
  if (name !== 'cpu') return save(stage.stack!, entries);
  for (const mode of ['f64', 'f32']) {
    const end = `, ${mode}`;
    save(`CPU, ${mode}`, entries.flatMap(([family, difference]) => (family.endsWith(end) ? [[family.slice(0, -end.length), difference] as const] : []))); // prettier-ignore
  }
}

async function write(): Promise<void> {
  const order = ['CPU, f64', 'CPU, f32', ...Object.values(stages).map(({ stack }) => stack!)];
  const columns = readdirSync(stored)
    .map((file) => JSON.parse(readFileSync(join(stored, file), 'utf8')) as Column)
    .sort((a, b) => order.indexOf(a.stack) - order.indexOf(b.stack));
  const cell = (found: Difference | undefined): string =>
    found ? `${((found.error as number | null) ?? Infinity).toExponential(1)} (${found.what.split(' ')[0]})` : '-';
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const text = `# Accuracy

The largest differences from golden numbers, by family. Golden numbers come from PyTorch, scikit-learn and Keras, or from the formula in f64. A
difference is relative to numbers above 1, and absolute for the others. It includes gradients of losses and layers. In brackets is the name with the
largest difference.

\`npm run accuracy -- cpu,llvmpipe,chromium\` runs the tests and writes this page. The tests hold each number to a bound of its own, and \`npm test\`
prints the share of the bound that is used.

${row(['family', ...columns.map(({ stack, date }) => `${stack}, ${date}`)])}
${row(['---', ...columns.map(() => '---')])}
${families.map((family) => row([family, ...columns.map((column) => cell(column.families[family]))])).join('\n')}

- "CPU, f64" checks the formulas. Options such as a learning rate are f32 there, too. "CPU, f32" is the runtime that programs use; its inputs are rounded
  to f32, so the sine of a large number differs by more.
- GPU stacks test losses, optimizers, composed layers, and one metric of each form of state. The kernels of other layers have rows among the ops.
- On a GPU, metrics, random numbers and ops are compared with the CPU for the same inputs. Initializers draw from \`random\`.
- Optimizers take 10 updates, or 200.
`;
  const path = join(root, 'docs/accuracy.md');
  writeFileSync(path, await format(text, { ...(await resolveConfig(path)), filepath: path }));
}

const [names = 'cpu'] = process.argv.slice(2);
const wanted = names === '--write' ? [] : names.split(',');
const unknown = wanted.find((name) => !Object.hasOwn(stages, name));
if (unknown !== undefined) {
  console.error(`no stack ${unknown}; the stacks are ${Object.keys(stages).join(', ')}`);
  process.exit(2);
}
for (const name of wanted) await measure(name);
await write();
