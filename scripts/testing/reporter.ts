/** A vitest reporter. It writes one record for each test to the file named by OMBRE_REPORT. The summary reads it. */
import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';
import type { Findings } from '../../test/support/findings.ts';

export interface TestRecord {
  readonly name: string;
  readonly status: 'passed' | 'failed' | 'skipped';
  /** Reason of a skip, if the test gives one. */
  readonly note?: string;
  readonly findings?: Findings;
}

export default class RecordReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const records: TestRecord[] = [];
    for (const module of modules) {
      // A file that cannot be loaded has no tests that could fail.
      if (module.errors().length > 0) records.push({ name: `${module.relativeModuleId} (the file)`, status: 'failed' });
      for (const test of module.children.allTests()) {
        const result = test.result();
        const { findings } = test.meta();
        if (result.state === 'passed') records.push({ name: test.fullName, status: 'passed', findings });
        else if (result.state === 'failed') records.push({ name: test.fullName, status: 'failed', findings });
        else records.push({ name: test.fullName, status: 'skipped', note: result.state === 'skipped' ? result.note : 'never ran' });
      }
    }
    if (unhandled.length > 0) records.push({ name: `${unhandled.length} errors outside of tests`, status: 'failed' });
    if (process.env.OMBRE_REPORT) writeFileSync(process.env.OMBRE_REPORT, JSON.stringify(records));
  }
}
