// Elementwise primitives, with one record each. A record defines the op for one element, on the CPU and in WGSL, and its derivative. The
// loop, the checks and the cotangents are common. Primitives require equal shapes and dtypes; free functions broadcast and cast before.
import type { Dtype, HostArray } from '../../core/dtype.ts';
import { DtypeError, ShapeError } from '../../core/errors.ts';
import { formatShape, sameShape, sizeOf } from '../../core/shape.ts';
import { type OpDefinition, type ReferenceContext, type TensorType, defineOp } from '../../graph/op.ts';
import { type Tensor, apply } from '../../graph/tensor.ts';
import { type ValueType, valueType } from '../../wgsl/index.ts';
import { type DtypeRule, type TensorLike, lift, matchOperands } from '../operands/operands.ts';

export type Scalar = (a: number, b: number, c: number) => number;
/** All elements at once. */
export type Loop = (out: HostArray, a: HostArray, b: HostArray, c: HostArray) => void;
/** A WGSL expression of its arguments, which may call the functions of shaders/math.wgsl. */
export type Expression = (a: string, b: string, c: string) => string;
/** Returns the cotangent of one input, from the output's cotangent g, the output y and the inputs. */
export type Derivative = (g: Tensor, y: Tensor, a: Tensor, b: Tensor, c: Tensor) => Tensor;

export interface ElementwiseRow {
  readonly name: string;
  /** Number of inputs. */
  readonly arity: 1 | 2 | 3;
  /** Dtypes that the op computes in. The primitive throws for others; the free function casts. */
  readonly takes: DtypeRule;
  /** Dtype of the result. @default the dtype of the operands */
  readonly gives?: Dtype;
  /**
   * One element on the CPU, in f64. The cheapest ops have a loop instead, because a call for each element would cost several times the
   * work.
   */
  readonly scalar: Scalar | { readonly loop: Loop };
  /** One element of i32 or u32, if f64 arithmetic gives other results. The result wraps modulo 2^32. */
  readonly integer?: Scalar;
  /** One element on the GPU: one expression for all dtypes, or one for each type that the op takes. */
  readonly wgsl: Expression | { readonly [T in ValueType]?: Expression };
  /** Whether the value can be infinite or NaN at finite arguments: at a pole, outside the domain, by overflow. true: for all inputs. */
  readonly unbounded?: true | OpDefinition<object>['unbounded'];
  /**
   * One derivative per input, with its formula in a comment; 'zero' if the op is constant almost everywhere. A cotangent of 0 must give 0:
   * multiply by a slope with propagate(g, slope), and divide with quotientOrZero(g, divisor).
   */
  readonly derivatives: readonly Derivative[] | 'zero' | 'nondifferentiable';
  readonly simplify?: (inputs: readonly Tensor[]) => Tensor | undefined;
}

/** Defines the primitive of a record. */
export function defineElementwise(row: ElementwiseRow): OpDefinition<object> {
  const { name, arity, takes, gives, wgsl, derivatives } = row;
  const expressionFor = (dtype: Dtype): Expression | undefined => (typeof wgsl === 'function' ? wgsl : wgsl[valueType(dtype)]);
  return defineOp<object>({
    name,
    infer: (inputs) => {
      checkEqualTypes(name, inputs, arity);
      const { shape, dtype } = inputs[0];
      if (lift(dtype, takes) !== dtype || !expressionFor(dtype))
        throw new DtypeError(`${name}: does not take ${dtype}; cast(x, 'f32') first`);
      return [{ shape, dtype: gives ?? dtype }];
    },
    vjp:
      derivatives === 'nondifferentiable'
        ? derivatives
        : ({ inputs, outputs, cotangents: [g], needs }) =>
            inputs.map((_, i) =>
              derivatives === 'zero' || !needs[i] || !g ? undefined : derivatives[i](g, outputs[0], inputs[0], inputs[1], inputs[2]),
            ),
    reference: elementwiseLoop(arity, row.scalar, row.integer ?? row.scalar),
    lowering: {
      kind: 'elementwise',
      expression: ([a, b, c], { inputs }) => expressionFor(inputs[0].dtype)!(a, b, c),
    },
    unbounded: row.unbounded === true ? () => true : row.unbounded,
    simplify: row.simplify,
  });
}

function checkEqualTypes(name: string, inputs: readonly TensorType[], arity: number): void {
  if (inputs.length !== arity) throw new ShapeError(`${name}: takes ${arity} tensors, got ${inputs.length}`);
  for (const input of inputs) {
    if (input.dtype !== inputs[0].dtype)
      throw new DtypeError(`${name}: dtypes differ: ${inputs[0].dtype} and ${input.dtype}; cast one operand`);
    if (!sameShape(input.shape, inputs[0].shape)) {
      const shapes = inputs.map((t) => formatShape(t.shape)).join(' and ');
      throw new ShapeError(`${name}: shapes differ: ${shapes}; the primitive takes equal shapes, the function broadcasts`);
    }
  }
}

/** The reference of an op that computes each element separately. */
export function elementwiseLoop<A extends object>(
  arity: number,
  scalar: ElementwiseRow['scalar'],
  integer: ElementwiseRow['scalar'],
): (context: ReferenceContext<A>) => readonly HostArray[] {
  const [ofFloats, ofIntegers] = [scalar, integer].map((given) => (typeof given === 'function' ? callEach(arity, given) : given.loop));
  return ({ inputs, outputs: [type], allocate }) => {
    const out = allocate(type.dtype, sizeOf(type.shape));
    const [a, b = a, c = a] = inputs;
    const loop = a.dtype === 'i32' || a.dtype === 'u32' ? ofIntegers : ofFloats;
    loop(out, a.data, b.data, c.data);
    return [out];
  };
}

function callEach(arity: number, scalar: Scalar): Loop {
  return (out, a, b, c) => {
    const n = out.length;
    if (arity === 1) for (let i = 0; i < n; i++) out[i] = scalar(a[i], 0, 0);
    else if (arity === 2) for (let i = 0; i < n; i++) out[i] = scalar(a[i], b[i], 0);
    else for (let i = 0; i < n; i++) out[i] = scalar(a[i], b[i], c[i]);
  };
}

/** Defines an op with one input: its primitive and its free function. */
export function unary(row: Omit<ElementwiseRow, 'arity'>): (x: TensorLike) => Tensor {
  const op = defineElementwise({ ...row, arity: 1 });
  return (x) => apply(op, matchOperands(row.name, [x], row.takes), {});
}

/** Defines an op with two inputs: its primitive and its free function, which broadcasts. */
export function binary(row: Omit<ElementwiseRow, 'arity'>): (a: TensorLike, b: TensorLike) => Tensor {
  const op = defineElementwise({ ...row, arity: 2 });
  return (a, b) => apply(op, matchOperands(row.name, [a, b], row.takes), {});
}
