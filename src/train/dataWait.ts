// Measures how long the device is idle because the next batch is not ready. Arrays are not measured: their batches are always ready.
import type { Batch } from '../data/batches.ts';

/** Waits of one fit. */
export interface WaitMeter {
  startEpoch(): void;
  /** Ends the measured time of an epoch, before its validation. */
  endEpoch(): void;
  /** Passes batches on, and measures the waits between them. */
  measure(batches: AsyncIterable<Batch> | Iterable<Batch>): AsyncIterable<Batch> | Iterable<Batch>;
  /** Share of the last epoch's time in which the device waited for a batch, 0 to 1. */
  share(): number;
  /** A sentence about a share that is large and measured well enough, only once. */
  advice(epoch: number): string | undefined;
}

/** An epoch of fewer batches, or of fewer milliseconds, gives no advice: its first batch and noise weigh too much. */
const least = { batches: 10, milliseconds: 1000, share: 0.3 };

/**
 * A wait begins when the next batch is requested and `settled` has resolved: no step is in flight. It ends when the batch arrives. Nothing is
 * added to the device's queue. A source that blocks the thread delays `settled`, so that the share is never too large.
 */
export function makeWaitMeter(settled: () => Promise<void>, now: () => number = () => performance.now()): WaitMeter {
  let began = 0;
  let elapsed = 0;
  let waited = 0;
  let batches = 0;
  let isAdvised = false;
  let isWatching = false;
  let idleSince: number | undefined;
  /** One watch at a time: it goes on over later batches until the device is idle. */
  const watch = (): void => {
    if (isWatching) return;
    isWatching = true;
    const end = (): void => {
      isWatching = false;
      idleSince = now();
    };
    // The step that meets a lost device reports it.
    void settled().then(end, end);
  };
  async function* measured(source: AsyncIterable<Batch>): AsyncGenerator<Batch> {
    const iterator = source[Symbol.asyncIterator]();
    try {
      for (;;) {
        idleSince = undefined;
        const next = iterator.next();
        watch();
        const result = await next;
        if (idleSince !== undefined) waited += now() - idleSince;
        if (result.done) return;
        batches++;
        yield result.value;
      }
    } finally {
      await iterator.return?.();
    }
  }
  const share = (): number => (elapsed > 0 ? waited / elapsed : 0);
  return {
    startEpoch() {
      began = now();
      waited = batches = elapsed = 0;
    },
    endEpoch() {
      elapsed = now() - began;
    },
    measure: (source) => (Symbol.asyncIterator in source ? measured(source) : source),
    share,
    advice(epoch) {
      if (isAdvised || batches < least.batches || elapsed < least.milliseconds || share() < least.share) return undefined;
      isAdvised = true;
      return (
        `the device waited for data in ${Math.round(100 * share())}% of epoch ${epoch + 1}; draw batches in advance by dataset.prefetch(2), ` +
        'keep them by dataset.cache(), or use larger batches'
      );
    },
  };
}
