// Reads the tasks of a page's main thread from the browser's trace: their duration by the clock, and their processor time. On a shared
// machine only the processor time depends on the page.
import { readFileSync } from 'node:fs';
import { type Page, chromium } from 'playwright';
import { browserFlags } from '../../scripts/browser.ts';
import { openScript } from '../openScript.ts';

export interface Task {
  readonly wall: number;
  readonly processor: number;
}

export interface Traced<T> {
  readonly result: T;
  /** The tasks between two marks. */
  readonly tasks: (from: string, to: string) => Task[];
}

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly tdur?: number;
}

/** Runs a function in a new browser and page, with tracing on. */
export async function traced<T>(
  executablePath: string | undefined,
  scriptPath: string,
  ready: string,
  run: (page: Page) => Promise<T>,
): Promise<Traced<T>> {
  const browser = await chromium.launch({ executablePath, args: browserFlags() });
  try {
    const page = await browser.newPage();
    await openScript(page, readFileSync(scriptPath, 'utf8'), ready);
    await browser.startTracing(page, { categories: ['toplevel', 'blink.user_timing'] });
    const result = await run(page);
    const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
    return { result, tasks: (from, to) => tasksBetween(traceEvents, from, to) };
  } finally {
    await browser.close();
  }
}

function tasksBetween(events: readonly TraceEvent[], from: string, to: string): Task[] {
  const markOf = (name: string): TraceEvent => {
    const mark = events.find((event) => event.name === name);
    if (!mark) throw new Error(`the browser's trace lacks the mark ${name}`);
    return mark;
  };
  const [begin, end] = [markOf(from), markOf(to)];
  return (
    events
      .filter(({ name, ph, pid, tid }) => ph === 'X' && name.endsWith('RunTask') && pid === begin.pid && tid === begin.tid)
      // A mark is inside a task. The task belongs to the interval with the larger part of it.
      .filter(({ ts, dur = 0 }) => ts + dur / 2 > begin.ts && ts + dur / 2 < end.ts)
      .map(({ dur = 0, tdur = dur }) => ({ wall: dur / 1000, processor: tdur / 1000 }))
  );
}
