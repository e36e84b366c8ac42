// A graph prepared for one WebGPU device: compiled once, built once. If a kernel does not compile, the graph is compiled again for less capable targets.
import { type Donation, type Program, compileStepwise, programMemory } from '../compiler/index.ts';
import { CachedPromise } from '../core/cachedPromise.ts';
import { ShaderError } from '../core/errors.ts';
import { runInSlices } from '../core/eventLoop.ts';
import type { Graph } from '../graph/graph.ts';
import type { Target } from '../graph/op.ts';
import { disposeWhenBuilt } from './interpretedGraph.ts';
import { logGraph, logProgram } from './logging.ts';
import type { Executable, MemoryPlan, PreparedGraph } from './runtime.ts';

/** The device as far as preparing a program needs it. */
export interface ProgramLoader {
  readonly target: Target;
  /** Builds the pipelines of a program. @throws ShaderError if a kernel does not compile. */
  load(program: Program): Promise<Executable>;
  /** The reason why the device cannot run the program, or undefined. */
  refusal(program: Program): string | undefined;
  /** Called with the first kernel that did not compile, after a program without it was built. */
  reportPortable(error: ShaderError): void;
}

/** Less capable versions of a target: without subgroups, then without workgroup memory and barriers. Any WebGPU compiler accepts the last one. */
export function portableTargets(target: Target): Target[] {
  const targets: Target[] = [];
  if (target.subgroupSize !== undefined) targets.push({ ...target, subgroupSize: undefined });
  if (target.processor === 'gpu') targets.push({ ...target, processor: 'cpu', subgroupSize: undefined });
  return targets;
}

export class PreparedProgram implements PreparedGraph {
  private readonly loader: ProgramLoader;
  private readonly name: string;
  private readonly donations: readonly Donation[];
  /** Undefined after the executable is built: it is not needed again. */
  private graph: Graph | undefined;
  private readonly compiled = new CachedPromise<Program>();
  private readonly built = new CachedPromise<Executable>();
  /** The program that was built. It differs from the compiled one if a kernel did not compile. */
  private program: Program | undefined;

  constructor(loader: ProgramLoader, graph: Graph, name: string, donations: readonly Donation[]) {
    this.loader = loader;
    this.graph = graph;
    this.name = name;
    this.donations = donations;
  }

  async plan(): Promise<MemoryPlan> {
    const program = this.program ?? (await this.compile(this.loader.target));
    return { ...programMemory(program), refusal: this.loader.refusal(program) };
  }

  executable(): Promise<Executable> {
    return this.built.get(() => this.build());
  }

  dispose(): void {
    disposeWhenBuilt(this.built.current);
  }

  /** @throws ShaderError of the first kernel that did not compile, if the portable ones do not compile either. */
  private async build(): Promise<Executable> {
    const { loader } = this;
    const { target } = loader;
    let first: ShaderError | undefined;
    for (const candidate of [target, ...portableTargets(target)]) {
      const program = await this.compile(candidate);
      try {
        const executable = await loader.load(program);
        if (first) loader.reportPortable(first);
        this.program = program;
        this.graph = undefined;
        return executable;
      } catch (error) {
        if (!(error instanceof ShaderError)) throw error;
        first ??= error;
      }
    }
    throw first!;
  }

  /** The program for a target. The one for the device's own target is cached. */
  private compile(target: Target): Promise<Program> {
    return target === this.loader.target ? this.compiled.get(() => this.compileFor(target)) : this.compileFor(target);
  }

  private async compileFor(target: Target): Promise<Program> {
    const { name, donations } = this;
    const onSimplified = (graph: Graph): void => logGraph(name, graph);
    const program = await runInSlices(compileStepwise(this.graph!, { name, target, donations, onSimplified }));
    logProgram(program);
    return program;
  }
}
