// Text as ids of characters, in windows whose targets are the next characters.
import { type Tensor, tensor } from 'ombre';

/** Inputs and targets, i32 [windows, time]. */
export interface Windows {
  readonly x: Tensor;
  readonly y: Tensor;
}

export interface CharacterText {
  readonly vocabulary: readonly string[];
  /** The first nine tenths of the text. */
  readonly train: Windows;
  /** The last tenth. */
  readonly test: Windows;
  readonly encode: (text: string) => number[];
  readonly decode: (ids: ArrayLike<number>) => string;
}

/** Windows of `time` characters. White space of any kind is one blank. Characters that occur less than 10 times are left out. */
export function characterText(source: string, time: number): CharacterText {
  const text = source.replace(/\s+/g, ' ');
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  const vocabulary = [...counts].filter(([, count]) => count >= 10).map(([character]) => character);
  vocabulary.sort();
  const idOf = new Map(vocabulary.map((character, id) => [character, id]));
  const encode = (part: string): number[] => Array.from(part, (character) => idOf.get(character)).filter((id) => id !== undefined);

  const ids = encode(text);
  return { vocabulary, ...parts(ids, time), encode, decode: (list) => Array.from(list, (id) => vocabulary[id]).join('') };
}

/** Windows of `time` ids: the first nine tenths, and the last tenth. */
export function parts(ids: readonly number[], time: number): { train: Windows; test: Windows } {
  const windows = (from: number, to: number): Windows => {
    const count = Math.floor((to - from - 1) / time);
    const at = (shift: number): Tensor =>
      tensor(Int32Array.from(ids.slice(from + shift, from + shift + count * time)), [count, time], 'i32');
    return { x: at(0), y: at(1) };
  };
  const border = Math.floor(0.9 * ids.length);
  return { train: windows(0, border), test: windows(border, ids.length) };
}

/** A cross-entropy in nats as bits. */
export const bits = (nats: number): number => nats / Math.LN2;
