// ONNX files that a test writes by hand.
import { create, toBinary } from '@bufbuild/protobuf';
import { ModelSchema } from '../../src/onnx/format/schema.ts';

type Init = Parameters<typeof create<typeof ModelSchema>>[1];
type GraphInit = NonNullable<NonNullable<Init>['graph']>;

/** An input or output. */
export const value = (name: string, shape: number[] = [2], elemType = 1) => {
  const dim = shape.map((n) => ({ value: { case: 'dimValue' as const, value: BigInt(n) } }));
  return { name, type: { value: { case: 'tensorType' as const, value: { elemType, shape: { dim } } } } };
};
export const node = (opType: string, input: string[], output: string[], extra: object = {}) => ({ opType, input, output, ...extra });
/** An initializer of two zeros. */
export const weight = (name: string, extra: object = {}) => ({ name, dims: [2n], dataType: 1, rawData: new Uint8Array(8), ...extra });

/** A file with one Relu of x, in which parts of the graph are replaced. */
export function fileOf(graph: object, model: object = {}): Uint8Array {
  const relu = { node: [node('Relu', ['x'], ['y'])], input: [value('x')], output: [value('y')], initializer: [], ...graph } as GraphInit;
  const init = { irVersion: 8n, opsetImport: [{ domain: '', version: 17n }], graph: relu, ...model } as Init;
  return toBinary(ModelSchema, create(ModelSchema, init));
}

/** A file whose node calls a function that calls another one. */
export function functionFile(): Uint8Array {
  const opsetImport = [{ domain: '', version: 17n }];
  const inner = node('LeakyRelu', ['a'], ['b'], { attribute: [{ name: 'alpha', refAttrName: 'slope', type: 1 }] });
  const outer = node('Inner', ['a'], ['b'], { domain: 'own', attribute: [{ name: 'slope', refAttrName: 'slope', type: 1 }] });
  const functions = [
    { name: 'Inner', domain: 'own', input: ['a'], output: ['b'], attribute: ['slope'], node: [inner], opsetImport },
    { name: 'Outer', domain: 'own', input: ['a'], output: ['c'], attributeProto: [{ name: 'slope', type: 1, f: 0.5 }], node: [outer, node('Neg', ['b'], ['c'])], opsetImport },
  ]; // prettier-ignore
  return fileOf({ node: [node('Outer', ['x'], ['y'], { domain: 'own' })] }, { functions });
}
