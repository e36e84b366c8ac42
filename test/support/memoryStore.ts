import type { BackupStore } from '../../src/formats/backups.ts';

/** A store of backups in memory. */
export const memoryStore = (): BackupStore & { bytes: Uint8Array | undefined } => ({
  bytes: undefined,
  read() {
    return this.bytes;
  },
  write(bytes) {
    this.bytes = bytes;
  },
  remove() {
    this.bytes = undefined;
  },
});
