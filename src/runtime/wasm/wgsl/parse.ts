// A parser for the WGSL that this library writes: no pointers, switches, textures or attributes of struct members.
import type { Declaration, Expression, FunctionSyntax, GlobalVariable, ModuleSyntax, Parameter, Statement, TypeSyntax } from './syntax.ts';
import { type Token, tokensOf } from './tokens.ts';
import { unknownConstruct } from './errors.ts';

/** Names that begin a type with arguments, or a call of its constructor. */
const templates = /^(?:vec[234]|mat[234]x[234]|array|bitcast)$/;

/** Binary operators from the weakest to the strongest. */
const levels: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '>', '<=', '>='],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
];

const assignments = new Set(['=', '+=', '-=', '*=', '/=', '%=', '&=', '|=', '^=', '<<=', '>>=']);

interface Attributes {
  readonly [name: string]: readonly Expression[];
}

class Parser {
  private readonly tokens: Token[];
  private at = 0;

  constructor(text: string) {
    this.tokens = tokensOf(text, (line, what) => unknownConstruct(what, line));
  }

  module(): ModuleSyntax {
    const constants = new Map<string, Expression>();
    const aliases = new Map<string, TypeSyntax>();
    const structs = new Map<string, { name: string; type: TypeSyntax }[]>();
    const variables = new Map<string, GlobalVariable>();
    const functions = new Map<string, FunctionSyntax>();
    while (this.token.kind !== 'end') {
      if (this.accept(';')) continue;
      const attributes = this.attributes();
      const word = this.name();
      if (word === 'enable' || word === 'requires' || word === 'diagnostic') {
        while (!this.accept(';')) this.at++;
      } else if (word === 'const') {
        const name = this.name();
        if (this.accept(':')) this.type();
        this.expect('=');
        constants.set(name, this.expression());
        this.expect(';');
      } else if (word === 'alias') {
        const name = this.name();
        this.expect('=');
        aliases.set(name, this.type());
        this.expect(';');
      } else if (word === 'struct') {
        structs.set(this.name(), this.fields());
      } else if (word === 'var') {
        const variable = this.global(attributes);
        variables.set(variable.name, variable);
      } else if (word === 'fn') {
        const found = this.function(attributes);
        functions.set(found.name, found);
      } else this.complain(`'${word}' at the top level`);
    }
    return { constants, aliases, structs, variables, functions };
  }

  private get token(): Token {
    return this.tokens[this.at];
  }

  private complain(what: string): never {
    return unknownConstruct(what, this.token.line);
  }

  private accept(text: string): boolean {
    if (this.token.text !== text || this.token.kind === 'number') return false;
    this.at++;
    return true;
  }

  private expect(text: string): void {
    if (!this.accept(text)) this.complain(`'${this.token.text}' in place of '${text}'`);
  }

  private name(): string {
    if (this.token.kind !== 'name') this.complain(`'${this.token.text}' in place of a name`);
    return this.tokens[this.at++].text;
  }

  /** Takes one `>`, also of a longer token. */
  private closeAngle(): void {
    const { text, line } = this.token;
    if (text.length > 1 && text.startsWith('>')) this.tokens[this.at] = { kind: 'sign', text: text.slice(1), line };
    else this.expect('>');
  }

  /** A list up to its closing token; a comma may end it. */
  private list<T>(close: string, item: () => T): T[] {
    const items: T[] = [];
    while (!this.accept(close)) {
      items.push(item());
      if (!this.accept(',')) {
        this.expect(close);
        break;
      }
    }
    return items;
  }

  private attributes(): Attributes {
    const found: Record<string, readonly Expression[]> = {};
    while (this.accept('@')) {
      const name = this.name();
      found[name] = this.accept('(') ? this.list(')', () => this.expression()) : [];
    }
    return found;
  }

  private type(): TypeSyntax {
    const name = this.name();
    if (!this.accept('<')) return { name, arguments: [] };
    const found: (TypeSyntax | Expression)[] = [this.type()];
    while (this.accept(',')) {
      if (this.token.text === '>') break;
      found.push(this.token.kind === 'name' && this.tokens[this.at + 1].text === '<' ? this.type() : this.additive());
    }
    this.closeAngle();
    return { name, arguments: found };
  }

  private fields(): { name: string; type: TypeSyntax }[] {
    this.expect('{');
    const fields = this.list('}', () => {
      const name = this.name();
      this.expect(':');
      return { name, type: this.type() };
    });
    this.accept(';');
    return fields;
  }

  private global(attributes: Attributes): GlobalVariable {
    const { line } = this.token;
    let space = 'private';
    let access = 'read_write';
    if (this.accept('<')) {
      space = this.name();
      access = this.accept(',') ? this.name() : 'read';
      this.closeAngle();
    }
    const name = this.name();
    this.expect(':');
    const type = this.type();
    this.expect(';');
    const binding = attributes.binding?.[0] as Expression | undefined;
    return { name, space, access, type, binding: binding?.kind === 'number' ? binding.value : undefined, line };
  }

  private function(attributes: Attributes): FunctionSyntax {
    const name = this.name();
    this.expect('(');
    const parameters = this.list(')', (): Parameter => {
      const own = this.attributes();
      const parameter = this.name();
      this.expect(':');
      const builtin = own.builtin?.[0] as Expression | undefined;
      return { name: parameter, type: this.type(), builtin: builtin?.kind === 'name' ? builtin.name : undefined };
    });
    const result = this.accept('->') ? this.type() : undefined;
    return { name, parameters, result, body: this.block(), workgroupSize: attributes.workgroup_size };
  }

