// The entry in Node: one graph, its figures on the standard output; or, called without a name, how graphs grow.
import { readFileSync } from 'node:fs';
import type { LongGraph } from '../../test/support/longGraphs.ts';
import { busyLoop, growth, measure } from './measure.ts';

/** Milliseconds that the main thread has had a processor, where Linux tells. */
function processorTime(): number | undefined {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
  } catch {
    return undefined;
  }
}

function figures(name: LongGraph, n: number): object {
  const before = processorTime();
  const compiled = measure(name, n);
  const after = processorTime();
  return { compiled, processor: before === undefined ? undefined : after! - before, loop: busyLoop() };
}

const [name, n] = process.argv.slice(2);
console.log(JSON.stringify(name ? figures(name as LongGraph, Number(n)) : growth()));
