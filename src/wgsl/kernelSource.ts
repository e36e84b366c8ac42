// Kernel files: a text of shaders/ whose params, constants, aliases, marked blocks and binding numbers are set by name.
//
//   struct Params { size: u32, run: u32 }        params: { size, run }
//   const ownIndices = false;                    constants: { ownIndices: true }
//   alias Element = f32;                         aliases: { Element: 'f16' }
//   // pick ... // end pick                      blocks: { pick: 'fn pick() ...' }
//   @group(0) @binding(3) var<...> result        bindings: { result: 5 }
import { type Binding, findBindings } from './bindings.ts';
import { type Span, findBlocks } from './blocks.ts';
import { enabledIn, mentionsF16 } from './module.ts';
import { complain, unknownName } from './names.ts';
import { type ParamValues, type StructLayout, findStruct, layOut, parseStruct } from './struct.ts';

/** A kernel's text, not parsed yet. */
export interface KernelFile {
  /** Name in errors. */
  readonly name: string;
  readonly text: string;
}

/** A constant or an alias at the top level; the span is that of its value. */
export interface Definition extends Span {
  readonly value: string;
}

export interface KernelSource {
  readonly text: string;
  readonly directives: readonly string[];
  readonly constants: ReadonlyMap<string, Definition>;
  readonly aliases: ReadonlyMap<string, Definition>;
  readonly blocks: ReadonlyMap<string, Span>;
  /** By role, which is the name of the variable. */
  readonly bindings: ReadonlyMap<string, Binding>;
  /** Position of `struct Params`; undefined for a text without params. */
  readonly struct: Span | undefined;
  readonly params: StructLayout;
}

const noParams: StructLayout = { fields: [], words: 0 };

const parsed = new Map<string, KernelSource>();

/** The parts of a kernel file. Each text is parsed once, when it is first needed. */
export function parseKernel({ name, text }: KernelFile): KernelSource {
  let source = parsed.get(text);
  if (!source) {
    const struct = findStruct(text, 'Params');
    source = {
      text,
      directives: enabledIn(text),
      constants: definitions(text, 'const'),
      aliases: definitions(text, 'alias'),
      blocks: findBlocks(name, text),
      bindings: new Map(findBindings(text).map((binding) => [binding.role, binding])),
      struct,
      params: struct ? parseStruct(name, struct.body) : noParams,
    };
    parsed.set(text, source);
  }
  return source;
}

function definitions(text: string, keyword: 'const' | 'alias'): Map<string, Definition> {
  const found = new Map<string, Definition>();
  for (const match of text.matchAll(new RegExp(`^${keyword} (\\w+)(?:: *\\w+)? = ([^;\\n]+);`, 'gm'))) {
    const end = match.index + match[0].length - 1;
    found.set(match[1], { value: match[2], start: end - match[2].length, end });
  }
  return found;
}

export interface Filling {
  /** Values of all fields of `struct Params`. */
  readonly params: ParamValues;
  readonly constants?: Readonly<Record<string, number | boolean>>;
  /** Names of other types. */
  readonly aliases?: Readonly<Record<string, string>>;
  readonly blocks?: Readonly<Record<string, string>>;
  /** Numbers of bindings by role. */
  readonly bindings?: Readonly<Record<string, number>>;
}

export interface FilledKernel {
  /** A whole WGSL module. */
  readonly source: string;
  /** The words of `struct Params`. */
  readonly params: readonly number[];
}

interface Edit extends Span {
  readonly text: string;
  /** Name in errors. */
  readonly what: string;
}

/**
 * A kernel with names set. Throws if a name is unknown, if a param is missing, or if a set name is inside a replaced block. A block may
 * have its own `struct Params`.
 */
export function fillKernel(file: KernelFile, { params, constants = {}, aliases = {}, blocks = {}, bindings = {} }: Filling): FilledKernel {
  const { name } = file;
  const kernel = parseKernel(file);
  const find = <T>(what: 'constant' | 'alias' | 'block' | 'binding', key: string, table: ReadonlyMap<string, T>): T =>
    table.get(key) ?? unknownName(name, what, key, [...table.keys()]);
  const edits: Edit[] = [];
  for (const [key, value] of Object.entries(constants)) {
    const { start, end, value: before } = find('constant', key, kernel.constants);
    edits.push({ start, end, text: constantLiteral(name, key, before, value), what: `constant '${key}'` });
  }
  for (const [key, type] of Object.entries(aliases)) {
    const { start, end } = find('alias', key, kernel.aliases);
    edits.push({ start, end, text: type, what: `alias '${key}'` });
  }
  for (const [key, text] of Object.entries(blocks)) {
    const { start, end } = find('block', key, kernel.blocks);
    edits.push({ start, end, text: `${text}\n`, what: `block '${key}'` });
  }
  for (const [key, number] of Object.entries(bindings)) {
    const { start, end } = find('binding', key, kernel.bindings);
    edits.push({ start, end, text: String(number), what: `binding '${key}'` });
  }
  const text = edited(name, kernel.text, edits);
  const needsF16 = !kernel.directives.includes('f16') && [...Object.values(aliases), ...Object.values(blocks)].some(mentionsF16);
  return { source: needsF16 ? `enable f16;\n${text}` : text, params: layOut(name, layoutOf(name, kernel, edits), params) };
}

/** The layout of the params: that of the file, or of a block that replaces it. */
function layoutOf(name: string, { struct, params }: KernelSource, edits: readonly Edit[]): StructLayout {
  const around = struct && edits.find(({ start, end }) => start <= struct.start && struct.end <= end);
  if (!around) return params;
  const own = findStruct(around.text, 'Params');
  return own ? parseStruct(name, own.body) : noParams;
}

/** A constant keeps its type: that of its literal in the file. */
function constantLiteral(kernel: string, name: string, before: string, value: number | boolean): string {
  const isFlag = before === 'true' || before === 'false';
  const ending = /^\d+([ui])$/.exec(before)?.[1];
  if (!isFlag && !ending) complain(kernel, `constant '${name}' is ${before}; only flags and whole numbers (2u, 2i) can be set`);
  if (isFlag !== (typeof value === 'boolean')) complain(kernel, `constant '${name}' is ${before}; it cannot become ${value}`);
  if (ending && !Number.isInteger(value)) complain(kernel, `constant '${name}' is ${value}; it takes whole numbers`);
  return `${value}${ending ?? ''}`;
}

function edited(kernel: string, text: string, edits: Edit[]): string {
  edits.sort((a, b) => a.start - b.start || b.end - a.end);
  const pieces: string[] = [];
  let at = 0;
  let last: Edit | undefined;
  for (const edit of edits) {
    if (last && edit.start < at) complain(kernel, `${edit.what} is set within ${last.what}, which is replaced`);
    pieces.push(text.slice(at, edit.start), edit.text);
    at = edit.end;
    last = edit;
  }
  pieces.push(text.slice(at));
  return pieces.join('');
}
