// The syntax tree of the WGSL that this library writes.

/** A type as written: `u32`, `vec4<f32>`, `array<f32, 4>`, or a name. Lengths of arrays are expressions. */
export interface TypeSyntax {
  readonly name: string;
  readonly arguments: readonly (TypeSyntax | Expression)[];
}

export type Expression =
  | { readonly kind: 'number'; readonly value: number; readonly type: 'i32' | 'u32' | 'f32' | 'f16' | 'integer' | 'float' }
  | { readonly kind: 'truth'; readonly value: boolean }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'member'; readonly base: Expression; readonly name: string }
  | { readonly kind: 'index'; readonly base: Expression; readonly index: Expression }
  | { readonly kind: 'call'; readonly callee: TypeSyntax; readonly arguments: readonly Expression[] }
  | { readonly kind: 'unary'; readonly operator: string; readonly operand: Expression }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Expression; readonly right: Expression };

/** A local constant or variable. Each declaration is one object, by which its analyses are kept. */
export interface Declaration {
  readonly kind: 'declare';
  readonly isVariable: boolean;
  readonly name: string;
  readonly type: TypeSyntax | undefined;
  readonly value: Expression | undefined;
}

export interface ForLoop {
  readonly kind: 'for';
  readonly first: Statement | undefined;
  readonly condition: Expression | undefined;
  readonly next: Statement | undefined;
  readonly body: readonly Statement[];
}

/** Line of the text where a statement begins, for errors. */
interface Placed {
  readonly line?: number;
}

export type Statement = Placed & StatementSyntax;

type StatementSyntax =
  | Declaration
  | ForLoop
  | { readonly kind: 'assign'; readonly target: Expression; readonly operator: string | undefined; readonly value: Expression }
  | { readonly kind: 'call'; readonly call: Expression }
  | {
      readonly kind: 'if';
      readonly condition: Expression;
      readonly then: readonly Statement[];
      readonly otherwise: readonly Statement[];
    }
  | { readonly kind: 'block'; readonly body: readonly Statement[] }
  | { readonly kind: 'return'; readonly value: Expression | undefined }
  | { readonly kind: 'break' }
  | { readonly kind: 'continue' };

export interface Parameter {
  readonly name: string;
  readonly type: TypeSyntax;
  /** Name of the builtin value of an entry point. */
  readonly builtin: string | undefined;
}

export interface FunctionSyntax {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  readonly result: TypeSyntax | undefined;
  readonly body: readonly Statement[];
  /** Of the entry point. */
  readonly workgroupSize: readonly Expression[] | undefined;
}

export interface GlobalVariable {
  readonly name: string;
  readonly space: string;
  readonly access: string;
  readonly type: TypeSyntax;
  readonly binding: number | undefined;
  readonly line: number;
}

export interface ModuleSyntax {
  readonly constants: ReadonlyMap<string, Expression>;
  readonly aliases: ReadonlyMap<string, TypeSyntax>;
  readonly structs: ReadonlyMap<string, readonly { readonly name: string; readonly type: TypeSyntax }[]>;
  readonly variables: ReadonlyMap<string, GlobalVariable>;
  readonly functions: ReadonlyMap<string, FunctionSyntax>;
}
