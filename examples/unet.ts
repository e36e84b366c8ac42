// A U-Net finds discs and squares in pictures with a texture. Ronneberger et al., U-Net: Convolutional Networks for Biomedical Image Segmentation, 2015.
import { type Tensor, abs, add, arange, concat, createModel, evaluate, input, layers, less, losses, maximum, metrics, mul, oneHot, optimizers, random, setSeed, sin, square, sub, where, zerosLike } from 'ombre'; // prettier-ignore
import type { Figures, Run } from './example.ts';

const classes = ['background', 'disc', 'square'];

/** Pictures x [count, size, size, 1] of a disc and a square before stripes and noise, and the class of each pixel y [count, size, size]. */
async function pictures(count: number, size: number): Promise<{ x: Tensor; y: Tensor }> {
  const draw = (min: number, max: number) => random.uniform([count, 1, 1], { min, max });
  const [row, column] = [arange(size).reshape([1, size, 1]), arange(size).reshape([1, 1, size])];
  const shape = () => {
    const radius = draw(0.15 * size, 0.3 * size);
    const [down, right] = [sub(row, draw(0.2 * size, 0.8 * size)), sub(column, draw(0.2 * size, 0.8 * size))];
    return { radius, down, right, brightness: draw(0.5, 1) };
  };
  const [disc, box] = [shape(), shape()];
  const inDisc = less(add(square(disc.down), square(disc.right)), square(disc.radius));
  const inBox = less(maximum(abs(box.down), abs(box.right)), mul(box.radius, 0.9));
  const stripes = sin(add(add(mul(row, draw(-1, 1)), mul(column, draw(-1, 1))), draw(0, 6)));
  const scene = where(inBox, box.brightness, where(inDisc, disc.brightness, mul(stripes, 0.3)));
  const x = add(scene, random.normal([count, size, size], { stddev: 0.1 })).expandDims(-1);
  return evaluate({ x, y: where(inBox, 2, where(inDisc, 1, 0)).cast('i32') });
}

/** Two convolutions, each with batch normalization. */
function block(x: Tensor, filters: number): Tensor {
  for (let i = 0; i < 2; i++) {
    x = layers.conv2d({ filters, kernelSize: 3, padding: 'same', useBias: false }).apply(x);
    x = layers.batchNormalization({ momentum: 0.9 }).apply(x);
    x = layers.relu().apply(x);
  }
  return x;
}

/** Logits of the classes for each pixel. The way up gets the feature maps of the way down with the same size. */
function network(size: number, width: number, depth: number) {
  const image = input({ shape: [size, size, 1] });
  const skips: Tensor[] = [];
  let x: Tensor = image;
  for (let level = 0; level < depth; level++) {
    skips[level] = block(x, width * 2 ** level);
    x = layers.maxPooling2d().apply(skips[level]);
  }
  x = block(x, width * 2 ** depth);
  for (let level = depth - 1; level >= 0; level--) {
    const filters = width * 2 ** level;
    x = layers.conv2dTranspose({ filters, kernelSize: 2, strides: 2 }).apply(x);
    x = block(layers.concatenate().apply([skips[level], x]), filters);
  }
  return createModel({ inputs: image, outputs: layers.conv2d({ filters: classes.length, kernelSize: 1 }).apply(x) });
}

/** Figures: the mean intersection over union of the three classes on new pictures, and that of the answer `background` for all pixels. */
export async function unet({ isSmall, isLarge = false, print, show, watch }: Run): Promise<Figures> {
  setSeed(1);
  const [size, count, width, depth, epochs, batchSize] = isSmall
    ? [16, 160, 6, 2, 6, 8]
    : isLarge
      ? [64, 4000, 16, 3, 10, 32]
      : [32, 2000, 8, 3, 10, 16];
  const train = await pictures(count, size);
  const test = await pictures(count / 4, size);

  const meanIoU = metrics.meanIoU({ numClasses: classes.length, sparseYPred: false });
  const model = network(size, width, depth);
  model.compile({
    optimizer: optimizers.adam({ learningRate: isSmall ? 0.02 : isLarge ? 0.002 : 0.005 }),
    loss: losses.sparseCategoricalCrossentropy({ fromLogits: true }),
    metrics: [meanIoU],
  });
  await model.fit(train.x, train.y, { epochs, batchSize, verbose: 0, callbacks: watch() });
  const scores = await model.evaluate(test.x, test.y, { batchSize, verbose: 0 });

  const nothing = oneHot(zerosLike(test.y), classes.length);
  const background = await meanIoU.result(meanIoU.update(meanIoU.init(), test.y, nothing)).item();
  // New pictures: what the network sees, the classes that it finds, and the true ones.
  const shown = Math.min(4, count / 4);
  const x = test.x.slice([0], [shown]);
  const found = (await model.predict(x)).argMax({ axis: -1 });
  const levels = (pixels: Tensor) => pixels.cast('f32').div(classes.length - 1);
  await show('Picture, found and true classes', concat([x.squeeze(-1).add(0.5).div(1.6).clip(0, 1), levels(found), levels(test.y.slice([0], [shown]))], 2)); // prettier-ignore
  print(`mean intersection over union ${scores.meanIoU.toFixed(3)}`);
  return { meanIoU: scores.meanIoU, background };
}
