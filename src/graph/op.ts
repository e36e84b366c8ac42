// The op contract: everything that an op declares, in one place. The compiler, autodiff and the runtimes use ops only through it.
import type { Dtype, HostArray } from '../core/dtype.ts';
import type { Shape, StridedView } from '../core/shape.ts';
import type { Tensor } from './tensor.ts';

/** Shape and dtype. They are known before the tensor has a value. */
export interface TensorType {
  readonly shape: Shape;
  readonly dtype: Dtype;
}

/** Plain data only (numbers, strings, booleans, arrays of them): attributes are part of the cache key of a program. */
export type Attributes = object;

export interface VjpContext<A> {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** Gradient of the loss with respect to each output. Undefined if no gradient reaches it. */
  readonly cotangents: readonly (Tensor | undefined)[];
  /** Which inputs need a gradient. The rule may return undefined for the others. */
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
  /** Makes an array of zeros for an output. A write rounds to its dtype. Float64Array if the interpreter runs in f64. */
  readonly allocate: (dtype: Dtype, size: number) => HostArray;
}

/** Properties of a device that kernels depend on. CPU-implemented Vulkan (SwiftShader, llvmpipe) needs other kernels than a GPU. */
export interface Target {
  readonly processor: 'gpu' | 'cpu';
  /** Set if kernels are compiled to WebAssembly: a processor with caches and vectors of four, without lanes that share loads. */
  readonly compiler?: 'wasm';
  /** Estimated number of cores of a GPU (streaming multiprocessors, compute units), by its vendor. WebGPU does not report it. */
  readonly cores?: number;
  readonly subgroupSize: number | undefined;
  readonly shaderF16: boolean;
  readonly maxStorageBuffers: number;
  readonly maxWorkgroupsPerDimension: number;
  readonly maxBindingBytes: number;
  /**
   * Estimated operations of a dispatch from which on its kernel can run in parts, so that no submit takes seconds. Undefined means that no
   * kernel can.
   */
  readonly divisibleFrom?: number;
  /** Number of bytes that stay free after each intermediate, for guard zones in tests. @default 0 */
  readonly spareBytes?: number;
}

/**
 * A buffer that a dispatch binds: an input or output of the op, or a temporary of the plan. Later dispatches may read outputs and
 * temporaries.
 */
export type Operand =
  | { readonly kind: 'input'; readonly index: number }
  | { readonly kind: 'output'; readonly index: number }
  | { readonly kind: 'temporary'; readonly index: number };

/** The text of a kernel and its launch. */
export interface KernelVariant {
  /** Name in traces and profiles, such as `matmul_direct`. */
  readonly name: string;
  /** A whole WGSL module with entry point `main`, a uniform `params` at binding 0 and storage buffers from binding 1 on. */
  readonly source: string;
  /** The u32 fields of `Params`, in order. */
  readonly params: readonly number[];
  readonly workgroups: readonly [number, number, number];
}

export interface KernelDispatch extends KernelVariant {
  /** Buffers to bind at binding 1, 2, …. The written one comes last. */
  readonly operands: readonly Operand[];
  /** Estimated multiplications and additions, if they can take longer than moving the operands once. */
  readonly operations?: number;
  /** Other kernels with bit-identical results. The tuner may time them and use the fastest. */
  readonly alternatives?: Alternatives;
}

/** Variants with the operands and the bit-identical results of the dispatch: every sum has the same order, in tiles of any size. */
export interface Alternatives {
  /** Range of sizes that use the same choice, such as `512x128x1024`. */
  readonly bucket: string;
  /** Names of the variants. A stored choice is valid only for the same names. */
  readonly names: readonly string[];
  /**
   * Makes the variant with this number in `names`. Called only for a variant that is timed or launched, because making one takes about a
   * millisecond.
   */
  variant(number: number): KernelVariant;
}

export interface KernelPlan {
  readonly dispatches: readonly KernelDispatch[];
  readonly temporaries: readonly TensorType[];
}

export interface KernelContext<A> {
  readonly inputs: readonly TensorType[];
  /** Layout of each input in memory. Contiguous unless `acceptsView` returned true for another one. */
  readonly views: readonly StridedView[];
  readonly outputs: readonly TensorType[];
  readonly attributes: A;
  readonly target: Target;
}

export interface ElementwiseContext<A> {
  readonly attributes: A;
  readonly inputs: readonly TensorType[];
  readonly output: TensorType;
  /** WGSL u32 expression of this element's row-major position in the output. */
  readonly index: string;
}

