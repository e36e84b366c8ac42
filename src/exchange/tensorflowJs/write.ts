// Layers models for TensorFlow.js: model.json and one file of weights.
import { sizeOf } from '../../core/shape.ts';
import type { Model } from '../../train/index.ts';
import { heldWeights } from '../keras/heldWeights.ts';
import { pathOf } from '../keras/weights.ts';
import { writeModel } from '../keras/writeModel.ts';

/** The files of a layers model by name. */
export interface SavedLayersModel {
  readonly 'model.json': string;
  readonly 'weights.bin': Uint8Array<ArrayBuffer>;
}

/**
 * The files of a layers model, which `tf.loadLayersModel` of TensorFlow.js opens: model.json, and the weights in float32.
 * The optimizer, the loss and the metrics are not among them.
 *
 *     for (const [name, data] of Object.entries(await saveLayersModel(model))) await writeFile(`folder/${name}`, data);
 *
 * @throws ArgumentError for layers and options that TensorFlow.js does not have, and for ops between the layers. It names the layer.
 */
export async function saveLayersModel(model: Model): Promise<SavedLayersModel> {
  const { json, node } = writeModel(model.asLayer, 'tensorFlowJs', 'saveLayersModel');
  const held = await heldWeights(model, node);
  const bytes = new Uint8Array(4 * held.reduce((total, { entry }) => total + sizeOf(entry.shape), 0));
  const view = new DataView(bytes.buffer);
  let begin = 0;
  const weights = held.map(({ entry, data }) => {
    for (let i = 0; i < data.length; i++) view.setFloat32(begin + 4 * i, data[i], true);
    begin += 4 * data.length;
    return { name: pathOf(entry), shape: entry.shape, dtype: 'float32' };
  });
  const modelJson = {
    format: 'layers-model',
    generatedBy: 'ombre',
    convertedBy: null,
    modelTopology: { ...json, keras_version: 'tfjs-layers 4.22.0', backend: 'tensor_flow.js' },
    weightsManifest: [{ paths: ['weights.bin'], weights }],
  };
  return { 'model.json': JSON.stringify(modelJson), 'weights.bin': bytes };
}
