/** The summary of a test run: the stages or stacks, skipped tests with their reasons, and the figures that the tests recorded. */
import type { Coverage, Findings, Worst } from '../../test/support/findings.ts';
import type { Found, Missing } from '../setup.ts';
import type { TestRecord } from './reporter.ts';
import type { Outcome } from './runStage.ts';

const count = (tests: readonly TestRecord[] | undefined, status: TestRecord['status']): number =>
  tests?.filter((test) => test.status === status).length ?? 0;

/** Columns as wide as their widest cell; numbers to the right. */
function table(rows: readonly (readonly (string | number)[])[]): string {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => String(row[i] ?? '').length)));
  const line = (row: readonly (string | number)[]): string =>
    row.map((cell, i) => (typeof cell === 'number' ? String(cell).padStart(widths[i]) : cell.padEnd(widths[i]))).join('  ');
  return rows.map((row) => line(row).trimEnd()).join('\n');
}

const rounded = (seconds: number): number => Math.round(seconds * 10) / 10;

/** Skipped tests by reason. */
export function skippedByReason(tests: readonly TestRecord[] | undefined): [reason: string, names: string[]][] {
  const reasons = new Map<string, string[]>();
  for (const { name, status, note } of tests ?? []) {
    if (status !== 'skipped') continue;
    const reason = note ?? 'no reason given';
    reasons.set(reason, [...(reasons.get(reason) ?? []), name]);
  }
  return [...reasons];
}

export function stageTable(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ stage, result, seconds, why, tests }) => {
    const counts = tests && `${count(tests, 'passed')} tests passed, ${count(tests, 'failed')} failed, ${count(tests, 'skipped')} skipped`;
    return [stage.name, result, rounded(seconds), [why, counts].filter(Boolean).join('; ')];
  });
  return table([['stage', 'result', 'seconds', ''], ...rows]);
}

/** One row for each stack: the numbers of its tests, and the reasons of skips and failures. */
export function stackTable(outcomes: readonly Outcome[], adapterOf: (outcome: Outcome) => Found | Missing | undefined): string {
  const rows = outcomes.map((outcome): (string | number)[] => {
    const { stage, result, seconds, why, tests } = outcome;
    const adapter = adapterOf(outcome);
    const on = adapter && 'adapter' in adapter ? adapter.adapter : result === 'missing' ? '' : 'Node, f64 and f32';
    if (result === 'missing') return [stage.stack!, '-', '-', '-', '-', on, `not on this machine: ${why}`];
    const reasons = skippedByReason(tests).map(([reason, names]) => `${names.length} skipped: ${reason}`);
    const numbers = (['passed', 'failed', 'skipped'] as const).map((status) => count(tests, status));
    return [stage.stack!, ...numbers, rounded(seconds), on, [why, ...reasons].filter(Boolean).join('; ')];
  });
  return table([['stack', 'passed', 'failed', 'skipped', 'seconds', 'adapter', 'why'], ...rows]);
}

/** Figures of all stacks in columns. Empty if no test recorded any. */
export function findingsReport(outcomes: readonly Outcome[]): string {
  const columns = outcomes.flatMap(({ stage, tests }) => {
    if (!stage.stack || !tests) return [];
    // Counts of a failed test are left out, but its error is reported.
    const all = tests.flatMap(({ findings }) => (findings ? [findings] : []));
    const passed = tests.flatMap(({ status, findings }) => (findings && status === 'passed' ? [findings] : []));
    return all.length > 0 ? [{ stack: stage.stack, all, passed }] : [];
  });
  if (columns.length === 0) return '';
  const total = (of: (findings: Findings) => number) => columns.map(({ passed }) => passed.reduce((sum, found) => sum + of(found), 0));
  const families = [...new Set(columns.flatMap(({ all }) => all.flatMap(({ worst }) => Object.keys(worst))))].sort();
  const coverage = columns.flatMap(({ passed }) => passed.flatMap((found) => found.coverage ?? [])).at(0);
  const blank = columns.map(() => '');
  const figures = table([
    ['', ...columns.map(({ stack }) => stack)],
    ['PyTorch vectors passed', ...total(({ vectors }) => vectors).map(String)],
    ['gradient checks passed', ...total(({ gradients }) => gradients).map(String)],
    ...guardRows(columns.map(({ all }) => all)),
    ['worst error / its bound', ...blank],
    ...families.map((family) => [`  ${family}`, ...columns.map(({ all }) => shareOf(all.flatMap(({ worst }) => worst[family] ?? [])))]),
  ]);
  return [coverage && coverageLine(coverage), figures].filter(Boolean).join('\n\n');
}

/** Guard zones of each stack, with those of failed tests. */
function guardRows(columns: readonly (readonly Findings[])[]): string[][] {
  const total = (of: 'checked' | 'violated') => columns.map((all) => String(all.reduce((sum, { guards }) => sum + (guards?.[of] ?? 0), 0)));
  const [checked, violated] = [total('checked'), total('violated')];
  if (checked.every((count) => count === '0')) return [];
  return [
    ['guard zones compared', ...checked],
    ['guard zones overwritten', ...violated],
  ];
}

/** The worst error of a family, as in `0.81 tanh`. */
function shareOf(found: readonly Worst[]): string {
  if (found.length === 0) return '-';
  // JSON has null for Infinity and NaN.
  const shares = found.map(({ ratio, what }) => ({ ratio: (ratio as number | null) ?? Infinity, what }));
  const { ratio, what } = shares.reduce((worst, next) => (next.ratio > worst.ratio ? next : worst));
  return ratio === 0 ? '0' : `${ratio.toPrecision(2)} ${what}`;
}

function coverageLine({ listed, exported, definitions, withoutReason }: Coverage): string {
  const lacking = withoutReason.length > 0 ? ` (${withoutReason.join(', ')})` : '';
  return [
    `ops defined / ops in the API list: ${exported} / ${listed}; ${definitions} primitives implement them`,
    `ops lacking a gradient without a reason: ${withoutReason.length}${lacking}`,
  ].join('\n');
}
