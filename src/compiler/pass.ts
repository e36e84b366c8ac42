// Passes that can be interrupted. A page must not block for as long as a large graph takes to compile.

export type PassName = 'simplify' | 'materialize' | 'fuse' | 'schedule' | 'lower' | 'plan' | 'assemble';

/**
 * A running pass. It yields at points at which the caller may yield to the event loop, and returns its result. The compiler yields the name
 * of the next pass.
 */
export type Pass<T> = Generator<PassName | undefined, T, undefined>;

/** Runs a pass to its end without a break. */
export function complete<T>(pass: Pass<T>): T {
  for (;;) {
    const { done, value } = pass.next();
    if (done) return value;
  }
}
