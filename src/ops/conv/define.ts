// A convolution is linear in its input and in its filter, and so are its gradients. It has three primitives, and each is the gradient of
// the others, so gradients of gradients work. A record holds the differences between the convolutions.
import type { HostArray } from '../../core/dtype.ts';
import { type Shape, sizeOf } from '../../core/shape.ts';
import {
  type BatchContext,
  type KernelPlan,
  type OpDefinition,
  type ReferenceContext,
  type Target,
  type TensorType,
  defineOp,
} from '../../graph/op.ts';
import { type Tensor, apply } from '../../graph/tensor.ts';
import { type Windows, axesOf } from './extent.ts';
import { checkFloats } from './floats.ts';

/** Attributes of the gradient with respect to the input. The output does not determine the input's size. */
type OfInput<A> = A & { readonly input: Shape };

/** Writes a result from the two operands: the output from (x, filter), the input's gradient from (dy, filter), the filter's from (x, dy). */
type Write<S> = (a: HostArray, b: HostArray, result: HostArray, sizes: S) => void;

type Batch<A> = <B extends A>(context: BatchContext<B>) => readonly Tensor[];

/** Differences of one convolution. A: its attributes; F: the attributes of its filter gradient; S: all sizes. */
interface ConvolutionRow<A extends Windows, F extends A, S> {
  readonly name: string;
  /** Extracts the attributes of the convolution from those of a gradient. */
  readonly own: (attributes: A) => A;
  /** Shape of the output. Throws the user-facing errors. */
  readonly outputShape: (x: Shape, filter: Shape, attributes: A) => Shape;
  /** Number of input channels that fit the filter. */
  readonly inputChannels: (filter: Shape, attributes: A) => number;
  /** Attributes of the filter gradient that x and dy do not determine, and its shape. */
  readonly filterAttributes: (own: A, filter: Shape) => F;
  readonly filterShape: (x: Shape, dy: Shape, attributes: F) => Shape;
  readonly sizes: (x: Shape, filter: Shape, y: Shape, attributes: A) => S;
  readonly references: { readonly output: Write<S>; readonly input: Write<S>; readonly filter: Write<S> };
  readonly plans: { readonly [of in 'output' | 'input' | 'filter']: (sizes: S, result: TensorType, target: Target) => KernelPlan };
  /** Rules for vmap: one for the convolution and its input gradient, one for its filter gradient. */
  readonly batch: { readonly images: Batch<A>; readonly filter: Batch<A> };
}

export interface Convolution<A extends Windows> {
  readonly op: OpDefinition<A>;
  readonly inputGradientOp: OpDefinition<OfInput<A>>;
}

