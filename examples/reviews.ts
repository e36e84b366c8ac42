// Sentences of reviews, in the form of the npm package `sentiment`.

export interface Review {
  readonly text: string;
  /** 1 if the sentence is positive, 0 if it is negative. */
  readonly label: 0 | 1;
}

/** The sentences of several files. Each file ends with an entry that has no class. */
export const reviewsOf = (files: readonly unknown[]): Review[] =>
  (files as readonly (readonly { text: string; class: 0 | 1 | null }[])[])
    .flat()
    .flatMap((entry) => (entry.class === null ? [] : [{ text: entry.text.trim(), label: entry.class }]));
