// The op contract: what an op states about itself, in one place. The compiler, autodiff and the runtimes know ops only through it.
import type { Dtype, HostArray } from '../core/dtype.ts';
import type { Shape, StridedView } from '../core/shape.ts';
import type { Tensor } from './tensor.ts';

/** What is known of a tensor before it has a value. */
export interface TensorType {
  readonly shape: Shape;
  readonly dtype: Dtype;
}

/** Plain data only (numbers, strings, booleans, arrays of them): attributes are part of the cache key of a program. */
export type Attributes = object;

export interface VjpContext<A> {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** Gradient of the loss with respect to each output; undefined where nothing flows back. */
  readonly cotangents: readonly (Tensor | undefined)[];
  /** Which inputs want a gradient; the others may be left undefined. */
  readonly needs: readonly boolean[];
  readonly attributes: A;
}

export interface HostTensor extends TensorType {
  /** Row-major and contiguous. */
  readonly data: HostArray;
}

export interface ReferenceContext<A> {
  readonly inputs: readonly HostTensor[];
  readonly outputs: readonly TensorType[];
  readonly attributes: A;
  /** A zeroed array for an output: rounding happens when it is written. Float64Array when the interpreter runs in f64. */
  readonly allocate: (dtype: Dtype, size: number) => HostArray;
}

/** What a kernel may count on. CPU-implemented Vulkan (SwiftShader, llvmpipe) wants other kernels than a GPU. */
export interface Target {
  readonly processor: 'gpu' | 'cpu';
  /** Estimated number of cores of a GPU (streaming multiprocessors, compute units), by its vendor. WebGPU does not report it. */
  readonly cores?: number;
  readonly subgroupSize: number | undefined;
  readonly shaderF16: boolean;
  readonly maxStorageBuffers: number;
  readonly maxWorkgroupsPerDimension: number;
  readonly maxBindingBytes: number;
  /** Number of bytes that stay free after each intermediate, for guard zones in tests. @default 0 */
  readonly spareBytes?: number;
}

/** A buffer a dispatch binds: the op's own input or output, or a temporary of the plan. Outputs and temporaries may be read back by later dispatches. */
export type Operand =
  | { readonly kind: 'input'; readonly index: number }
  | { readonly kind: 'output'; readonly index: number }
  | { readonly kind: 'temporary'; readonly index: number };

/** A text and how to launch it. */
export interface KernelVariant {
  /** Told in traces and profiles, such as `matmul_direct`. */
  readonly name: string;
  /** A whole WGSL module with entry point `main`, a uniform `params` at binding 0 and storage buffers from binding 1 on. */
  readonly source: string;
  /** The u32 fields of `Params`, in order. */
  readonly params: readonly number[];
  readonly workgroups: readonly [number, number, number];
}

export interface KernelDispatch extends KernelVariant {
  /** What to bind at binding 1, 2, …; what it writes comes last. */
  readonly operands: readonly Operand[];
  /** What else does the same work; which is fastest is for the device to say. */
  readonly alternatives?: Alternatives;
}

/** Variants over the operands of the dispatch that write the same bits: every sum in the same order, whatever the tile. */
export interface Alternatives {
  /** Names the range of sizes within which one choice serves, such as `512x128x1024`. */
  readonly bucket: string;
  /** Names of the variants: what was found among others is not asked any more. */
  readonly names: readonly string[];
  /** The one of that number among the names: written only where it is timed or launched, and one text is a millisecond's work. */
  variant(number: number): KernelVariant;
}

export interface KernelPlan {
  readonly dispatches: readonly KernelDispatch[];
  readonly temporaries: readonly TensorType[];
}

export interface KernelContext<A> {
  readonly inputs: readonly TensorType[];
  /** How each input lies in memory: contiguous unless `acceptsView` said yes to something else. */
  readonly views: readonly StridedView[];
  readonly outputs: readonly TensorType[];
  readonly attributes: A;
  readonly target: Target;
}

export interface ElementwiseContext<A> {
  readonly attributes: A;
  readonly inputs: readonly TensorType[];
  readonly output: TensorType;
  /** WGSL u32 expression: this element's row-major position in the output. */
  readonly index: string;
}

