// Writes the .keras file of Keras 3: a zip archive with the config, and the weights as HDF5.
import type { Model } from '../../train/index.ts';
import { writeZip } from '../zip/writeZip.ts';
import { type FloatDataset, type Hdf5Tree, writeHdf5 } from './hdf5Writer.ts';
import { type HeldWeight, heldWeights } from './heldWeights.ts';
import { writeModel } from './writeModel.ts';

/** Version of Keras whose form the files have. */
const kerasVersion = '3.15.1';

/**
 * The bytes of a .keras file, which `keras.saving.load_model` of Keras 3 opens. The weights in it are HDF5, in `model.weights.h5`. The optimizer,
 * the loss and the metrics are not in it.
 *
 *     await writeFile('model.keras', await saveKerasModel(model));
 *
 * @throws ArgumentError for layers and options that Keras does not have, and for ops between the layers. It names the layer.
 */
export async function saveKerasModel(model: Model): Promise<Uint8Array<ArrayBuffer>> {
  const { json, node } = writeModel(model.asLayer, 'keras', 'saveKerasModel');
  const held = await heldWeights(model, node);
  const text = (value: object): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
  // The date makes equal models different files, so it is always the same.
  const metadata = { keras_version: kerasVersion, date_saved: '1980-01-01@00:00:00' };
  return writeZip([
    ['metadata.json', text(metadata)],
    ['config.json', text(json)],
    ['model.weights.h5', writeHdf5(treeOf(held))],
  ]);
}

/** Weights as groups and datasets, by their paths. */
function treeOf(held: readonly HeldWeight[]): Hdf5Tree {
  interface Group {
    [name: string]: Group | FloatDataset;
  }
  const root: Group = {};
  for (const { entry, data } of held) {
    const parts = entry.store.split('/');
    const group = parts.slice(0, -1).reduce<Group>((outer, name) => (outer[name] ??= {}) as Group, root);
    group[parts[parts.length - 1]] = { shape: entry.shape, data };
  }
  return root;
}
