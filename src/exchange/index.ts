// Formats of other programs: readers and writers of their files. An entry of its own, which the core does not need.

export { readNpy, writeNpy } from '../formats/npy.ts';
export { type OpenSafetensors, type OpenSafetensorsOptions, type TensorDescription, openSafetensors } from '../formats/openSafetensors.ts';
export { type Safetensors, readSafetensors, writeSafetensors } from '../formats/safetensors.ts';
export { type ShardOptions, shardSafetensors } from '../formats/shardSafetensors.ts';
export type { StoredData, StoredDtype, StoredTensor } from '../formats/storedTypes.ts';
export { type Gguf, type GgufTensor, type GgufType, type GgufValue, readGguf } from './gguf/readGguf.ts';
export type { Hdf5Texts, Hdf5Value } from './hdf5/elements.ts';
export { type Hdf5Dataset, type Hdf5Group, readHdf5 } from './hdf5/readHdf5.ts';
export { type WriteNpzOptions, readNpz, writeNpz } from './npz.ts';
export { type ZipEntry, type ZipLimits, readZip } from './zip/readZip.ts';
export { writeZip } from './zip/writeZip.ts';
export { type PytorchOptions, pytorch } from './pytorch.ts';
import './keras/layers/index.ts';

export { type KerasLayerConverter, registerKerasLayer } from './keras/converter.ts';
export { type LayersModelFiles, type LayersModelSource, type LoadLayersModelOptions, loadLayersModel } from './tensorflowJs/read.ts';
export { type SavedLayersModel, saveLayersModel } from './tensorflowJs/write.ts';
export { saveKerasModel } from './keras/save.ts';
export { type LoadKerasModelOptions, loadKerasModel } from './keras/load.ts';