export type Lowering<A> =
  /**
   * No work: the output is a window onto the first input's memory; undefined where strides cannot express it (the input is then copied first).
   * Further inputs are not read but awaited: what reads the view is scheduled behind them.
   */
  | { readonly kind: 'view'; view(input: StridedView, attributes: A, output: TensorType): StridedView | undefined }
  /**
   * One element from the elements at the same place: a WGSL expression of the named arguments (f32 for floats, i32, u32, bool).
   * It may call any function of shaders/math.wgsl and shaders/random.wgsl; the emitter includes what is called.
   */
  | { readonly kind: 'elementwise'; expression(args: readonly string[], context: ElementwiseContext<A>): string }
  /** Many elements to one along `axes`, which leave the shape. `merge` is a WGSL expression, associative up to rounding. */
  | {
      readonly kind: 'reduction';
      axes(attributes: A): readonly number[];
      /** WGSL value that leaves the other operand of `merge` unchanged. */
      identity(dtype: Dtype): string;
      merge(a: string, b: string): string;
      /** arg-reductions: `merge` is then the bool expression "candidate b beats a", ties go to the lower index, the result is that index. */
      readonly tracksIndex?: boolean;
      /**
       * Norms: an invocation adds up the squares of its items and takes the root, which `merge` then brings together with those of others. Where the
       * squares overflow or vanish, it adds up those of scaled items.
       */
      readonly ofSquares?: boolean;
    }
  /**
   * A WGSL kernel of its own. The last dispatch of a kernel with one output has an `// epilogue` block, into whose store the elementwise ops
   * behind it are fused; `epilogue: false` says that it has none.
   */
  | {
      readonly kind: 'kernel';
      readonly epilogue?: boolean;
      acceptsView?(input: number, view: StridedView): boolean;
      plan(context: KernelContext<A>): KernelPlan;
    }
  /** Has a value from outside: placeholders, constants. */
  | { readonly kind: 'leaf' };

/** One op of a function under vmap: what it does to every row of its mapped inputs at once. */
export interface BatchContext<A> {
  /** Mapped inputs carry the mapped axis in front; the others are the same for every row and do not have it. */
  readonly inputs: readonly Tensor[];
  /** Which inputs are mapped: one at least. */
  readonly mapped: readonly boolean[];
  /** Size of the mapped axis. */
  readonly size: number;
  readonly attributes: A;
  /** The op itself, over other inputs and attributes. */
  readonly apply: (inputs: readonly Tensor[], attributes: A) => readonly Tensor[];
}

export interface OpDefinition<A extends Attributes = Attributes> {
  readonly name: string;
  /** Shape and dtype of each output; throws the error that the user sees. */
  infer(inputs: readonly TensorType[], attributes: A): readonly TensorType[];
  /** Vector-Jacobian product in terms of other ops, so that gradients of gradients work. */
  readonly vjp: ((context: VjpContext<A>) => readonly (Tensor | undefined)[]) | 'nondifferentiable';
  /** What the op means: plain loops on the CPU, accumulating in f64. */
  reference(context: ReferenceContext<A>): readonly HostArray[];
  readonly lowering: Lowering<A>;
  /**
   * The rule for vmap: the outputs of all rows, with the mapped axis in front (an output without it is the same for every row). Elementwise ops
   * need none. An op without a rule is applied row by row and its results are stacked: right, at the price of a kernel for each row. Those that
   * have none stand in test/unit/vmapOps.test.ts, each with its reason.
   */
  batch?(context: BatchContext<A>): readonly Tensor[];
  /**
   * Results of this op that are about to be added up, as gradients of one tensor are, made fewer: products of many pairs of matrices are one product.
   * All have one shape and dtype. What is given back has the same sum.
   */
  sum?(terms: readonly Tensor[]): readonly Tensor[];
  /**
   * Whether the value can be infinite or NaN at finite inputs: at a pole, outside the domain, by overflow of an exponential or a power above 2.
   * Absent where it cannot, and in products, squares and sums, whose overflow is not counted.
   */
  unbounded?(inputs: readonly Tensor[], attributes: A): boolean;
  /**
   * Kernels that move or add up elements: the value can be infinite or NaN where an input is. Elementwise ops, views and reductions need not
   * say so.
   */
  readonly passesInfinities?: true;
  /** An equal, cheaper tensor (x + 0 is x), or undefined. Called by the compiler's simplify pass. */
  simplify?(inputs: readonly Tensor[], attributes: A): Tensor | undefined;
}

/** Checks a definition's completeness at definition time and gives it back with its type. */
export function defineOp<A extends Attributes>(definition: OpDefinition<A>): OpDefinition<A> {
  if (registry.has(definition.name)) throw new Error(`op ${definition.name} is defined twice`);
  registry.set(definition.name, definition as unknown as OpDefinition);
  return definition;
}

const registry = new Map<string, OpDefinition>();

/** Every op defined so far, by name: for tests and for the table of ops in the README. */
export const definedOps = (): ReadonlyMap<string, OpDefinition> => registry;
