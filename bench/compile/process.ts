// The entry in Node. Compiles one graph and prints its figures. Without a name it prints the growth of the graphs.
import { readFileSync } from 'node:fs';
import type { LongGraph } from '../../test/support/longGraphs.ts';
import { busyLoop, growth, measure } from './measure.ts';

/** Processor time of the main thread in milliseconds. Only Linux reports it. */
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
