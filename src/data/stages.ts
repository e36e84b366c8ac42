// Iterations of the methods of datasets. A generator that is left early closes its source.
import type { RandomStream } from '../core/random.ts';

export async function* shuffled<T>(source: AsyncIterable<T>, bufferSize: number, random: RandomStream): AsyncGenerator<T> {
  const buffer: T[] = [];
  /** Removes a random element from the buffer and puts `next` at its position. */
  const draw = (next?: T): T => {
    const i = Math.floor(random.uniform() * buffer.length);
    const drawn = buffer[i];
    buffer[i] = next === undefined ? buffer[buffer.length - 1] : next;
    if (next === undefined) buffer.pop();
    return drawn;
  };
  for await (const element of source) {
    if (buffer.length < bufferSize) buffer.push(element);
    else yield draw(element);
  }
  while (buffer.length) yield draw();
}

/** Groups elements by `stack`. */
export async function* batched<T>(
  source: AsyncIterable<T>,
  batchSize: number,
  dropRemainder: boolean,
  stack: (elements: readonly T[]) => Promise<T>,
): AsyncGenerator<T> {
  let elements: T[] = [];
  for await (const element of source) {
    elements.push(element);
    if (elements.length < batchSize) continue;
    yield await stack(elements);
    elements = [];
  }
  if (elements.length && !dropRemainder) yield await stack(elements);
}

export async function* mapped<T, U>(source: AsyncIterable<T>, fn: (element: T) => U | Promise<U>): AsyncGenerator<U> {
  for await (const element of source) yield await fn(element);
}

export async function* filtered<T>(source: AsyncIterable<T>, fn: (element: T) => boolean | Promise<boolean>): AsyncGenerator<T> {
  for await (const element of source) if (await fn(element)) yield element;
}

export async function* prefetched<T>(source: AsyncIterable<T>, count: number): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]();
  const ahead: Promise<IteratorResult<T>>[] = [];
  const draw = (): void => {
    const next = iterator.next();
    // A failure is reported when the result is awaited. Until then it must not count as unhandled.
    next.catch(() => undefined);
    ahead.push(next);
  };
  try {
    while (ahead.length < count) draw();
    for (;;) {
      const result = await ahead.shift()!;
      if (result.done) return;
      draw();
      yield result.value;
    }
  } finally {
    await iterator.return?.();
  }
}

export async function* taken<T>(source: AsyncIterable<T>, count: number): AsyncGenerator<T> {
  let left = count;
  for await (const element of source) {
    yield element;
    if (--left === 0) return;
  }
}

export async function* skipped<T>(source: AsyncIterable<T>, count: number): AsyncGenerator<T> {
  let left = count;
  for await (const element of source) {
    if (left > 0) left--;
    else yield element;
  }
}

/** Ends early if an iteration gives no element: a source that is used up would repeat without end. */
export async function* repeated<T>(source: AsyncIterable<T>, count: number): AsyncGenerator<T> {
  for (let iteration = 0; iteration < count; iteration++) {
    let isEmpty = true;
    for await (const element of source) {
      isEmpty = false;
      yield element;
    }
    if (isEmpty) return;
  }
}

export async function* concatenated<T>(sources: readonly AsyncIterable<T>[]): AsyncGenerator<T> {
  for (const source of sources) yield* source;
}

export async function* zipped(sources: readonly AsyncIterable<unknown>[]): AsyncGenerator<unknown[]> {
  const iterators = sources.map((source) => source[Symbol.asyncIterator]());
  try {
    for (;;) {
      const results = await Promise.all(iterators.map((iterator) => iterator.next()));
      if (results.some(({ done }) => done)) return;
      yield results.map(({ value }): unknown => value);
    }
  } finally {
    for (const iterator of iterators) await iterator.return?.();
  }
}

export async function* sharded<T>(source: AsyncIterable<T>, count: number, index: number): AsyncGenerator<T> {
  let position = 0;
  for await (const element of source) if (position++ % count === index) yield element;
}

/** Elements that a dataset keeps. Undefined until an iteration has reached the end. */
export interface Cache<T> {
  elements: readonly T[] | undefined;
}

export async function* cached<T>(source: AsyncIterable<T>, store: Cache<T>): AsyncGenerator<T> {
  if (store.elements) {
    yield* store.elements;
    return;
  }
  const elements: T[] = [];
  for await (const element of source) {
    elements.push(element);
    yield element;
  }
  // Another iteration may have ended first.
  store.elements ??= elements;
}

export async function* interleaved<T, U>(
  source: AsyncIterable<T>,
  open: (element: T) => Promise<AsyncIterable<U>>,
  cycleLength: number,
  blockLength: number,
): AsyncGenerator<U> {
  const elements = source[Symbol.asyncIterator]();
  const slots = new Array<AsyncIterator<U> | undefined>(cycleLength).fill(undefined);
  let isUsedUp = false;
  try {
    for (let slot = 0; !isUsedUp || slots.some((open) => open); slot = (slot + 1) % cycleLength) {
      if (!slots[slot] && !isUsedUp) {
        const next = await elements.next();
        if (next.done) isUsedUp = true;
        else slots[slot] = (await open(next.value))[Symbol.asyncIterator]();
      }
      for (let given = 0; slots[slot] && given < blockLength; given++) {
        const next = await slots[slot]!.next();
        if (next.done) slots[slot] = undefined;
        else yield next.value;
      }
    }
  } finally {
    for (const iterator of [...slots, elements]) await iterator?.return?.();
  }
}
