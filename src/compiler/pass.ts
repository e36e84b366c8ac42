// Passes that can be interrupted: a large graph takes longer to compile than a page may stand still.

export type PassName = 'simplify' | 'materialize' | 'fuse' | 'schedule' | 'lower' | 'plan' | 'assemble';

/** A pass under way: it yields where its caller may let others run, and ends with its result. Compilation names the pass that is next. */
export type Pass<T> = Generator<PassName | undefined, T, undefined>;

/** Runs a pass to its end without a break. */
export function complete<T>(pass: Pass<T>): T {
  for (;;) {
    const { done, value } = pass.next();
    if (done) return value;
  }
}
