// Names of the parts of a model (`dense_1/relu`). Every node has one, for errors, profiles and the comments in kernels.
let scope = '';

export const currentScope = (): string => scope;

/** Runs fn with `name` appended to the scope of every node that it makes. */
export function withScope<T>(name: string, fn: () => T): T {
  const outer = scope;
  scope = outer ? `${outer}/${name}` : name;
  try {
    return fn();
  } finally {
    scope = outer;
  }
}

/** Runs fn in the given scope. Gradients have the scopes of the ops they belong to. */
export function atScope<T>(path: string, fn: () => T): T {
  const outer = scope;
  scope = path;
  try {
    return fn();
  } finally {
    scope = outer;
  }
}
