// Rows of a CSV file, read in parts. The grammar of cells is that of papaparse: RFC 4180 with any delimiter.
import Papa from 'papaparse';
import { FormatError } from '../core/errors.ts';
import { openRanges } from '../formats/ranges.ts';
import type { FileSource } from '../formats/places.ts';

/** One row, with the number of its first line in the file, from 1. */
export interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

/** A file that is read row by row. */
export interface Rows {
  /** Name of the file, for messages. */
  readonly name: string;
  readonly rows: AsyncIterable<Row>;
}

/** Bytes that are read at a time. */
const partBytes = 1 << 20;

/** papaparse exports the parser of one part of a text. Its types do not list the result. */
interface PartParser {
  parse(input: string, baseIndex: number, ignoreLastRow: boolean): PartResult;
}

interface PartResult {
  readonly data: readonly (readonly string[])[];
  readonly errors: readonly { readonly code?: string; readonly row?: number }[];
  readonly meta: { readonly cursor: number };
}

/** The line end of a text: that of its first line. A text within quotes does not count. Undefined if no line has ended. */
function lineEndOf(text: string, isComplete: boolean): string | undefined {
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '"') isQuoted = !isQuoted;
    else if (c === '\n' && !isQuoted) return '\n';
    else if (c === '\r' && !isQuoted) {
      if (i + 1 === text.length && !isComplete) return undefined;
      return text[i + 1] === '\n' ? '\r\n' : '\r';
    }
  }
  return isComplete ? '\n' : undefined;
}

const lineBreaks = /\r\n|\r|\n/g;

/** Number of lines of a row. Cells may contain line breaks. */
const linesOf = (cells: readonly string[]): number => 1 + cells.reduce((sum, cell) => sum + (cell.match(lineBreaks)?.length ?? 0), 0);

/**
 * Opens a file. Empty lines are left out. The text is UTF-8, with or without a byte order mark.
 * @throws FormatError for a quote that is not closed, or that text follows, with its line.
 */
export async function openRows(where: string, source: FileSource, delimiter: string): Promise<Rows> {
  const file = await openRanges(source, where);
  async function* read(): AsyncGenerator<Row> {
    const decoder = new TextDecoder();
    let text = '';
    let line = 1;
    let newline: string | undefined;
    try {
      for (let begin = 0; begin < file.size || begin === 0;) {
        const end = Math.min(begin + partBytes, file.size);
        const isLast = end === file.size;
        text += decoder.decode(await file.read(begin, end), { stream: !isLast });
        newline ??= lineEndOf(text, isLast);
        if (newline !== undefined && text !== '') {
          const parser = new Papa.Parser({ delimiter, newline: newline as '\n' }) as unknown as PartParser;
          const { data, errors, meta } = parser.parse(text, 0, !isLast);
          // The first error of a row counts: the others follow from it.
          const broken = new Map([...errors].reverse().map(({ row, code }) => [row ?? 0, code]));
          for (const [i, cells] of data.entries()) {
            const code = broken.get(i);
            if (code) {
              const problem = code === 'MissingQuotes' ? 'a quote is not closed' : 'text follows a closing quote';
              throw new FormatError(`${where}: ${file.name}, line ${line}: ${problem}; write a quote within a cell as two quotes`);
            }
            if (cells.length > 1 || cells[0] !== '') yield { line, cells };
            line += linesOf(cells);
          }
          text = isLast ? '' : text.slice(meta.cursor);
        }
        begin = end;
        if (isLast) return;
      }
    } finally {
      await file.close();
    }
  }
  return { name: file.name, rows: read() };
}
