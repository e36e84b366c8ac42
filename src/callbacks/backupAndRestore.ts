// A backup of a fit, from which the next one goes on.
import type { Configured } from '../core/config.ts';
import { boolean, either, objectWith, oneOf, positiveInteger, text } from '../core/optionKinds.ts';
import { type OptionsOf, declareOptions, optional, required, withConfig } from '../core/options.ts';
import { type BackupStore, type BackupTarget, backupStore } from '../formats/backups.ts';
import type { Callback, FitInfo } from './callback.ts';

const handle = objectWith<Exclude<BackupTarget, string | BackupStore>>('a file handle', 'createWritable', 'getFile');
const store = objectWith<BackupStore>('an object with read(), write(bytes) and remove()', 'read', 'write', 'remove');

export const backupAndRestoreOptions = declareOptions('callbacks.backupAndRestore', {
  /** Place of the backup: a path in Node; in a page `indexeddb://name`, `opfs://path` or a file handle; or read(), write(bytes) and remove(). */
  target: required(either(text, either(handle, store)), 'backup.safetensors'),
  /** 'epoch' writes a backup at the end of each epoch. A number n writes one after every n batches. @default 'epoch' */
  saveFrequency: optional(either(oneOf('epoch'), positiveInteger), 'epoch'),
  /** Removes the backup when fit ends by itself. A fit that an error or its signal ends keeps the backup. @default true */
  deleteCheckpoint: optional(boolean, true),
});
export type BackupAndRestoreOptions = OptionsOf<typeof backupAndRestoreOptions>;

/**
 * Writes weights, optimizer state and the place in the fit, like Keras's BackupAndRestore. After a crash, the same program goes on at the epoch and
 * batch of the last backup, with the same bits: order of the samples, dropout, running loss and metrics. The history begins at that epoch. Other
 * callbacks begin again; give this one after those that change the learning rate. A dataset begins a pass of its own, and the batches that were trained on are drawn and left out.
 *
 *     const backup = callbacks.backupAndRestore({ target: 'backup.safetensors' });
 *     await model.fit(x, y, { epochs: 100, callbacks: backup });
 *
 * @throws FormatError at the start of fit for a backup of another model or optimizer, ArgumentError for one of other data.
 */
export function backupAndRestore(options: BackupAndRestoreOptions): Configured<Callback> {
  const settings = backupAndRestoreOptions.read(options);
  const { saveFrequency, deleteCheckpoint } = settings;
  const place = backupStore(settings.target, 'callbacks.backupAndRestore');
  let fit: FitInfo;
  /** Batches since the last backup, and the last batch of this epoch that was counted. */
  let waited = 0;
  let counted = -1;
  const write = (): Promise<void> => fit.saveBackup((bytes) => place.write(bytes));
  const callback: Callback = {
    restoreFrom: () => place.read(),
    onTrainBegin(info) {
      fit = info;
      waited = 0;
    },
    onEpochBegin() {
      counted = -1;
    },
    onBatchBegin(batch) {
      if (counted < 0) counted = batch - 1;
    },
    async onBatchEnd(batch) {
      if (saveFrequency === 'epoch') return;
      // With stepsPerExecution one call is for several batches.
      waited += batch - counted;
      counted = batch;
      if (waited < saveFrequency) return;
      waited = 0;
      await write();
    },
    async onEpochEnd() {
      if (saveFrequency === 'epoch') await write();
    },
    async onTrainEnd() {
      if (fit.signal?.aborted) await write();
      else if (deleteCheckpoint) await place.remove();
    },
  };
  return withConfig(callback, backupAndRestoreOptions, settings);
}
