/** Models of other programs with inputs and outputs, and the comparison with them. */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { type Model, type Tensor, tensor } from '../../src/index.ts';

export interface Numbers {
  readonly shape: number[];
  readonly values: number[];
  readonly whole?: boolean;
}

export interface Expected {
  readonly inputs: readonly Numbers[];
  readonly outputs: readonly Numbers[];
}

export interface TensorFlowJsCase extends Expected {
  readonly model: { readonly modelTopology: object; readonly weightsManifest: readonly object[] };
  readonly weights: string;
}

const golden = (name: string): string => readFileSync(new URL(`../golden/${name}`, import.meta.url), 'utf8');

/** Models that TensorFlow.js wrote. See scripts/golden/tensorflowJs.mjs. */
export const tensorFlowJsCases = JSON.parse(golden('tensorflowJs.json')) as Record<string, TensorFlowJsCase>;

export const filesOf = ({ model, weights }: TensorFlowJsCase) => ({ 'model.json': model, 'weights.bin': new Uint8Array(Buffer.from(weights, 'base64')) }); // prettier-ignore

/** Outputs of a model for the inputs of a case. */
export async function outputsOf(model: Model, { inputs }: Pick<Expected, 'inputs'>): Promise<Tensor[]> {
  const given = inputs.map(({ shape, values, whole }) => tensor(values, shape, whole ? 'i32' : undefined));
  return [await model.predict<Tensor | Tensor[]>(given.length > 1 ? given : given[0])].flat();
}

/** Largest difference between the outputs of a model and the expected ones. */
export async function differenceOf(model: Model, expected: Expected): Promise<number> {
  const got = await outputsOf(model, expected);
  expect(got.map(({ shape }) => shape)).toEqual(expected.outputs.map(({ shape }) => shape));
  const differences = got.map(async (y, i) => {
    const values = await y.data();
    return Math.max(...values.map((value, j) => Math.abs(value - expected.outputs[i].values[j])));
  });
  return Math.max(...(await Promise.all(differences)));
}

export interface KerasCase extends Expected {
  /** Name of the file in test/golden/keras. */
  readonly file: string;
}

/** Models that Keras wrote. See scripts/golden/kerasModels.py. */
export const kerasCases = JSON.parse(golden('keras/cases.json')) as Record<string, KerasCase>;
