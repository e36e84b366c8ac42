/**
 * Sentences of reviews with their sentiment, from the test data of the npm package `sentiment`. They are the Sentiment Labelled Sentences of the UCI
 * Machine Learning Repository (D. Kotzias et al., 2015, CC BY 4.0): 1,000 each from Amazon, IMDb and Yelp.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type Review, reviewsOf } from '../examples/reviews.ts';

export async function readReviews(): Promise<Review[]> {
  const folder = join(dirname(createRequire(import.meta.url).resolve('sentiment/package.json')), 'test', 'fixtures');
  const read = async (name: string): Promise<unknown> => JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8'));
  return reviewsOf(await Promise.all(['amazon', 'imdb', 'yelp'].map(read)));
}
