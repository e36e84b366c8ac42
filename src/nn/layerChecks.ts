// Checks of the values that definitions of layers give.
import { ArgumentError, ShapeError, asText } from '../core/errors.ts';
import { sameShape } from '../core/shape.ts';
import { leavesOf } from '../core/tree.ts';
import { Tensor } from '../graph/tensor.ts';
import { type HasLayer, type Layer, type TensorRecord, layerOf } from './layer.ts';

export function checkScalar(what: string, given: unknown): Tensor {
  if (given instanceof Tensor && given.rank === 0) return given;
  throw new ArgumentError(`${what} returned ${given instanceof Tensor ? given.toString() : asText(given)}; it must return a scalar`);
}

export function checkParameter(what: string, given: unknown, before: Tensor): Tensor {
  if (given instanceof Tensor && given.dtype === before.dtype && sameShape(given.shape, before.shape)) return given;
  const got = given instanceof Tensor ? given.toString() : asText(given);
  throw new ArgumentError(`${what} returned ${got}; it must return a tensor like the parameter, ${before.toString()}`);
}

/** State for the next batch: it has the names, shapes and dtypes of the state before. */
export function checkState(where: string, given: TensorRecord, before: TensorRecord): TensorRecord {
  const found = new Map(leavesOf(given).map(({ path, value }) => [path, value]));
  const wanted = leavesOf(before);
  const fix = 'return a tensor like the one that build() gave, under every name of the state';
  for (const { path, value } of wanted) {
    const [tensor, kept] = [found.get(path), value as Tensor];
    if (tensor instanceof Tensor && tensor.dtype === kept.dtype && sameShape(tensor.shape, kept.shape)) continue;
    const got = tensor instanceof Tensor ? tensor.toString() : tensor === undefined ? 'missing' : asText(tensor);
    throw new ShapeError(
      `${where}: apply returned a state whose${path.replace('.', ' ')} is ${got}; it must be ${kept.toString()}: ${fix}`,
    );
  }
  const known = new Set(wanted.map(({ path }) => path));
  const extra = [...found.keys()].find((path) => !known.has(path));
  if (extra === undefined) return given;
  throw new ArgumentError(`${where}: apply returned a state with${extra.replace('.', ' ')}, which build() did not give; ${fix}`);
}

export const mapRecord = <T, R>(record: Readonly<Record<string, T>>, make: (value: T, name: string) => R): Record<string, R> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [name, make(value, name)]));

export function readSublayers(kind: string, given: Readonly<Record<string, Layer | HasLayer>>): Record<string, Layer> {
  return mapRecord(given, (value, name) => {
    const layer = layerOf(value);
    if (layer) return layer;
    throw new ArgumentError(`${kind}: layers.${name} is not a layer; make layers with the factories, such as layers.dense({ units: 1 })`);
  });
}
