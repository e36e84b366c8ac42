// Names in scope while a kernel is lowered.
import type { Value } from '../ir/code.ts';
import type { Place } from '../ir/code.ts';
import type { Expression } from '../wgsl/syntax.ts';
import type { Lanes, Type } from './types.ts';

/** A variable whose present value is known at each place of the code. */
export interface Variable {
  readonly kind: 'variable';
  /** The declaration: what a lowering learns of a variable is kept by it. */
  readonly declaration: object;
  readonly name: string;
  readonly type: Type;
  current: Lanes;
}

/** A variable in memory: a buffer, a uniform, or an array that is indexed. */
export interface Stored {
  readonly kind: 'stored';
  readonly place: Place;
  readonly type: Type;
  /** Address of each lane's copy, or one for all. */
  readonly addresses: readonly Value[];
  /** Number of elements of a buffer, if the type has no length. */
  readonly length?: () => Value;
}

export type Binding =
  | { readonly kind: 'constant'; readonly lanes: Lanes }
  /** A module constant, lowered at its use. */
  | { readonly kind: 'expression'; readonly expression: Expression }
  | Variable
  | Stored;

export class Scope {
  private readonly names = new Map<string, Binding>();
  private readonly parent: Scope | undefined;

  constructor(parent?: Scope) {
    this.parent = parent;
  }

  find(name: string): Binding | undefined {
    return this.names.get(name) ?? this.parent?.find(name);
  }

  declare(name: string, binding: Binding): void {
    this.names.set(name, binding);
  }
}
