// Systems of linear equations: general ones by LU factorization with partial pivoting, triangular ones by substitution; and inverses.
import { ShapeError, checkOptions } from '../../core/errors.ts';
import { type Shape, broadcastShapes, formatShape, sizeOf } from '../../core/shape.ts';
import { type OpDefinition, defineOp } from '../../graph/op.ts';
import { type Tensor, apply } from '../../graph/tensor.ts';
import { checkFlag, checkTensor } from '../operands/arguments.ts';
import { neg } from '../elementwise/arithmetic.ts';
import { foldIntoBatch } from '../batching/batching.ts';
import { cast } from '../elementwise/cast.ts';
import { eye, triL, triU } from '../create/create.ts';
import { checkSquare, matricesOf } from './matrixOperands.ts';
import { factorize, factorsOf, input, output, solveDispatches, temporaries, triangularDispatch } from './plan.ts';
import { factorizeMatrix, solveFactors, solveTriangle } from './reference.ts';
import { matmul } from '../matmul/matmul.ts';
import { operand } from '../operands/operands.ts';
import { broadcastTo, expandDims, reshape, squeeze, transpose } from '../shape/shape.ts';

const turned = (x: Tensor): Tensor => transpose(x, [0, 2, 1]);

/** a f32 [count, n, n], b f32 [count, n, m] -> x [count, n, m] with a x = b */
const solveOp: OpDefinition<object> = defineOp<object>({
  name: 'solve',
  infer: ([, b]) => [{ shape: b.shape, dtype: 'f32' }],
  batch: foldIntoBatch,
  // x = A^-1 b:  db = A^-T dx,  dA = -db x^T
  vjp: ({ inputs: [a], outputs: [x], cotangents: [g], needs }) => {
    if (!g) return [undefined, undefined];
    const db = apply(solveOp, [turned(a), g], {});
    return [needs[0] ? neg(matmul(db, turned(x))) : undefined, db];
  },
  reference: ({ inputs: [a, b], allocate }) => {
    const [count, n, m] = b.shape;
    const out = allocate('f32', count * n * m);
    for (let i = 0; i < count; i++) out.set(solveFactors(factorizeMatrix(a.data, i * n * n, n), b.data, i * n * m, m), i * n * m);
    return [out];
  },
  lowering: {
    kind: 'kernel',
    epilogue: false,
    plan: ({ inputs: [, { shape }], target }) => {
      const [count, n, m] = shape;
      const { list, make } = temporaries();
      const [factors, between] = [make([count, factorsOf(n)]), make(shape)];
      const dispatches = [
        factorize([count, n], false, [input(0), factors], target),
        ...solveDispatches([count, n, m], { factors, b: input(1), between, x: output(0) }, target),
      ];
      return { dispatches, temporaries: list };
    },
  },
});

interface TriangularAttributes {
  readonly lower: boolean;
  readonly transposed: boolean;
  readonly unit: boolean;
}

/** t f32 [count, n, n], b f32 [count, n, m] -> x [count, n, m] with t x = b, or t^T x = b; the other triangle of t is not read */
const triangularSolveOp: OpDefinition<TriangularAttributes> = defineOp<TriangularAttributes>({
  name: 'triangularSolve',
  infer: ([, b]) => [{ shape: b.shape, dtype: 'f32' }],
  batch: foldIntoBatch,
  // x = T^-1 b:  db = T^-T dx,  dT = -db x^T, within the triangle; of T^T x = b it is the transpose, -x db^T
  vjp: ({ inputs: [t], outputs: [x], cotangents: [g], needs, attributes }) => {
    if (!g) return [undefined, undefined];
    const { lower, transposed, unit } = attributes;
    const db = apply(triangularSolveOp, [t, g], { ...attributes, transposed: !transposed });
    const dt = (): Tensor => {
      const whole = neg(transposed ? matmul(x, turned(db)) : matmul(db, turned(x)));
      const k = unit ? 1 : 0;
      return lower ? triL(whole, { k: -k }) : triU(whole, { k });
    };
    return [needs[0] ? dt() : undefined, db];
  },
  reference: ({ inputs: [t, b], attributes, allocate }) => {
    const [count, n, m] = b.shape;
    const x = Float64Array.from(b.data);
    for (let i = 0; i < count; i++) {
      const triangle = { data: t.data, start: i * n * n, n };
      for (let column = 0; column < m; column++) solveTriangle(triangle, attributes, x, i * n * m + column, m);
    }
    const out = allocate('f32', x.length);
    out.set(x);
    return [out];
  },
  lowering: {
    kind: 'kernel',
    epilogue: false,
    plan: ({ inputs: [, { shape }], attributes, target }) => {
      const [count, n, m] = shape;
      const system = { count, n, m, stride: n * n, ...attributes };
      return { dispatches: [triangularDispatch(system, [input(0), input(1), output(0)], target)], temporaries: [] };
    },
  },
});

/** The triangular systems t x = b of stacks of matrices, for gradients of factorizations. */
export const solveTriangles = (t: Tensor, b: Tensor, attributes: TriangularAttributes): Tensor =>
  apply(triangularSolveOp, [t, b], attributes);

