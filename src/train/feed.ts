// Batches of an epoch: one pass of a source, or a number of steps that may begin and end anywhere in a pass.
import type { Batch, BatchSource } from '../data/batches.ts';

/** Place in an epoch where a training begins. */
export interface FeedStart {
  readonly epoch: number;
  /** Number of batches of this epoch that are left out. */
  readonly batch: number;
}

/** The first batches of one pass; all of them without a limit. */
export async function* firstBatches(source: BatchSource, limit: number | undefined): AsyncGenerator<Batch> {
  let drawn = 0;
  for await (const batch of source.pass()) {
    yield batch;
    if (++drawn === limit) return;
  }
}

/** Draws the epochs of a training from a source. */
export interface Feed {
  /** Batches of one epoch. The epoch is empty if the source has no more batches. */
  epoch(number: number): AsyncIterable<Batch> | Iterable<Batch>;
  /** Ends a pass that is still open. */
  close(): Promise<void>;
}

/**
 * Without `steps`, an epoch is a pass. With `steps`, an epoch is so many batches: it continues the pass of the epoch before, and begins another
 * pass when that one ends. `orderOf` gives the order of the samples of a pass. Batches before `start` count as done.
 */
export function makeFeed(
  source: BatchSource,
  steps: number | undefined,
  orderOf: (pass: number) => Uint32Array | undefined,
  start: FeedStart = { epoch: 0, batch: 0 },
): Feed {
  const done = (number: number): number => (number === start.epoch ? start.batch : 0);
  if (steps === undefined) {
    const epoch = (number: number): ReturnType<Feed['epoch']> => {
      const pass = source.pass(orderOf(number));
      return done(number) ? without(done(number), pass) : pass;
    };
    return { epoch, close: async () => undefined };
  }
  let open: AsyncGenerator<Batch> | undefined;
  // Arrays go on at the batch that would be the next one. A dataset begins at its own beginning.
  const drawnBefore = source.samples === undefined ? start.batch : steps * start.epoch + start.batch;
  const batches = source.batches ?? Infinity;
  let passes = Math.floor(drawnBefore / batches);
  let skipped = drawnBefore % batches;
  return {
    async *epoch(number) {
      for (let step = done(number); step < steps;) {
        const begins = open === undefined;
        open ??= passOf(source, orderOf(passes++));
        let drawn = 0;
        for (let next = await open.next(); !next.done; next = await open.next()) {
          drawn++;
          if (skipped > 0) {
            skipped--;
            continue;
          }
          step++;
          yield next.value;
          if (step === steps) return;
        }
        open = undefined;
        // A whole pass without a batch: the source has none any more.
        if (begins && drawn === 0) return;
      }
    },
    async close() {
      await open?.return(undefined);
    },
  };
}

async function* without(count: number, pass: AsyncIterable<Batch> | Iterable<Batch>): AsyncGenerator<Batch> {
  let drawn = 0;
  for await (const batch of pass) if (drawn++ >= count) yield batch;
}

async function* passOf(source: BatchSource, order: Uint32Array | undefined): AsyncGenerator<Batch> {
  yield* source.pass(order);
}
