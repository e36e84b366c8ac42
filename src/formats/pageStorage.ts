// The contract of storages that pages have.

/** A file in the storage of a page. */
export interface StoredFile {
  /** `indexeddb://name` or `opfs://path`, which functions that read files take. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}

/** A storage of files by name. */
export interface PageStorage {
  /** Name for messages. */
  readonly title: string;
  /** Whether this environment has the storage. */
  isThere(): boolean;
  /** Undefined if there is no file of this name. */
  read(name: string): Promise<Blob | undefined>;
  /** Replaces the file whole. If this is interrupted, the old file stays. */
  write(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  list(): Promise<readonly StoredFile[]>;
  /** Whether there was a file of this name. */
  remove(name: string): Promise<boolean>;
}
