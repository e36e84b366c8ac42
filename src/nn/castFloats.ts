// Change of precision for whole trees: mixed precision computes in f16 from parameters in f32.
import { isFloat } from '../core/dtype.ts';
import { mapTree } from '../core/tree.ts';
import { Tensor } from '../graph/tensor.ts';
import { cast } from '../ops/index.ts';

/** The same tree with its float tensors in a dtype. Integers and bools stay. */
export const castFloats = <T>(tree: T, dtype: 'f16' | 'f32'): T =>
  mapTree(tree, (leaf) => (leaf instanceof Tensor && isFloat(leaf.dtype) && leaf.dtype !== dtype ? cast(leaf, dtype) : leaf)) as T;
