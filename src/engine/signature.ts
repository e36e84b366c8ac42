// The signature of a call selects the program. It contains the structure and types of the arguments, but no values of tensors and numbers.
import { ArgumentError } from '../core/errors.ts';
import { formatShape } from '../core/shape.ts';
import { isBranch } from '../core/tree.ts';
import { Tensor } from '../graph/tensor.ts';

const identities = new WeakMap<object, number>();
let nextIdentity = 0;

/** The structure of the tree and the type of each leaf; strings and booleans by value, functions and class instances by identity. */
export function signatureOf(tree: unknown): string {
  if (isBranch(tree)) {
    if (Array.isArray(tree)) return `[${tree.map(signatureOf).join(',')}]`;
    return `{${Object.keys(tree)
      .map((name) => `${JSON.stringify(name)}:${signatureOf(tree[name])}`)
      .join(',')}}`;
  }
  if (tree instanceof Tensor) return tree.dtype + formatShape(tree.shape);
  switch (typeof tree) {
    case 'number':
      return 'number';
    case 'string':
      return JSON.stringify(tree);
    case 'boolean':
    case 'undefined':
      return String(tree);
    case 'object':
    case 'function': {
      if (tree === null) return 'null';
      let id = identities.get(tree);
      if (id === undefined) identities.set(tree, (id = nextIdentity++));
      return `#${id}`;
    }
    default:
      throw new ArgumentError(`compile: an argument holds a ${typeof tree}; pass tensors, numbers, strings, booleans, or trees of them`);
  }
}
