// The node tests of ONNX: a model, and pairs of inputs and expected outputs.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { hostTensor } from '../../src/graph/tensor.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { fromBf16Bits } from '../../src/formats/halves.ts';
import { elementOf, toHostArray } from '../../src/onnx/format/elements.ts';
import { type StoredElements, readTensor } from '../../src/onnx/format/readTensor.ts';
import { TensorSchema } from '../../src/onnx/format/schema.ts';
import { importOnnx } from '../../src/onnx/index.ts';

export interface NodeCase {
  readonly name: string;
  readonly model: Uint8Array;
  readonly inputs: readonly Uint8Array[];
  readonly outputs: readonly Uint8Array[];
}

/** The cases of a folder, by name. */
export function readCases(folder: string): NodeCase[] {
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const at = join(folder, name, 'test_data_set_0');
      if (!existsSync(at)) return [];
      const files = readdirSync(at);
      const list = (kind: string): Uint8Array[] =>
        files
          .filter((file) => file.startsWith(kind))
          .sort((a, b) => Number(/\d+/.exec(a)) - Number(/\d+/.exec(b)))
          .map((file) => new Uint8Array(readFileSync(join(at, file))));
      return [
        { name, model: new Uint8Array(readFileSync(join(folder, name, 'model.onnx'))), inputs: list('input'), outputs: list('output') },
      ];
    });
}

export const readStored = (bytes: Uint8Array): StoredElements =>
  readTensor(fromBinary(TensorSchema, bytes, { readUnknownFields: false }), 'tensor', { name: 'test data', externalData: {} });

export function toTensor({ type, shape, data }: StoredElements): Tensor {
  const { dtype } = elementOf(type);
  return hostTensor({ shape, dtype }, toHostArray(dtype, data));
}

/** The test data hold BFLOAT16 as the bits of UINT16. */
function asDeclared(stored: StoredElements, type: string | undefined): StoredElements {
  if (type !== 'BFLOAT16' || stored.type !== 'UINT16') return stored;
  return { ...stored, type: 'BFLOAT16', data: Float32Array.from(stored.data, fromBf16Bits) };
}

/** Reasons why a case is out of scope, by its name or the message of the error. */
const reasons: readonly (readonly [RegExp, string])[] = [
  [/STRING|strnorm|test_strings|tfidf/, 'strings and n-grams'],
  [/no tensor; sequences|Sequence|Optional/, 'sequences, optionals and maps'],
  [/training_mode is true|training_dropout|RandomUniform|RandomNormal|Bernoulli|bernoulli/, 'random numbers of another engine'],
  [/opset_import of ai.onnx is missing|domain is/, 'training ops and other domains'],
  [/test_castlike_.*BFLOAT16.*the file declares|cast_FLOAT_to_BFLOAT16/, 'bfloat16 data that do not fit their model, or are truncated'],
  [/resize_downsample_scales_\w+_align_corners/, 'expected values that ONNX Runtime rejects too'],
  [/tf_crop_and_resize|scan_sum/, 'forms that are not read: Resize with regions, Scan of opset 8'],
  [/e\+\d{2,3}$/, 'numbers beyond f32'],
];

export type Outcome =
  { readonly passed: true; readonly error: number } | { readonly passed: false; readonly reason: string; readonly message: string };

/** Relative and absolute tolerance of a value: those of ONNX's own runner are 1e-3 and 1e-7. */
const [relative, absolute] = [1e-3, 1e-6];

/** Runs a case on the CPU. */
export async function runCase({ name, model, inputs, outputs }: NodeCase): Promise<Outcome> {
  try {
    const imported = importOnnx(model, { name });
    const given = inputs.map((bytes, i) => asDeclared(readStored(bytes), imported.inputs[i].type));
    const expected = outputs.map((bytes, i) => asDeclared(readStored(bytes), imported.outputs[i].type));
    const record = Object.fromEntries(imported.inputs.flatMap((input, i) => (given[i] ? [[input.name, toTensor(given[i])]] : [])));
    const results = imported.run(record);
    let worst = 0;
    for (const [i, { name: output }] of imported.outputs.entries()) {
      if (!expected[i]) continue;
      const wrong = await difference(results[output], expected[i]);
      if (typeof wrong === 'string') return failure(name, `${name}: ${output}: ${wrong}`, 'wrong result');
      worst = Math.max(worst, wrong);
    }
    return { passed: true, error: worst };
  } catch (error) {
    const { message } = error as Error;
    return failure(name, message, 'refused');
  }
}

function failure(name: string, message: string, otherwise: string): Outcome {
  const reason = reasons.find(([pattern]) => pattern.test(name) || pattern.test(message))?.[1] ?? otherwise;
  return { passed: false, reason, message };
}

/** The largest difference of a tensor from the expected one, or a text if it is too large. */
async function difference(actual: Tensor, { shape, data }: StoredElements): Promise<number | string> {
  if (actual.shape.join() !== shape.join()) return `shape ${actual.shape.join()} instead of ${shape.join()}`;
  const values = await actual.data();
  let worst = 0;
  for (let i = 0; i < data.length; i++) {
    if (Object.is(values[i], data[i]) || values[i] === data[i]) continue;
    const error = Math.abs(values[i] - data[i]);
    if (!(error <= absolute + relative * Math.abs(data[i]))) return `element ${i} is ${values[i]} instead of ${data[i]}`;
    worst = Math.max(worst, error);
  }
  return worst;
}
