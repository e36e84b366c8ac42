// One kernel while it is lowered: its module, types, names in scope, and the lanes that are computed together.
import { Builder } from '../ir/builder.ts';
import type { Place, Value } from '../ir/code.ts';
import { unknownConstruct } from '../wgsl/errors.ts';
import type { Expression, ForLoop, FunctionSyntax, ModuleSyntax, TypeSyntax } from '../wgsl/syntax.ts';
import { Halves } from './halves.ts';
import { Packer } from './pack.ts';
import { Scope, type Stored, type Variable } from './scope.ts';
import { type Lanes, type ScalarName, type Type, isAbstract, laneOf, layoutOf, scalar, vector } from './types.ts';

/** The targets of a return, a break and a continue in the present code. Undefined if the code may not leave. */
export interface Exits {
  /** Called with the value. */
  readonly returning: ((value: Lanes | undefined) => void) | undefined;
  readonly breaking: (() => void) | undefined;
  readonly continuing: (() => void) | undefined;
}

/** The functions that call each other: expressions contain calls, functions contain statements, and loops contain both. */
export interface Lowering {
  evaluate(kernel: Kernel, expression: Expression): Lanes;
  body(kernel: Kernel, fn: FunctionSyntax): Lanes;
  loop(kernel: Kernel, loop: ForLoop, exits: Exits): boolean;
}

/** Four iterations that are computed together, for the code of one iteration: see strip.ts. */
export interface Together {
  /** Totals that the loop carries from iteration to iteration. */
  readonly carried: ReadonlySet<Variable>;
  noteLoad(place: Place, addresses: readonly Value[]): void;
  noteStore(place: Place, addresses: readonly Value[], isRun: boolean): void;
  notePacked(value: Value): void;
  uniform(operator: string, left: Lanes, right: Lanes): Lanes | undefined;
  prepare(expression: Expression, names: ReadonlySet<string>): Expression;
}

export interface KernelOptions {
  /** Fused multiplication and addition of the relaxed SIMD instructions. */
  readonly isRelaxed: boolean;
}

/** Facts that a lowering found too late. The next lowering has them from the start. */
export class Facts {
  /** Declarations of variables that are indexed: they are in memory. */
  readonly inMemory = new Set<object>();
  /** Declarations of variables whose lanes differ after an iteration of a loop. */
  readonly varying = new Set<object>();
}

/** Thrown after a fact was added. */
export class Restart extends Error {}

const scalarNames = new Set(['f32', 'i32', 'u32', 'bool', 'f16']);
const shortVector = /^vec([234])([fiuh])$/;
const shortTypes: Readonly<Record<string, ScalarName>> = { f: 'f32', i: 'i32', u: 'u32', h: 'f16' };

export class Kernel {
  readonly builder = new Builder();
  readonly packer = new Packer(this.builder);
  readonly halves = new Halves(this.builder);
  readonly module: ModuleSyntax;
  readonly options: KernelOptions;
  readonly facts: Facts;
  readonly lowering: Lowering;
  scope = new Scope();
  /** The names of the module. */
  globals!: Scope;
  /** Variables of the module, one copy for each invocation. */
  readonly moduleVariables: Variable[] = [];
  /** 4 while four iterations or invocations are computed together. */
  width: 1 | 4 = 1;
  /** The only lane that is computed now, in code whose lanes take different branches. */
  lane: number | undefined;
  /** The four iterations that are computed together. */
  strip: Together | undefined;
  /** Loads may have an index outside of their buffer. */
  isGuarded = false;
  /** Whether loops may be computed four iterations at a time. */
  readonly mayStrip: boolean;
  /** Number of loops computed so. */
  strips = 0;
  /** Bytes of arrays, for each thread. */
  stackBytes = 0;
  /** Address of the arrays. */
  stack!: Value;
  private places = 0;
  private readonly types = new Map<string, Type>();

  constructor(module: ModuleSyntax, options: KernelOptions, facts: Facts, mayStrip: boolean, lowering: Lowering) {
    this.module = module;
    this.options = options;
    this.facts = facts;
    this.mayStrip = mayStrip;
    this.lowering = lowering;
  }

  function(name: string): FunctionSyntax | undefined {
    return this.module.functions.get(name);
  }

