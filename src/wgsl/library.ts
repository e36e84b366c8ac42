// The named functions of shaders/ that an expression may call: special values, accurate mathematics, random bits.
import mathSource from '../../shaders/math.wgsl?raw';

/** Files of functions, in the order that kernels include them. */
const files = ['math', 'trigonometry', 'integers', 'gamma', 'random'] as const;

const sources = new Map<string, string>([['math', mathSource]]);

/**
 * Makes the functions of a file known. Modules of ops whose expressions call them provide their file, so that a program without these ops does
 * not contain it. math.wgsl is always known.
 */
export function provideFunctions(file: Exclude<(typeof files)[number], 'math'>, source: string): void {
  if (sources.get(file) === source) return;
  sources.set(file, source);
  parsed = undefined;
}

interface Item {
  readonly text: string;
  readonly calls: readonly string[];
  /** Number of operations, those of the functions it calls included. */
  readonly size: number;
}

interface Library {
  /** Top-level functions and constants, by name. */
  readonly items: ReadonlyMap<string, Item>;
  /** A comment, or one of the names. */
  readonly pattern: RegExp;
}

let parsed: Library | undefined;
const library = (): Library => (parsed ??= parseLibrary());

function parseLibrary(): Library {
  const texts = new Map<string, string>();
  for (const source of files.flatMap((file) => sources.get(file) ?? [])) {
    // A top-level item starts at the line's start and ends with `}` there, or on its own line; the comments above it stay with it.
    const item = /(?:^\/\/[^\n]*\n)*^(?:(?:fn|struct)\s+(\w+)[^\n]*(?:\}$|\{$[\s\S]*?^\})|(?:const|alias)\s+(\w+)[^;]*;)/gm;
    for (const match of source.matchAll(item)) texts.set(match[1] ?? match[2], match[0]);
  }
  // The pattern contains only the known names, because a kernel has hundreds of other words.
  const pattern = new RegExp(`//[^\\n]*|\\b(?:${[...texts.keys()].join('|')})\\b`, 'g');
  const sizes = new Map<string, number>();
  const sizeOf = (name: string): number => {
    let size = sizes.get(name);
    if (size === undefined) {
      const code = texts.get(name)!.replace(/\/\/[^\n]*/g, '');
      const called = (code.match(pattern) ?? []).filter((other) => other !== name);
      size = (code.match(operator) ?? []).length + called.reduce((sum, other) => sum + sizeOf(other), 0);
      sizes.set(name, size);
    }
    return size;
  };
  const items = new Map([...texts].map(([name, text]) => [name, { text, calls: namesIn(text, pattern), size: sizeOf(name) }]));
  return { items, pattern };
}

/** An operation, roughly as a compiler counts it: an arithmetic or logical operator, a select, a branch. */
const operator = /[-+*/%^&|<>]=?|[!=]=|\b(?:select|fma|clamp|min|max|abs|round|floor|trunc|sqrt|if|for|while)\b/g;

const namesIn = (text: string, pattern: RegExp): string[] => [...new Set(text.match(pattern) ?? [])];

/** Number of operations of the library functions that a text calls, once for each call, because compilers inline them. */
export function inlinedSize(text: string): number {
  const { items, pattern } = library();
  return (text.match(pattern) ?? []).reduce((sum, name) => sum + (items.get(name)?.size ?? 0), 0);
}

/** The library functions that the text calls, and the functions that these call, in the order of the library. */
export function libraryFor(text: string): string {
  const { items, pattern } = library();
  const wanted = new Set<string>();
  const queue = namesIn(text, pattern);
  while (queue.length) {
    const name = queue.pop()!;
    const item = items.get(name);
    if (!item || wanted.has(name)) continue; // a comment, or there already
    wanted.add(name);
    queue.push(...item.calls);
  }
  return wanted.size ? [...items].flatMap(([name, item]) => (wanted.has(name) ? [item.text] : [])).join('\n\n') : '';
}