export type Lowering<A> =
  /**
   * No computation: the output reads the first input's memory with other strides. Undefined if strides cannot express it; the input is then
   * copied first. Further inputs are not read but awaited: readers of the view are scheduled after them.
   */
  | { readonly kind: 'view'; view(input: StridedView, attributes: A, output: TensorType): StridedView | undefined }
  /**
   * One element from the elements at the same position: a WGSL expression of the named arguments (f32 for floats, i32, u32, bool). It may
   * call any function of shaders/math.wgsl, and those that its module provides (provideFunctions). The emitter includes what is called.
   */
  | { readonly kind: 'elementwise'; expression(args: readonly string[], context: ElementwiseContext<A>): string }
  /** Many elements to one along `axes`, which are removed from the shape. `merge` is a WGSL expression, associative up to rounding. */
  | {
      readonly kind: 'reduction';
      axes(attributes: A): readonly number[];
      /** WGSL value that leaves the other operand of `merge` unchanged. */
      identity(dtype: Dtype): string;
      merge(a: string, b: string): string;
      /**
       * For arg-reductions: `merge` is the bool expression "candidate b beats a". The lower index wins a tie, and the result is the index.
       */
      readonly tracksIndex?: boolean;
      /**
       * For norms: each invocation adds the squares of its items and takes the root. `merge` combines the roots of several invocations. If
       * the squares overflow or vanish, those of scaled items are added instead.
       */
      readonly ofSquares?: boolean;
    }
  /**
   * A kernel of the op's own. The last dispatch of a kernel with one output has an `// epilogue` block. The elementwise ops after it are
   * fused into the store of that block. `epilogue: false` declares that there is none.
   */
  | {
      readonly kind: 'kernel';
      readonly epilogue?: boolean;
      acceptsView?(input: number, view: StridedView): boolean;
      plan(context: KernelContext<A>): KernelPlan;
    }
  /** A value from outside of the graph: placeholders and constants. */
  | { readonly kind: 'leaf' };

/** One op of a function under vmap, to be applied to all rows at once. */
export interface BatchContext<A> {
  /** A mapped input has the mapped axis first. The others do not have it and are equal for every row. */
  readonly inputs: readonly Tensor[];
  /** Which inputs are mapped. At least one is. */
  readonly mapped: readonly boolean[];
  /** Size of the mapped axis. */
  readonly size: number;
  readonly attributes: A;
  /** Applies the op to other inputs and attributes. */
  readonly apply: (inputs: readonly Tensor[], attributes: A) => readonly Tensor[];
}

export interface OpDefinition<A extends Attributes = Attributes> {
  readonly name: string;
  /** Returns shape and dtype of each output. Throws the error that the user sees. */
  infer(inputs: readonly TensorType[], attributes: A): readonly TensorType[];
  /** Vector-Jacobian product, written in ops, so that gradients of gradients work. */
  readonly vjp: ((context: VjpContext<A>) => readonly (Tensor | undefined)[]) | 'nondifferentiable';
  /** The definition of the result: plain loops on the CPU that accumulate in f64. */
  reference(context: ReferenceContext<A>): readonly HostArray[];
  readonly lowering: Lowering<A>;
  /**
   * The rule for vmap. Returns the outputs of all rows, with the mapped axis first; an output without it is equal for every row.
   * Elementwise ops need no rule. Any other op without a rule is applied to one row at a time and its results are stacked: correct, but
   * with one kernel for each row. test/unit/vmapOps.test.ts lists those ops with a reason each.
   */
  batch?(context: BatchContext<A>): readonly Tensor[];
  /**
   * Replaces results of this op that are added, such as gradients of one tensor, by fewer terms with the same sum. Products of many pairs
   * of matrices become one product. All terms have one shape and dtype.
   */
  sum?(terms: readonly Tensor[]): readonly Tensor[];
  /**
   * Whether the value can be infinite or NaN at finite inputs: at a pole, outside the domain, or by overflow of an exponential or a power
   * above 2. Leave it out if it cannot. Overflow of products, squares and sums does not count.
   */
  unbounded?(inputs: readonly Tensor[], attributes: A): boolean;
  /**
   * For kernels that move or add elements: the value can be infinite or NaN if an input is. Elementwise ops, views and reductions need not
   * set it.
   */
  readonly passesInfinities?: true;
  /** Returns an equal, cheaper tensor (x for x + 0), or undefined. Called by the compiler's simplify pass. */
  simplify?(inputs: readonly Tensor[], attributes: A): Tensor | undefined;
  /** Returns the outputs as a composition of other ops if that is faster on this device, or undefined. Called before the simplify pass. */
  expand?(inputs: readonly Tensor[], attributes: A, target: Target): readonly Tensor[] | undefined;
  /**
   * Bytes that the composition of `expand` keeps in memory until the gradient is computed. They count for nodes whose outputs after the first
   * one are read: those outputs serve the gradient. The compiler expands the first nodes of a graph, as long as the sum is moderate.
   */
  keptBytes?(inputs: readonly TensorType[]): number;
}

/** Registers an op and returns its definition. @throws Error if the name is taken. */
export function defineOp<A extends Attributes>(definition: OpDefinition<A>): OpDefinition<A> {
  if (registry.has(definition.name)) throw new Error(`op ${definition.name} is defined twice`);
  registry.set(definition.name, definition as unknown as OpDefinition);
  return definition;
}

const registry = new Map<string, OpDefinition>();

/** Every op defined so far, by name. Tests use it. */
export const definedOps = (): ReadonlyMap<string, OpDefinition> => registry;