  /** The type that a syntax names. */
  type({ name, arguments: args }: TypeSyntax): Type {
    if (scalarNames.has(name)) return scalar(name as ScalarName);
    const short = shortVector.exec(name);
    if (short) return vector(Number(short[1]), shortTypes[short[2]]);
    if (/^vec[234]$/.test(name)) {
      if (args.length === 0) return vector(Number(name[3]), 'integer');
      const of = this.type(args[0] as TypeSyntax);
      return of.kind === 'scalar' ? vector(Number(name[3]), of.name) : unknownConstruct(`a vector of ${of.kind}`);
    }
    const matrix = /^mat([234])x([234])f?$/.exec(name);
    if (matrix && args.length && this.type(args[0] as TypeSyntax) !== scalar('f32'))
      return unknownConstruct('a matrix of other elements than f32');
    if (matrix) return { kind: 'matrix', columns: Number(matrix[1]), rows: Number(matrix[2]) };
    if (name === 'array') {
      const length = args[1] as Expression | TypeSyntax | undefined;
      return { kind: 'array', of: this.type(args[0] as TypeSyntax), length: length ? this.number(length) : Infinity };
    }
    const alias = this.module.aliases.get(name);
    if (alias) return this.type(alias);
    const known = this.types.get(name);
    if (known) return known;
    const fields = this.module.structs.get(name);
    if (!fields) return unknownConstruct(`the type '${name}'`);
    const type: Type = { kind: 'struct', name, fields: fields.map((field) => ({ name: field.name, type: this.type(field.type) })) };
    this.types.set(name, type);
    return type;
  }

  /** Whether a call's name is that of a type. */
  isType({ name, arguments: args }: TypeSyntax): boolean {
    if (args.length > 0 || scalarNames.has(name) || shortVector.test(name)) return true;
    return /^(?:vec[234]|mat[234]x[234]f?|array)$/.test(name) || this.module.aliases.has(name) || this.module.structs.has(name);
  }

  /** A constant whole number, such as the length of an array. */
  number(expression: Expression | TypeSyntax): number {
    const found: Expression = 'kind' in expression ? expression : { kind: 'name', name: expression.name };
    const [node] = this.lowering.evaluate(this, found);
    if (node.value?.op !== 'const') return unknownConstruct('a length that is not constant');
    return node.value.imm;
  }

  place(name: string, isConstant: boolean): Place {
    return { name: `${name}#${this.places++}`, isConstant };
  }

  /** Memory for an array, one copy for each lane. */
  reserve(name: string, type: Type): Stored {
    const copies = this.width === 4 && this.lane === undefined ? 4 : 1;
    const { size } = layoutOf(type);
    const stride = Math.ceil(size / 16) * 16;
    const first = this.stackBytes;
    this.stackBytes += stride * copies;
    const addresses = Array.from({ length: copies }, (_, lane) =>
      this.builder.op('i32.add', [this.stack, this.builder.i32(first + lane * stride)]),
    );
    return { kind: 'stored', place: this.place(name, false), type, addresses };
  }

  /** The lanes that the present code sees: all, or the only one. */
  seen(lanes: Lanes): Lanes {
    return this.lane === undefined || lanes.length === 1 ? lanes : [lanes[this.lane]];
  }

  readVariable(variable: Variable): Lanes {
    return this.seen(variable.current);
  }

  writeVariable(variable: Variable, lanes: Lanes): void {
    if (this.lane === undefined) variable.current = lanes;
    else variable.current = Array.from({ length: 4 }, (_, lane) => (lane === this.lane ? lanes[0] : laneOf(variable.current, lane)));
  }

  /** Runs code in a new scope. */
  scoped<T>(run: () => T, parent: Scope = this.scope): T {
    const outer = this.scope;
    this.scope = new Scope(parent);
    try {
      return run();
    } finally {
      this.scope = outer;
    }
  }

  /** Runs code for each lane, one after the other. */
  alone<T>(run: () => T): T[] {
    const results: T[] = [];
    for (let lane = 0; lane < 4; lane++) {
      this.lane = lane;
      try {
        results.push(run());
      } finally {
        this.lane = undefined;
      }
    }
    return results;
  }

  isConcrete = (type: Type): boolean => type.kind !== 'scalar' || !isAbstract(type.name);
}
