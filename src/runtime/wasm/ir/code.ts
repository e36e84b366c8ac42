// Intermediate code: pure values in nested regions, and items with effects in their order.
import type { WasmType } from './operations.ts';

/** The buffer or array of a load or store. Loads and stores of different places never meet. */
export interface Place {
  readonly name: string;
  /** No kernel writes it: equal loads give equal values. */
  readonly isConstant: boolean;
}

/** A mutable variable of the function. */
export interface Cell {
  readonly type: WasmType;
  local: number;
}

/** The result of an operation. Everything but loads and reads of cells is pure. */
export interface Value {
  readonly id: number;
  /** A name of operations.ts, or 'const', 'argument', 'get', 'select', 'load'. */
  readonly op: string;
  readonly type: WasmType;
  readonly args: readonly Value[];
  /** The number of a constant, the lane of a lane operation, the offset of a load, the shuffle of lanes as four digits. */
  readonly imm: number;
  readonly region: Region;
  readonly cell?: Cell;
  readonly load?: LoadKind;
  /** The 32-bit words of a constant of four lanes. */
  readonly words?: readonly number[];
  uses: number;
  local: number;
}

export interface LoadKind {
  readonly place: Place;
  /** Name of the instruction, such as `v128.load`. */
  readonly instruction: string;
}

/** A target of branches: the end of a block, or the head of a loop. */
export interface Label {
  readonly name: string;
}

export type Item =
  | { readonly kind: 'define'; readonly value: Value }
  | {
      readonly kind: 'store';
      readonly instruction: string;
      readonly address: Value;
      readonly offset: number;
      readonly value: Value;
      readonly place: Place;
    }
  | { readonly kind: 'set'; readonly cell: Cell; readonly value: Value }
  | { readonly kind: 'if'; readonly condition: Value; readonly then: Region; readonly otherwise: Region }
  /** Repeats its body until a branch leaves it. */
  | { readonly kind: 'loop'; readonly head: Label; readonly exit: Label; readonly body: Region }
  | { readonly kind: 'block'; readonly exit: Label; readonly body: Region }
  | { readonly kind: 'branch'; readonly target: Label; readonly condition: Value | undefined };

export class Region {
  readonly items: Item[] = [];
  readonly parent: Region | undefined;
  readonly depth: number;
  /** Of a loop or a block: values that do not depend on it move out of it. Values in a branch stay there. */
  readonly isMovable: boolean;
  /** Whether it is being built: what it has computed may be used now. Open regions are one within the other. */
  isOpen = false;

  constructor(parent: Region | undefined, isMovable: boolean) {
    this.parent = parent;
    this.depth = parent ? parent.depth + 1 : 0;
    this.isMovable = isMovable;
  }
}
