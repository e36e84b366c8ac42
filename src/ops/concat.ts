// Joining tensors along an axis.
import { ArgumentError, DtypeError, ShapeError } from '../core/errors.ts';
import { formatShape, normalizeAxis, sizeOf } from '../core/shape.ts';
import { promote } from '../core/dtype.ts';
import { type TensorType, defineOp } from '../graph/op.ts';
import { Tensor, apply } from '../graph/tensor.ts';
import concatSource from '../../shaders/concat.wgsl?raw';
import { spreadInputs } from './batching.ts';
import { cast } from './cast.ts';
import { gridOf, retype, storageType } from './kernelSource.ts';
import { sliceAxis } from './slice.ts';

/** Elements of one input from one step along the axis before it to the next, and where they start in the output's. */
function blocksOf(inputs: readonly TensorType[], axis: number): { size: number; start: number }[] {
  let start = 0;
  return inputs.map(({ shape }) => {
    const size = sizeOf(shape.slice(axis));
    start += size;
    return { size, start: start - size };
  });
}

const concatOp = defineOp<{ readonly axis: number }>({
  name: 'concat',
  infer: (inputs, { axis }) => {
    const [first] = inputs;
    for (const { shape, dtype } of inputs) {
      if (dtype !== first.dtype) throw new DtypeError(`concat: dtypes differ: ${first.dtype} and ${dtype}; cast one operand`);
      if (shape.length !== first.shape.length || !shape.every((n, i) => i === axis || n === first.shape[i])) {
        throw new ShapeError(
          `concat: shapes ${inputs.map((t) => formatShape(t.shape)).join(', ')} differ outside axis ${axis}; all other sizes must be equal`,
        );
      }
    }
    const total = inputs.reduce((sum, { shape }) => sum + shape[axis], 0);
    return [{ shape: first.shape.map((n, i) => (i === axis ? total : n)), dtype: first.dtype }];
  },
  batch: (context) => context.apply(spreadInputs(context), { axis: context.attributes.axis + 1 }),
  // Each input gets its own window of dy
  vjp: ({ inputs, cotangents: [g], needs, attributes: { axis } }) => {
    let begin = 0;
    return inputs.map((x, i) => {
      begin += x.shape[axis];
      return g && needs[i] ? sliceAxis(g, axis, begin - x.shape[axis], x.shape[axis]) : undefined;
    });
  },
  reference: ({ inputs, outputs: [type], attributes: { axis }, allocate }) => {
    const out = allocate(type.dtype, sizeOf(type.shape));
    const stride = sizeOf(type.shape.slice(axis));
    blocksOf(inputs, axis).forEach(({ size, start }, k) => {
      if (size === 0) return;
      for (let from = 0, to = start; from < inputs[k].data.length; from += size, to += stride)
        out.set(inputs[k].data.subarray(from, from + size), to);
    });
    return [out];
  },
  lowering: {
    kind: 'kernel',
    epilogue: false,
    // One dispatch for each input writes its window.
    plan: ({ inputs, outputs: [y], attributes: { axis }, target }) => {
      const source = retype(concatSource, { Element: storageType(y.dtype) });
      const stride = sizeOf(y.shape.slice(axis));
      const dispatches = blocksOf(inputs, axis).flatMap(({ size, start }, index) => {
        const count = sizeOf(inputs[index].shape);
        if (count === 0) return [];
        return {
          name: 'concat',
          source,
          operands: [{ kind: 'input', index } as const, { kind: 'output', index: 0 } as const],
          params: [count, size, stride, start],
          workgroups: gridOf(Math.ceil(count / 64), target),
        };
      });
      return { dispatches, temporaries: [] };
    },
  },
  simplify: (inputs) => (inputs.length === 1 ? inputs[0] : undefined),
});

/** The argument of ops that take several tensors. */
export function checkList(op: string, tensors: unknown): void {
  if (!Array.isArray(tensors) || tensors.length === 0 || !tensors.every((t) => t instanceof Tensor)) {
    throw new ArgumentError(`${op}: takes a list of at least one tensor`);
  }
}

/**
 * The tensors one after another along an axis.
 *
 * [.., Nᵢ, ..] -> [.., Σ Nᵢ, ..]. Dtypes promote.
 * @throws ArgumentError for an empty list, ShapeError when other axes differ.
 *
 *     concat([zeros([2, 3]), ones([1, 3])], 0)   // [3,3]
 */
export function concat(tensors: readonly Tensor[], axis = 0): Tensor {
  checkList('concat', tensors);
  const dtype = tensors.map((t) => t.dtype).reduce((a, b) => promote('concat', a, b));
  const at = normalizeAxis('concat', axis, tensors[0].rank);
  if (tensors.length === 1) return tensors[0];
  return apply(
    concatOp,
    tensors.map((t) => cast(t, dtype)),
    { axis: at },
  );
}
