// A prepared graph without a compiler: for runtimes that interpret graphs.
import { CachedPromise } from '../core/cachedPromise.ts';
import { ArgumentError } from '../core/errors.ts';
import type { Executable, MemoryPlan, PreparedGraph } from './runtime.ts';

/** Builds its executable at first use. It has no memory plan. */
export class InterpretedGraph implements PreparedGraph {
  private readonly built = new CachedPromise<Executable>();
  private readonly build: () => Executable;

  constructor(build: () => Executable) {
    this.build = build;
  }

  plan(): Promise<MemoryPlan> {
    return Promise.reject(new ArgumentError("plan: memory is planned on a GPU only; call setDevice('webgpu') first"));
  }

  executable(): Promise<Executable> {
    return this.built.get(async () => this.build());
  }

  dispose(): void {
    disposeWhenBuilt(this.built.current);
  }
}

/** Frees an executable, also one that is still being built. A failed build has nothing to free. */
export function disposeWhenBuilt(building: Promise<Executable> | undefined): void {
  building?.then(
    (executable) => executable.dispose(),
    () => undefined,
  );
}
