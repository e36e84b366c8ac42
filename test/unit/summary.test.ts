// The summary of a test run, from records of the reporter.
import { expect, test } from 'vitest';
import type { TestRecord } from '../../scripts/testing/reporter.ts';
import type { Outcome } from '../../scripts/testing/runStage.ts';
import { type Stage, stageSets, stages } from '../../scripts/testing/stages.ts';
import { findingsReport, skippedByReason, stackTable, stageTable } from '../../scripts/testing/summary.ts';
import { type Findings, noteCoverage, noteError, noteGradients, noteGuards, noteVectors } from '../support/findings.ts';

const findings = (worst: Findings['worst'], more: Partial<Findings> = {}): Findings => ({ vectors: 1, gradients: 2, worst, ...more });

const gpuTests: TestRecord[] = [
  {
    name: 'exp',
    status: 'passed',
    findings: findings({ elementwise: { ratio: 0.5, what: 'exp' } }, { guards: { checked: 7, violated: 0 } }),
  },
  { name: 'tanh', status: 'passed', findings: findings({ elementwise: { ratio: 0.75, what: 'tanh' }, shapes: { ratio: 0, what: 'pad' } }) },
  { name: 'half', status: 'skipped', note: 'no shader-f16' },
  { name: 'half again', status: 'skipped', note: 'no shader-f16' },
  { name: 'odd', status: 'skipped' },
];
const coverage = { listed: 9, exported: 8, definitions: 7, withoutReason: ['sech'] };
const cpuTests: TestRecord[] = [
  // As JSON brings Infinity back; what a failed test counted is no check passed.
  { name: 'exp', status: 'failed', findings: findings({ elementwise: { ratio: null as unknown as number, what: 'sinh' } }) },
  { name: 'list', status: 'passed', findings: findings({}, { vectors: 4, gradients: 0, coverage }) },
];
const outcomes: Outcome[] = [
  { stage: { name: 'unit', stack: 'CPU', commands: [] }, result: 'failed', seconds: 1.25, why: 'vitest ended with 1', tests: cpuTests },
  { stage: { name: 'browser', stack: 'Chromium', needs: 'browser', commands: [] }, result: 'passed', seconds: 2, tests: gpuTests },
  {
    stage: { name: 'firefox', stack: 'Firefox', needs: 'firefox', commands: [] },
    result: 'missing',
    seconds: 0,
    why: 'firefox-esr does not start',
  },
];
const lines = (text: string): string[] => text.split('\n').map((line) => line.replace(/ {2,}/g, ' | '));

test('one table of stacks: what passed, failed and was skipped, and why', () => {
  const found = { name: 'Chromium 1', adapter: 'swiftshader', env: {} };
  expect(lines(stackTable(outcomes, ({ stage }) => (stage.name === 'browser' ? found : undefined)))).toEqual([
    'stack | passed | failed | skipped | seconds | adapter | why',
    'CPU | 1 | 1 | 0 | 1.3 | Node, f64 and f32 | vitest ended with 1',
    'Chromium | 2 | 0 | 3 | 2 | swiftshader | 2 skipped: no shader-f16; 1 skipped: no reason given',
    'Firefox | - | - | - | - | not on this machine: firefox-esr does not start',
  ]);
});

test('the stages of one stack', () => {
  expect(lines(stageTable(outcomes.slice(1, 2)))).toEqual([
    'stage | result | seconds',
    'browser | passed | 2 | 2 tests passed, 0 failed, 3 skipped',
  ]);
  expect(skippedByReason(gpuTests)).toEqual([
    ['no shader-f16', ['half', 'half again']],
    ['no reason given', ['odd']],
  ]);
});

test('figures of all stacks in one table: passed checks are counted, and the worst error of all tests is named', () => {
  expect(lines(findingsReport(outcomes))).toEqual([
    'ops defined / ops in the API list: 8 / 9; 7 primitives implement them',
    'ops lacking a gradient without a reason: 1 (sech)',
    '',
    ' | CPU | Chromium',
    'PyTorch vectors passed | 4 | 2',
    'gradient checks passed | 0 | 4',
    'guard zones compared | 0 | 7',
    'guard zones overwritten | 0 | 0',
    'worst error / its bound',
    ' | elementwise | Infinity sinh | 0.75 tanh',
    ' | shapes | - | 0',
  ]);
  expect(findingsReport([{ ...outcomes[1], tests: [{ name: 'exp', status: 'passed' }] }])).toBe('');
});

test('a test collects its worst errors and its counts', ({ task }) => {
  noteError('elementwise', 'exp', 1, 4);
  noteError('elementwise', 'sinh', 3, 4);
  noteError('elementwise', 'tanh', 0, 0);
  noteError('shapes', 'pad', NaN, 1);
  noteError('shapes', 'slice', 1, 1);
  noteGradients(2);
  noteVectors(3);
  noteGuards(5, 0);
  noteGuards(2, 1);
  noteCoverage(coverage);
  const found = task.meta.findings;
  // Records of this test are not findings of the library.
  delete task.meta.findings;
  expect(found).toEqual({
    vectors: 3,
    gradients: 2,
    guards: { checked: 7, violated: 1 },
    worst: { elementwise: { ratio: 0.75, what: 'sinh' }, shapes: { ratio: Infinity, what: 'pad' } },
    coverage,
  });
});

test('sets of stages name stages that there are, and each GPU stack is in both, posing as a GPU and with every size of subgroups in one', () => {
  const known = stages.map(({ name }) => name);
  for (const set of Object.values(stageSets)) expect(set.stages.filter((name) => !known.includes(name))).toEqual([]);
  const gpu = stages.filter(({ name, stack, needs }) => stack && needs && needs !== 'vulkan' && name !== 'browser-plan');
  const missing = (set: string, wanted: readonly Stage[]) => wanted.filter(({ name }) => !stageSets[set].stages.includes(name));
  expect(missing('full', gpu)).toEqual([]);
  expect(missing('stacks', gpu.filter(({ env }) => env?.OMBRE_PLAN !== 'gpu' && !env?.OMBRE_SUBGROUPS))).toEqual([]); // prettier-ignore
  for (const name of ['gpu-plan', 'browser-plan']) expect(stageSets.default.stages).toContain(name);
});
