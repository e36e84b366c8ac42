// Text files as datasets of lines.
import { boolean, positiveInteger } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional } from '../core/options.ts';
import { type Dataset, makeDataset } from '../data/dataset.ts';
import { openRanges } from '../formats/ranges.ts';
import type { FileSource } from '../formats/places.ts';

export const textDatasetOptions = declareOptions('textDataset', {
  /** Leaves out lines of spaces only. @default true */
  skipEmpty: optional(boolean, true),
  /** Bytes that are read at a time. @default 1048576 */
  partBytes: optional(positiveInteger, 1048576),
});
export type TextDatasetOptions = OptionsOf<typeof textDatasetOptions>;

/**
 * A dataset of the lines of a text file in UTF-8, which is read in parts. Map the lines to tensors, such as by a textVectorization.
 *
 *     textDataset('reviews.txt').map(async (line) => ({ x: await vectorize(line) })).batch(32)
 *
 * A line ends with LF, CRLF or CR. The file is opened for each iteration.
 */
export function textDataset(source: FileSource, options?: TextDatasetOptions): Dataset<string> {
  const { skipEmpty, partBytes } = textDatasetOptions.read(options);
  return makeDataset<string>(undefined, async function* () {
    const file = await openRanges(source, 'textDataset');
    const decoder = new TextDecoder();
    let rest = '';
    try {
      for (let begin = 0; begin < file.size; begin += partBytes) {
        const end = Math.min(begin + partBytes, file.size);
        const isLast = end === file.size;
        const text = rest + decoder.decode(await file.read(begin, end), { stream: !isLast });
        // A CR at the end of a part may belong to a CRLF.
        const lines = text.split(isLast ? /\r\n|\r|\n/ : /\r\n|\r(?!$)|\n/);
        rest = lines.pop()!;
        if (isLast && rest !== '') lines.push(rest);
        for (const line of lines) if (!skipEmpty || line.trim() !== '') yield line;
      }
    } finally {
      await file.close();
    }
  });
}