  private block(): Statement[] {
    this.expect('{');
    const body: Statement[] = [];
    while (!this.accept('}')) {
      if (this.accept(';')) continue;
      body.push(this.statement());
    }
    return body;
  }

  private statement(): Statement {
    const { line } = this.token;
    return Object.assign(this.unplaced(), { line });
  }

  private unplaced(): Statement {
    const { text } = this.token;
    if (text === '{') return { kind: 'block', body: this.block() };
    if (this.accept('if')) return this.branch();
    if (this.accept('for')) return this.forLoop();
    if (this.accept('while')) {
      const condition = this.expression();
      return { kind: 'for', first: undefined, condition, next: undefined, body: this.block() };
    }
    if (this.accept('loop')) return { kind: 'for', first: undefined, condition: undefined, next: undefined, body: this.block() };
    if (this.accept('break')) return this.ended({ kind: 'break' });
    if (this.accept('continue')) return this.ended({ kind: 'continue' });
    if (this.accept('return')) {
      return this.ended({ kind: 'return', value: this.token.text === ';' ? undefined : this.expression() });
    }
    return this.ended(this.simple());
  }

  private ended<S extends Statement>(statement: S): S {
    this.expect(';');
    return statement;
  }

  private branch(): Statement {
    const condition = this.expression();
    const then = this.block();
    let otherwise: Statement[] = [];
    if (this.accept('else')) otherwise = this.accept('if') ? [this.branch()] : this.block();
    return { kind: 'if', condition, then, otherwise };
  }

  private forLoop(): Statement {
    this.expect('(');
    const first = this.token.text === ';' ? undefined : this.simple();
    this.expect(';');
    const condition = this.token.text === ';' ? undefined : this.expression();
    this.expect(';');
    const next = this.token.text === ')' ? undefined : this.simple();
    this.expect(')');
    return { kind: 'for', first, condition, next, body: this.block() };
  }

  /** A declaration, an assignment or a call. */
  private simple(): Statement {
    const { text } = this.token;
    if (text === 'let' || text === 'var' || text === 'const') {
      this.at++;
      return this.declaration(text === 'var');
    }
    const target = this.expression();
    const operator = this.token.text;
    if (operator === '++' || operator === '--') {
      this.at++;
      return { kind: 'assign', target, operator: operator[0], value: { kind: 'number', value: 1, type: 'integer' } };
    }
    if (assignments.has(operator)) {
      this.at++;
      return { kind: 'assign', target, operator: operator.slice(0, -1) || undefined, value: this.expression() };
    }
    if (target.kind !== 'call') this.complain(`'${operator}' after an expression`);
    return { kind: 'call', call: target };
  }

  private declaration(isVariable: boolean): Declaration {
    const name = this.name();
    const type = this.accept(':') ? this.type() : undefined;
    const value = this.accept('=') ? this.expression() : undefined;
    return { kind: 'declare', isVariable, name, type, value };
  }

  private expression(): Expression {
    return this.binary(0);
  }

  /** An expression without comparisons, such as a length between angle brackets. */
  private additive(): Expression {
    return this.binary(8);
  }

  private binary(level: number): Expression {
    if (level === levels.length) return this.unary();
    let left = this.binary(level + 1);
    while (this.token.kind === 'sign' && levels[level].includes(this.token.text)) {
      const operator = this.tokens[this.at++].text;
      left = { kind: 'binary', operator, left, right: this.binary(level + 1) };
    }
    return left;
  }

  private unary(): Expression {
    const { text, kind } = this.token;
    if (kind === 'sign' && (text === '-' || text === '!' || text === '~')) {
      this.at++;
      return { kind: 'unary', operator: text, operand: this.unary() };
    }
    let base = this.primary();
    for (;;) {
      if (this.accept('.')) base = { kind: 'member', base, name: this.name() };
      else if (this.accept('[')) {
        base = { kind: 'index', base, index: this.expression() };
        this.expect(']');
      } else return base;
    }
  }

  private primary(): Expression {
    const { kind, text } = this.token;
    if (kind === 'number') return this.number();
    if (this.accept('(')) {
      const inner = this.expression();
      this.expect(')');
      return inner;
    }
    if (text === 'true' || text === 'false') {
      this.at++;
      return { kind: 'truth', value: text === 'true' };
    }
    if (kind === 'name' && templates.test(text) && this.tokens[this.at + 1].text === '<') return this.call(this.type());
    const name = this.name();
    return this.token.text === '(' ? this.call({ name, arguments: [] }) : { kind: 'name', name };
  }

  private call(callee: TypeSyntax): Expression {
    this.expect('(');
    return { kind: 'call', callee, arguments: this.list(')', () => this.expression()) };
  }

  private number(): Expression {
    const { text } = this.tokens[this.at++];
    const isHex = /^0x/i.test(text);
    const ending = (isHex ? /[iu]$/ : /[iufh]$/).exec(text)?.[0];
    const value = Number(ending ? text.slice(0, -1) : text);
    if (ending === 'u') return { kind: 'number', value, type: 'u32' };
    if (ending === 'i') return { kind: 'number', value, type: 'i32' };
    if (ending) return { kind: 'number', value, type: ending === 'h' ? 'f16' : 'f32' };
    return { kind: 'number', value, type: isHex || /^\d+$/.test(text) ? 'integer' : 'float' };
  }
}

/** Parses a module. @throws UnknownConstruct for a construct that the library does not write. */
export const parseModule = (text: string): ModuleSyntax => new Parser(text).module();
