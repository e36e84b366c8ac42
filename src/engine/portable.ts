// When a kernel does not compile: the same program in kernels that ask for less.
import type { Program } from '../compiler/index.ts';
import { ShaderError } from '../core/errors.ts';
import type { Target } from '../graph/op.ts';

/** The same device asked for less and less: without subgroups, then without workgroup memory and barriers, which any WebGPU compiler takes. */
export function portableTargets(target: Target): Target[] {
  const targets: Target[] = [];
  if (target.subgroupSize !== undefined) targets.push({ ...target, subgroupSize: undefined });
  if (target.processor === 'gpu') targets.push({ ...target, processor: 'cpu', subgroupSize: undefined });
  return targets;
}

interface Loader<T> {
  readonly target: Target;
  /** Makes the program for a target. */
  readonly compile: (target: Target) => Promise<Program>;
  /** Builds its pipelines. */
  readonly load: (program: Program) => Promise<T>;
  /** Hears of the first kernel that did not compile, once a program without it was built. */
  readonly announce: (error: ShaderError) => void;
}

/** @throws ShaderError of the first kernel that did not compile, where the portable ones do not either. */
export async function loadPortably<T>({ target, compile, load, announce }: Loader<T>): Promise<T> {
  let first: ShaderError | undefined;
  for (const asked of [target, ...portableTargets(target)]) {
    try {
      const loaded = await load(await compile(asked));
      if (first) announce(first);
      return loaded;
    } catch (error) {
      if (!(error instanceof ShaderError)) throw error;
      first ??= error;
    }
  }
  throw first!;
}
