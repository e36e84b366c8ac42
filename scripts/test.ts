/**
 * `npm test`: installs missing tools, then runs every stage and ends with a table. Arguments name stages or sets of stages. Arguments after
 * `--` go to vitest, as in `npm run test:browser -- matmul`.
 *
 * npm run test:stacks   the GPU tests on every stack of this machine, and one table of them
 * npm run test:full     everything, on every stack, with 10,000 random graphs on the CPU and 300 on each GPU stack
 *
 * A missing GPU stack is a failure with its reason. OMBRE_ALLOW_MISSING=1 makes it a skip with its reason. OMBRE_GRAPHS and
 * OMBRE_GPU_GRAPHS are the numbers of random graphs of the CPU and of each GPU stack.
 */
import { describe, setUp } from './setup.ts';
import { type Outcome, runStage, since } from './testing/runStage.ts';
import { type Stage, stageSets, stages, stageGroups } from './testing/stages.ts';
import { findingsReport, skippedByReason, stackTable, stageTable } from './testing/summary.ts';

const separator = process.argv.indexOf('--', 2);
const vitestArguments = separator < 0 ? [] : process.argv.slice(separator + 1);
const named = process.argv.slice(2, separator < 0 ? undefined : separator);
const wanted = named.length === 0 ? ['default'] : named;

const known = [...stages.map(({ name }) => name), ...Object.keys(stageSets)];
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`no stage ${unknown.join(', ')}; the stages are ${known.join(', ')}`);
  process.exit(2);
}
const sets = wanted.flatMap((name) => (name in stageSets ? [stageSets[name]] : []));
const names = new Set(wanted.flatMap((name) => (name in stageSets ? stageSets[name].stages : [name])));
const selected = ({ name }: Stage) => names.has(name);
const takesWhatIsThere = sets.some((set) => set.takesWhatIsThere);

const started = performance.now();
const needs = new Set(stages.filter(selected).flatMap((stage) => stage.needs ?? []));
const stacks = await setUp([...needs]);
if (needs.size > 0) console.log(`${describe(stacks)}\nset-up   ${since(started).toFixed(1)} s`);

const env = Object.assign({}, ...sets.map((set) => set.env)) as Record<string, string>;
const outcomes: Outcome[] = [];
for (const group of stageGroups) {
  // A machine without a GPU does not need the stacks of one.
  const chosen = group.filter((stage) => selected(stage) && !(stage.needs === 'hardware' && 'missing' in (stacks.hardware ?? {})));
  const options = { stacks, env, vitestArguments, takesWhatIsThere };
  outcomes.push(...(await Promise.all(chosen.map((stage) => runStage(stage, chosen.length > 1, options)))));
}

// With a filter for vitest, the other tests are skipped on purpose.
if (vitestArguments.length === 0) {
  const skipped = outcomes.flatMap(({ stage, tests }) =>
    skippedByReason(tests).flatMap(([reason, tests]) => tests.map((test) => `  ${stage.name}: ${test} (${reason})`)),
  );
  if (skipped.length > 0) console.log(`\nskipped tests\n${skipped.join('\n')}`);
}
const report = findingsReport(outcomes);
if (report) console.log(`\n${report}`);
const ofStacks = takesWhatIsThere ? outcomes.filter(({ stage }) => stage.stack) : [];
const others = outcomes.filter((outcome) => !ofStacks.includes(outcome));
if (ofStacks.length > 0) console.log(`\n${stackTable(ofStacks, ({ stage }) => stage.needs && stacks[stage.needs])}`);
if (others.length > 0) console.log(`\n${stageTable(others)}`);
console.log(`\nall in ${since(started).toFixed(1)} s`);

const complaints = [
  ...outcomes.filter(({ result }) => result === 'failed').map(({ stage }) => stage.name),
  ...(ofStacks.some(({ stage, result }) => stage.needs && result !== 'missing') || ofStacks.length === 0 ? [] : ['there is no GPU stack']),
  ...(vitestArguments.length > 0 && outcomes.every(({ tests }) => !tests?.length) ? ['no test fits the filter'] : []),
];
if (complaints.length > 0) console.log(`failed: ${complaints.join(', ')}`);
process.exitCode = complaints.length > 0 ? 1 : 0;
