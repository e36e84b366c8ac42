// A promise that is made at first use.

/** Caches the promise of `make`. A rejected promise is dropped, so the next call tries again. */
export class CachedPromise<T> {
  private promise: Promise<T> | undefined;

  get(make: () => Promise<T>): Promise<T> {
    if (this.promise) return this.promise;
    const making = make();
    this.promise = making;
    making.catch(() => (this.promise = undefined));
    return making;
  }

  /** The promise, pending or fulfilled; undefined before the first call and after a failure. */
  get current(): Promise<T> | undefined {
    return this.promise;
  }
}
