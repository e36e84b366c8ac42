// Logs programs to the console as they are compiled. Its public form is trace().
import { type Program, printProgram } from '../compiler/index.ts';
import { type Graph, printGraph } from '../graph/graph.ts';

export const logLevels = ['graph', 'kernels', 'wgsl', 'off'] as const;
export type LogLevel = (typeof logLevels)[number];

let level: LogLevel = 'off';

export function setLogLevel(chosen: LogLevel): void {
  level = chosen;
}

export function logGraph(name: string, graph: Graph): void {
  if (level !== 'off') console.log(`--- ${name}: graph\n${printGraph(graph)}`);
}

export function logProgram(program: Program): void {
  if (level === 'kernels' || level === 'wgsl') console.log(`--- ${program.name}: kernels\n${printProgram(program)}`);
  if (level === 'wgsl') for (const { wgsl } of program.dispatches) console.log(wgsl);
}
