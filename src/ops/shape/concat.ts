// Joining tensors along an axis.
import { ArgumentError, DtypeError, ShapeError } from '../../core/errors.ts';
import { formatShape, normalizeAxis, sizeOf } from '../../core/shape.ts';
import { type Dtype, promote } from '../../core/dtype.ts';
import { type TensorType, defineOp } from '../../graph/op.ts';
import { type Tensor, apply } from '../../graph/tensor.ts';
import { gridOf, lanesFor, runOf } from '../../graph/workgroups.ts';
import concatSource from '../../../shaders/concat.wgsl?raw';
import { type FilledKernel, type KernelFile, computeType, fillKernel, ofLanes, storageType } from '../../wgsl/index.ts';
import { checkTensor, inWords } from '../operands/arguments.ts';
import { spreadInputs } from '../batching/batching.ts';
import { cast } from '../elementwise/cast.ts';
import { sliceAxis } from './slice.ts';

const concatKernel: KernelFile = { name: 'concat', text: concatSource };

/** Maximum number of inputs of one kernel. With the result, every device can bind this many buffers. */
const maxInputs = 7;

/** Number of elements of each input per step along the axis before the concatenation axis. */
const rowsOf = (inputs: readonly TensorType[], axis: number): number[] => inputs.map(({ shape }) => sizeOf(shape.slice(axis)));

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
  // Each input gets its own window of dy.
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
    let start = 0;
    rowsOf(inputs, axis).forEach((size, k) => {
      if (size === 0) return;
      for (let from = 0, to = start; from < inputs[k].data.length; from += size, to += stride)
        out.set(inputs[k].data.subarray(from, from + size), to);
      start += size;
    });
    return [out];
  },
  passesInfinities: true,
  lowering: {
    kind: 'kernel',
    plan: ({ inputs, outputs: [y], attributes: { axis }, target }) => {
      const rows = rowsOf(inputs, axis);
      const lanes = lanesFor(sizeOf(y.shape), target, rows);
      const size = sizeOf(y.shape) / lanes;
      const run = runOf(size, target);
      return {
        dispatches: [
          {
            name: 'concat',
            ...kernelFor(y.dtype, lanes, { size, run, row: sizeOf(y.shape.slice(axis)) / lanes }, rows),
            operands: [...inputs.map((_, index) => ({ kind: 'input', index }) as const), { kind: 'output', index: 0 }],
            workgroups: gridOf(Math.ceil(size / (run * 64)), target),
          },
        ],
        temporaries: [],
      };
    },
  },
  simplify: (inputs) => (inputs.length === 1 ? inputs[0] : undefined),
});

/** Returns the kernel for inputs whose rows have these sizes, and for elements of `lanes` neighbours. */
function kernelFor(
  dtype: Dtype,
  lanes: 1 | 4,
  params: { readonly size: number; readonly run: number; readonly row: number },
  sizes: readonly number[],
): FilledKernel {
  const count = sizes.length;
  const each = Array.from({ length: count }, (_, k) => k);
  const inputs = [
    `struct Params { size: u32, run: u32, row: u32, ${each.map((k) => `size${k}: u32`).join(', ')} }`,
    '@group(0) @binding(0) var<uniform> params: Params;',
    ...each.map((k) => `@group(0) @binding(${k + 1}) var<storage, read> x${k}: array<Element>;`),
  ];
  const pick = [
    'fn pick(row: u32, column: u32) -> Element {',
    '  var at = column;',
    ...each
      .slice(0, -1)
      .flatMap((k) => [`  if (at < params.size${k}) { return x${k}[row * params.size${k} + at]; }`, `  at -= params.size${k};`]),
    `  return x${count - 1}[row * params.size${count - 1} + at];`,
    '}',
  ];
  const { aliases, blocks } = ofLanes(concatKernel, lanes, storageType(dtype), computeType(dtype), { resultBinding: count + 1 });
  return fillKernel(concatKernel, {
    aliases,
    blocks: { ...blocks, inputs: inputs.join('\n'), pick: pick.join('\n') },
    ...(lanes === 1 && { bindings: { result: count + 1 } }),
    params: { ...params, ...Object.fromEntries(each.map((k) => [`size${k}`, sizes[k] / lanes])) },
  });
}

/** Checks the argument of ops that take several tensors. */
export function checkList(op: string, tensors: unknown): void {
  if (!Array.isArray(tensors) || tensors.length === 0) {
    const what = Array.isArray(tensors) ? 'an empty list' : inWords(tensors);
    throw new ArgumentError(`${op}: takes a list of at least one tensor, got ${what}`);
  }
  tensors.forEach((tensor, i) => checkTensor(op, `element ${i} of the list`, tensor));
}

/**
 * Concatenates tensors along an axis.
 *
 * [.., Nᵢ, ..] -> [.., Σ Nᵢ, ..]. Dtypes promote.
 * @throws ArgumentError for an empty list, ShapeError if other axes differ.
 *
 *     concat([zeros([2, 3]), ones([1, 3])], 0)   // [3,3]
 */
export function concat(tensors: readonly Tensor[], axis = 0): Tensor {
  checkList('concat', tensors);
  const dtype = tensors.map((t) => t.dtype).reduce((a, b) => promote('concat', a, b));
  const at = normalizeAxis('concat', axis, tensors[0].rank);
  return join(
    tensors.map((t) => cast(t, dtype)),
    at,
  );
}

/** Concatenates many tensors in groups, then the groups. */
function join(tensors: readonly Tensor[], axis: number): Tensor {
  if (tensors.length === 1) return tensors[0];
  if (tensors.length <= maxInputs) return apply(concatOp, tensors, { axis });
  // Checks all tensors together, so that an error names all shapes.
  concatOp.infer(tensors, { axis });
  // Computed by a loop: log(343) / log(7) is slightly more than 3 in floats, and one group with all tensors would never end.
  let size = maxInputs;
  while (size * maxInputs < tensors.length) size *= maxInputs;
  const groups = Array.from({ length: Math.ceil(tensors.length / size) }, (_, i) => tensors.slice(i * size, (i + 1) * size));
  return join(
    groups.map((group) => join(group, axis)),
    axis,
  );
}
