/**
 * `node --import tsx scripts/onnx/launch.ts verify FOLDER` proves the export in onnxruntime-node, which FOLDER has in node_modules. It runs
 * models and the rows of test/tables there, and compares the results with the CPU. It writes the files to FOLDER/files for
 * scripts/onnx/check.py, and test/golden/onnxExport.json: what was verified, by the hash of the bytes.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { type Tensor, setDevice } from '../../src/index.ts';
import { hostTensor } from '../../src/graph/tensor.ts';
import { exportOnnx } from '../../src/onnx/index.ts';
import { exportRow, inputNames, rowTensors, worstOf } from '../../test/support/onnxRows.ts';
import { opRows } from '../../test/tables/index.ts';
import { buildCase, inputsOf, onnxModels } from '../../test/support/onnxModels.ts';

interface EngineTensor {
  readonly data: ArrayLike<number>;
  readonly dims: readonly number[];
}
interface Engine {
  readonly InferenceSession: {
    create(bytes: Uint8Array, options: object): Promise<{ run(feeds: object): Promise<Record<string, EngineTensor>> }>;
  };
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => EngineTensor;
}

const types = { f32: 'float32', i32: 'int32', u32: 'uint32', bool: 'bool', f16: 'float16' } as const;

export const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex').slice(0, 12);

/** Largest difference in other engines. Transforms of odd lengths are less accurate there. */
const toleranceOf = (name: string): number => (name.startsWith('fft') ? 1e-3 : 2e-6);

export async function verify(folder: string): Promise<void> {
  await setDevice('cpu');
  const engine = createRequire(join(resolve(folder), 'launch.js'))('onnxruntime-node') as Engine;
  mkdirSync(join(folder, 'files'), { recursive: true });
  const run = async (bytes: Uint8Array, inputs: readonly (readonly [string, Tensor])[]): Promise<Record<string, EngineTensor>> => {
    const session = await engine.InferenceSession.create(bytes, { logSeverityLevel: 4 });
    const feeds: [string, EngineTensor][] = [];
    for (const [name, tensor] of inputs) feeds.push([name, new engine.Tensor(types[tensor.dtype], await tensor.data(), tensor.shape)]);
    return session.run(Object.fromEntries(feeds));
  };
  const models: Record<string, { hash: Record<string, string>; worst: number }> = {};
  for (const one of onnxModels) {
    const model = await buildCase(one);
    models[one.name] = { hash: {}, worst: 0 };
    for (const opset of [17, 21]) {
      const bytes = await exportOnnx(model, { opset });
      models[one.name].hash[opset] = hashOf(bytes);
      writeFileSync(join(folder, 'files', `${one.name.replaceAll(' ', '_')}_${opset}.onnx`), bytes);
      for (const batch of [1, 3]) {
        const inputs = inputsOf(one, batch);
        const names = inputNames(one.name, inputs.length);
        const expected: unknown = await model.predict(
          inputs.length > 1 ? Object.fromEntries(names.map((name, i) => [name, inputs[i]])) : inputs[0],
        );
        const results = await run(
          bytes,
          names.map((name, i) => [name, inputs[i]] as const),
        );
        const outputs = Object.values(expected instanceof Object && 'dtype' in expected ? [expected] : (expected as object)) as Tensor[];
        for (const [i, result] of Object.values(results).entries()) {
          const worst = worstOf(result.data, await outputs[i].data());
          models[one.name].worst = Math.max(models[one.name].worst, worst);
        }
      }
    }
    console.log(`${one.name}: ${models[one.name].worst.toExponential(1)}`);
  }
  const rows: Record<string, string> = {};
  const notWritten: Record<string, string[]> = {};
  let worst = 0;
  for (const opset of [17, 21]) {
    for (const row of opRows) {
      let bytes: Uint8Array;
      try {
        bytes = await exportRow(row, opset);
      } catch (error) {
        const reason = /the op '(\w+)'/.exec((error as Error).message)?.[1] ?? (error as Error).message;
        if (opset === 21) (notWritten[reason] ??= []).push(row.name);
        continue;
      }
      writeFileSync(join(folder, 'files', `row_${row.name.replace(/\W+/g, '_')}_${opset}.onnx`), bytes);
      const tensors = rowTensors(row);
      const given = tensors.length > 0 ? tensors : [hostTensor({ shape: [1], dtype: 'f32' }, new Float32Array(1))];
      const { output } = await run(
        bytes,
        given.map((tensor, i) => [given.length > 1 ? `input_${i + 1}` : 'input', tensor] as const),
      );
      const expected = row.call(...tensors);
      const error = output.dims.join() === expected.shape.join() ? worstOf(output.data, await expected.data()) : Infinity;
      if (!(error <= toleranceOf(row.name))) throw new Error(`${row.name}, opset ${opset}: ${error} from the CPU`);
      if (!row.name.startsWith('fft')) worst = Math.max(worst, error);
      rows[row.name] = `${rows[row.name] ? `${rows[row.name]} ` : ''}${hashOf(bytes)}`;
    }
  }
  const verified = {
    engine: 'onnxruntime-node 1.30.0',
    models,
    rows: { all: opRows.length, verified: Object.keys(rows).length, worst, notWritten, hash: rows },
  };
  writeFileSync('test/golden/onnxExport.json', `${JSON.stringify(verified, undefined, 1)}\n`);
  console.log(`${Object.keys(rows).length} of ${opRows.length} rows, worst ${worst}`);
}
