// Shapes and dtypes of samples. The batch axis is left out everywhere in this folder, unless a name says "batch".
import type { Dtype } from '../core/dtype.ts';
import type { Shape } from '../core/shape.ts';
import { type Tree, isBranch, mapTree } from '../core/tree.ts';
import type { Tensor } from '../graph/tensor.ts';

/** Shape and dtype of one sample of an input or output. A class, so that trees treat it as a leaf. */
export class TensorSpec {
  readonly shape: Shape;
  readonly dtype: Dtype;
  /** Name that the user gave, if any. */
  readonly name: string | undefined;
  constructor(shape: Shape, dtype: Dtype = 'f32', name?: string) {
    this.shape = shape;
    this.dtype = dtype;
    this.name = name;
  }
}

/** One spec, or lists and records of specs. */
export type Specs = Tree<TensorSpec>;
/** One tensor, or lists and records of tensors. */
export type Tensors = Tree<Tensor>;
/** One shape, or lists and records of shapes. */
export type Shapes = Shape | readonly Shapes[] | { readonly [name: string]: Shapes };

/** The tree of shapes that belongs to a tree of tensors. */
export type ShapesOf<T> = Tensors extends T ? Shapes : T extends Tensor ? Shape : { readonly [K in keyof T]: ShapesOf<T[K]> };

export const specsOfBatch = (tensors: Tensors): Specs =>
  mapTree(tensors, (leaf) => {
    const { shape, dtype } = leaf as Tensor;
    return new TensorSpec(shape.slice(1), dtype);
  }) as Specs;

export const shapesOf = (specs: Specs): Shapes => mapTree(specs, (leaf) => (leaf as TensorSpec).shape) as Shapes;

export const isShape = (shapes: Shapes): shapes is Shape =>
  Array.isArray(shapes) && (shapes as unknown[]).every((n) => typeof n === 'number');

/** Specs of one dtype for a tree of shapes. */
export function specsFor(shapes: Shapes, dtype: Dtype = 'f32'): Specs {
  if (isShape(shapes)) return new TensorSpec(shapes, dtype);
  if (Array.isArray(shapes)) return (shapes as readonly Shapes[]).map((shape) => specsFor(shape, dtype));
  return Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, specsFor(shape, dtype)]));
}

/** A tree with the names of its records in the order of a pattern, if it has the same names. */
export function inOrderOf<T>(pattern: unknown, tree: T): T {
  if (!isBranch(pattern) || !isBranch(tree)) return tree;
  if (Array.isArray(tree)) return (Array.isArray(pattern) ? tree.map((child, i) => inOrderOf(pattern[i], child)) : tree) as T;
  if (Array.isArray(pattern)) return tree;
  const names = Object.keys(pattern);
  if (names.length !== Object.keys(tree).length || !names.every((name) => Object.hasOwn(tree, name))) return tree;
  return Object.fromEntries(names.map((name) => [name, inOrderOf(pattern[name], tree[name])])) as T;
}

/** A shape with the batch axis first, for messages: `[batch,28,28]`. */
export const formatBatch = (shape: Shape): string => `[${['batch', ...shape].join(',')}]`;

/** Shapes with the batch axis first, for messages: `[batch,28,28]`, or `{ image: [batch,28,28], age: [batch] }`. */
export function formatBatches(shapes: Shapes): string {
  if (isShape(shapes)) return formatBatch(shapes);
  if (Array.isArray(shapes)) return `[${(shapes as readonly Shapes[]).map(formatBatches).join(', ')}]`;
  return `{ ${Object.entries(shapes)
    .map(([name, shape]) => `${name}: ${formatBatches(shape)}`)
    .join(', ')} }`;
}
