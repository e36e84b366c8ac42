// Base models at small widths, with the state dicts that scripts/golden/models.py wrote by PyTorch, and their outputs there.
import type { Tensor } from '../../src/graph/tensor.ts';
import { bert, gpt2, mobileNetV2, resnet18 } from '../../src/models/index.ts';
import { tensor } from '../../src/ops/index.ts';
import type { Model, WeightMap } from '../../src/train/index.ts';
import { pattern } from './goldenModels.ts';

export const ids = [[3, 1, 4, 1, 5, 9, 2, 6, 5], [8, 9, 7, 9, 3, 2, 3, 8, 4]]; // prettier-ignore
const i32 = (rows: readonly (readonly number[])[]): Tensor => tensor(rows.flat(), [rows.length, rows[0].length], 'i32');
const padded = ids.map((row, i) => row.map((id, t) => (t < [9, 6][i] ? id : 0)));
const types = ids.map((row) => row.map((_, t) => Number(t > 4)));

/** Trained numbers of the public models. */
export const parameterCounts = { resnet18: 11_689_512, mobileNetV2: 3_504_872, gpt2: 124_439_808, bert: 109_482_240 };

interface ModelCase {
  readonly url: URL;
  readonly map: WeightMap;
  readonly make: () => Model;
  /** Outputs for the inputs of the script, in its order. */
  readonly run: (model: Model) => Promise<readonly Tensor[]>;
}

const image = (): Tensor => pattern(2, 32, 32, 3);
const imageOptions = { classes: 5, inputShape: [32, 32, 3] } as const;
const bertOptions = {
  layers: 2,
  heads: 2,
  width: 8,
  intermediate: 20,
  vocabulary: 13,
  window: 12,
  inputLength: 9,
  segments: true,
} as const;
const bertInputs = { ids: i32(padded), types: i32(types) };

export const baseModels = {
  resnet18: {
    url: new URL('../golden/models/resnet18.safetensors', import.meta.url),
    map: resnet18.map,
    make: () => resnet18({ ...imageOptions, width: 4 }),
    run: async (model) => [await model.predict(image())],
  },
  mobileNetV2: {
    url: new URL('../golden/models/mobileNetV2.safetensors', import.meta.url),
    map: mobileNetV2.map,
    make: () => mobileNetV2({ ...imageOptions, width: 0.1 }),
    run: async (model) => [await model.predict(image())],
  },
  gpt2: {
    url: new URL('../golden/models/gpt2.safetensors', import.meta.url),
    map: gpt2.map,
    make: () => gpt2({ layers: 2, heads: 2, width: 8, vocabulary: 13, window: 12, inputLength: 9 }),
    run: async (model) => [await model.predict(i32(ids))],
  },
  bert: {
    url: new URL('../golden/models/bert.safetensors', import.meta.url),
    map: bert.map,
    make: () => bert({ ...bertOptions, classes: 3 }),
    run: async (model) => {
      // The features come from a second model, which has the same file.
      const features = bert(bertOptions);
      await features.loadWeights(baseModels.bert.url, { map: bert.map });
      const { sequence, pooled } = await features.predict<Record<string, Tensor>>(bertInputs);
      return [sequence, pooled, await model.predict(bertInputs)];
    },
  },
} satisfies Record<string, ModelCase> as Readonly<Record<'resnet18' | 'mobileNetV2' | 'gpt2' | 'bert', ModelCase>>;