/** Reshapes matrices and right-hand sides to stacks of one length, and returns the inverse reshape. */
function systemsOf(op: string, a: Tensor, b: Tensor): { a: Tensor; b: Tensor; restore: (x: Tensor) => Tensor } {
  const matrices = checkSquare(op, 'a', a);
  const given = operand(op, checkTensor(op, 'b', b), 'float');
  const n = matrices.shape[matrices.rank - 1];
  const isVector = given.rank === 1;
  const columns = isVector ? expandDims(given, 1) : given;
  if (columns.rank < 2 || columns.shape[columns.rank - 2] !== n) {
    throw new ShapeError(
      `${op}: a is ${formatShape(matrices.shape)}, b is ${formatShape(given.shape)}; b must be [${n}] or [.., ${n}, m], reshape it`,
    );
  }
  const m = columns.shape[columns.rank - 1];
  const batch: Shape = broadcastShapes(op, matrices.shape.slice(0, -2), columns.shape.slice(0, -2));
  const count = sizeOf(batch);
  const stacked = (x: Tensor, rows: number, width: number): Tensor =>
    cast(reshape(broadcastTo(x, [...batch, rows, width]), [count, rows, width]), 'f32');
  const dtype = matrices.dtype === 'f16' && given.dtype === 'f16' ? 'f16' : 'f32';
  return {
    a: stacked(matrices, n, n),
    b: stacked(columns, n, m),
    restore: (x) => {
      const whole = cast(reshape(x, [...batch, n, m]), dtype);
      return isVector ? squeeze(whole, -1) : whole;
    },
  };
}

/**
 * The x with a x = b, by LU factorization with partial pivoting. All elements are NaN if a matrix is singular: a pivot is exactly 0.
 * Leading axes broadcast. It is faster and more accurate than multiplying by inverse(a).
 *
 * a [.., n, n], b [.., n, m] or a vector [n] -> x [.., n, m] or [.., n]. Made for n up to about 64 and many matrices. Integers become f32.
 * @throws ShapeError if a is not a square matrix or b does not fit it. (numpy.linalg.solve.)
 *
 *     solve(tensor([[2, 0], [1, 1]]), tensor([4, 5]))   // [2, 3]
 */
export function solve(a: Tensor, b: Tensor): Tensor {
  const systems = systemsOf('solve', a, b);
  return systems.restore(apply(solveOp, [systems.a, systems.b], {}));
}

/**
 * Inverses of square matrices, by LU factorization with partial pivoting. All elements are NaN if a matrix is singular: a pivot is exactly
 * 0.
 *
 * x [.., n, n] -> float [.., n, n]. Made for n up to about 64 and many matrices. Integers become f32.
 * @throws ShapeError if x is not a square matrix. (numpy.linalg.inv.)
 *
 *     inverse(tensor([[2, 0], [0, 4]]))   // [[0.5, 0], [0, 0.25]]
 */
export function inverse(x: Tensor): Tensor {
  const { stacked, batch, n, dtype } = matricesOf('inverse', x);
  return cast(reshape(apply(solveOp, [stacked, broadcastTo(eye(n), stacked.shape)], {}), [...batch, n, n]), dtype);
}

export interface TriangularSolveOptions {
  /**
   * Whether to use the lower triangle of a instead of the upper one.
   * @default true
   */
  readonly lower?: boolean;
  /**
   * Whether to solve with the transposed triangle.
   * @default false
   */
  readonly transpose?: boolean;
  /**
   * Whether to treat the diagonal as ones, without reading it.
   * @default false
   */
  readonly unitDiagonal?: boolean;
}

/**
 * The x with a x = b for triangular matrices, by substitution. The other triangle of a is not read. All elements are NaN if the diagonal
 * has a 0. Leading axes broadcast.
 *
 * a [.., n, n], b [.., n, m] or a vector [n] -> x [.., n, m] or [.., n]. Made for n up to about 64 and many matrices. Integers become f32.
 * @throws ShapeError if a is not a square matrix or b does not fit it, ArgumentError for an option that is neither true nor false.
 * (torch.linalg.solve_triangular.)
 *
 *     triangularSolve(tensor([[2, 0], [1, 1]]), tensor([4, 5]))                        // [2, 3]
 *     triangularSolve(cholesky(a), b, { transpose: true })
 */
export function triangularSolve(a: Tensor, b: Tensor, options: TriangularSolveOptions = {}): Tensor {
  const op = 'triangularSolve';
  checkOptions(op, options, ['lower', 'transpose', 'unitDiagonal']);
  const { lower = true, transpose: transposed = false, unitDiagonal = false } = options;
  checkFlag(op, 'lower', lower);
  checkFlag(op, 'transpose', transposed);
  checkFlag(op, 'unitDiagonal', unitDiagonal);
  const systems = systemsOf(op, a, b);
  return systems.restore(solveTriangles(systems.a, systems.b, { lower, transposed, unit: unitDiagonal }));
}
