// Marked blocks: the lines between `// name` and `// end name`, which the code that fills a kernel replaces.
import { complain } from './names.ts';

/** A range of positions in a text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The blocks of a text by name. A span holds whole lines, the last line break included. */
export function findBlocks(kernel: string, text: string): Map<string, Span> {
  const blocks = new Map<string, Span>();
  for (const match of text.matchAll(/^\/\/ end (\w+)$/gm)) {
    const name = match[1];
    const opening = `// ${name}\n`;
    const at = text.lastIndexOf(`\n${opening}`, match.index - opening.length) + 1;
    if (!text.startsWith(opening, at)) complain(kernel, `has '// end ${name}' and no line '// ${name}' before it`);
    if (blocks.has(name)) complain(kernel, `has two blocks '${name}'`);
    blocks.set(name, { start: at + opening.length, end: match.index });
  }
  return blocks;
}

/** The block into which fused code is written. */
export interface Epilogue extends Span {
  /** Results are stored one by one (`store`), or four neighbours at once (`store4`). */
  readonly store: 'store' | 'store4';
  /** Type of one result. */
  readonly valueType: string;
}

/** Returns undefined if the text has no epilogue block with store(index: u32, value: T) or store4(index: u32, value: vec4<T>). */
export function findEpilogue(kernel: string, text: string): Epilogue | undefined {
  const block = findBlocks(kernel, text).get('epilogue');
  const signature = block && /fn (store4?)\(\s*\w+: u32,\s*\w+: (?:vec4<)?(\w+)>?\)/.exec(text.slice(block.start, block.end));
  return signature ? { ...block, store: signature[1] as Epilogue['store'], valueType: signature[2] } : undefined;
}

/** Returns the text with a block's lines replaced. */
export const replaceBlock = (text: string, { start, end }: Span, lines: string): string =>
  `${text.slice(0, start)}${lines}\n${text.slice(end)}`;
