// The models of the page and of `npm run train`. They use the public entry only.
import { type Model, layers, sequential } from 'ombre';
import { type ModelName, classes } from './recipes.ts';

type Shape = readonly number[];

const builders: Readonly<Record<ModelName, (inputShape: Shape) => Model>> = {
  mlp: (inputShape) =>
    sequential([
      layers.flatten({ inputShape }),
      layers.dense({ units: 128, activation: 'relu' }),
      layers.dense({ units: classes, activation: 'softmax' }),
    ]),
  cnn: (inputShape) =>
    sequential([
      layers.conv2d({ filters: 16, kernelSize: 3, padding: 'same', activation: 'relu', inputShape }),
      layers.maxPooling2d(),
      layers.conv2d({ filters: 32, kernelSize: 3, padding: 'same', activation: 'relu' }),
      layers.maxPooling2d(),
      layers.flatten(),
      layers.dense({ units: 128, activation: 'relu' }),
      layers.dense({ units: classes, activation: 'softmax' }),
    ]),
  linear: (inputShape) =>
    sequential([layers.flatten({ inputShape }), layers.dense({ units: 128, activation: 'relu' }), layers.dense({ units: 1 })]),
};

/** A new model for images of shape [height, width, 1]. */
export const buildModel = (name: ModelName, imageShape: Shape): Model => builders[name](imageShape);
