// Names of places in a model (`dense_1/relu`), kept by every node so that errors, profiles and kernels speak of them.
let scope = '';

export const currentScope = (): string => scope;

/** Runs fn with `name` appended to the scope of every node it makes. */
export function withScope<T>(name: string, fn: () => T): T {
  const outer = scope;
  scope = outer ? `${outer}/${name}` : name;
  try {
    return fn();
  } finally {
    scope = outer;
  }
}

/** Runs fn as if it stood at the given scope: gradients keep the names of the ops they come from. */
export function atScope<T>(path: string, fn: () => T): T {
  const outer = scope;
  scope = path;
  try {
    return fn();
  } finally {
    scope = outer;
  }
}
