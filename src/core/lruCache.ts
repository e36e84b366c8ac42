// A map of limited size.

/** A map that drops the entry unused for longest when it has more than `capacity` entries. */
export class LruCache<V> {
  /** The entry used last is the last one. */
  private readonly entries = new Map<string, V>();
  private readonly capacity: number;
  private readonly onDrop: ((value: V) => void) | undefined;

  /** `onDrop` receives each value that is dropped because of the limit. */
  constructor(capacity: number, onDrop?: (value: V) => void) {
    this.capacity = capacity;
    this.onDrop = onDrop;
  }

  /** The value of a key, which `make` creates if there is none. Marks the entry as used. If `make` throws, nothing is stored. */
  get(key: string, make: () => V): V {
    const known = this.entries.get(key);
    const value = known ?? make();
    if (known !== undefined) this.entries.delete(key);
    this.entries.set(key, value);
    if (this.entries.size > this.capacity) {
      const [[oldest, dropped]] = this.entries;
      this.entries.delete(oldest);
      this.onDrop?.(dropped);
    }
    return value;
  }

  /** Removes all entries. `onDrop` receives each value. */
  clear(): void {
    const values = [...this.entries.values()];
    this.entries.clear();
    for (const value of values) this.onDrop?.(value);
  }

  /** Removes an entry. Does not call `onDrop`. */
  delete(key: string): void {
    this.entries.delete(key);
  }

  /** Removes an entry if it still has this value. Returns whether it had. Does not call `onDrop`. */
  remove(key: string, value: V): boolean {
    return this.entries.get(key) === value && this.entries.delete(key);
  }
}