export function defineConvolution<A extends Windows, F extends A, S>(row: ConvolutionRow<A, F, S>): Convolution<A> {
  const { name, own, sizes, references, plans, batch } = row;
  const written = ({ inputs: [a, b], outputs: [result], allocate }: ReferenceContext<A>, write: Write<S>, all: S): HostArray[] => {
    const out = allocate(result.dtype, sizeOf(result.shape));
    write(a.data, b.data, out, all);
    return [out];
  };

  // x [B, ..axes, C], filter -> y
  const op: OpDefinition<A> = defineOp<A>({
    name,
    infer: ([x, filter], attributes) => {
      const dtype = checkFloats(name, [x, filter]);
      return [{ shape: row.outputShape(x.shape, filter.shape, attributes), dtype }];
    },
    batch: batch.images,
    // y = x * f:  dx adds dy to the windows, df correlates x with dy
    vjp: ({ inputs: [x, filter], cotangents: [g], needs, attributes }) => [
      needs[0] && g ? apply(inputGradientOp, [g, filter], { ...attributes, input: axesOf(x.shape) }) : undefined,
      needs[1] && g ? apply(filterGradientOp, [x, g], row.filterAttributes(attributes, filter.shape)) : undefined,
    ],
    reference: (context) => {
      const { inputs: [x, filter], outputs: [y], attributes } = context; // prettier-ignore
      return written(context, references.output, sizes(x.shape, filter.shape, y.shape, attributes));
    },
    lowering: {
      kind: 'kernel',
      plan: ({ inputs: [x, filter], outputs: [y], attributes, target }) =>
        plans.output(sizes(x.shape, filter.shape, y.shape, attributes), y, target),
    },
  });

  // dy, filter -> dx [B, ..axes, C]
  const inputGradientOp: OpDefinition<OfInput<A>> = defineOp<OfInput<A>>({
    name: `${name}InputGradient`,
    infer: ([dy, filter], attributes) => [
      {
        shape: [dy.shape[0], ...attributes.input, row.inputChannels(filter.shape, attributes)],
        dtype: checkFloats(`${name}InputGradient`, [dy, filter]),
      },
    ],
    batch: batch.images,
    // Linear in dy and in f. With u the cotangent of dx:  d(dy) = u * f,  df correlates u with dy
    vjp: ({ inputs: [dy, filter], cotangents: [u], needs, attributes }) => [
      needs[0] && u ? apply(op, [u, filter], own(attributes)) : undefined,
      needs[1] && u ? apply(filterGradientOp, [u, dy], row.filterAttributes(own(attributes), filter.shape)) : undefined,
    ],
    reference: (context) => {
      const { inputs: [dy, filter], outputs: [dx], attributes } = context; // prettier-ignore
      return written(context, references.input, sizes(dx.shape, filter.shape, dy.shape, attributes));
    },
    lowering: {
      kind: 'kernel',
      plan: ({ inputs: [dy, filter], outputs: [dx], attributes, target }) =>
        plans.input(sizes(dx.shape, filter.shape, dy.shape, attributes), dx, target),
    },
  });

  // x, dy -> df
  const filterGradientOp: OpDefinition<F> = defineOp<F>({
    name: `${name}FilterGradient`,
    infer: ([x, dy], attributes) => [
      { shape: row.filterShape(x.shape, dy.shape, attributes), dtype: checkFloats(`${name}FilterGradient`, [x, dy]) },
    ],
    batch: batch.filter,
    // Linear in x and in dy. With u the cotangent of df:  dx adds dy weighted by u,  d(dy) = x * u
    vjp: ({ inputs: [x, dy], cotangents: [u], needs, attributes }) => [
      needs[0] && u ? apply(inputGradientOp, [dy, u], { ...own(attributes), input: axesOf(x.shape) }) : undefined,
      needs[1] && u ? apply(op, [x, u], own(attributes)) : undefined,
    ],
    reference: (context) => {
      const { inputs: [x, dy], outputs: [df], attributes } = context; // prettier-ignore
      return written(context, references.filter, sizes(x.shape, df.shape, dy.shape, attributes));
    },
    lowering: {
      kind: 'kernel',
      plan: ({ inputs: [x, dy], outputs: [df], attributes, target }) =>
        plans.filter(sizes(x.shape, df.shape, dy.shape, attributes), df, target),
    },
  });
  return { op, inputGradientOp };
}

/**
 * Makes the three references from one loop that calls visit(element of x, of the filter, of y) for every product of the convolution. Sums
 * are f64.
 */
export function referencesBy<S>(
  forEachProduct: (sizes: S, visit: (x: number, filter: number, y: number) => void) => void,
): ConvolutionRow<Windows, Windows, S>['references'] {
  const summed = (result: HostArray, fill: (sums: Float64Array) => void): void => {
    const sums = new Float64Array(result.length);
    fill(sums);
    result.set(sums);
  };
  return {
    output: (x, filter, y, sizes) => summed(y, (sums) => forEachProduct(sizes, (i, k, o) => (sums[o] += x[i] * filter[k]))),
    input: (dy, filter, dx, sizes) => summed(dx, (sums) => forEachProduct(sizes, (i, k, o) => (sums[i] += dy[o] * filter[k]))),
    filter: (x, dy, df, sizes) => summed(df, (sums) => forEachProduct(sizes, (i, k, o) => (sums[k] += x[i] * dy[o]))),
  };
}
