// Factorization and solving of small matrices on the GPU. A GPU uses a workgroup per matrix. A CPU-implemented device, whose barriers are
// slow, uses an invocation per matrix.
import type { Shape } from '../../core/shape.ts';
import type { KernelDispatch, Operand, Target, TensorType } from '../../graph/op.ts';
import { gridOf } from '../../graph/workgroups.ts';
import choleskySource from '../../../shaders/cholesky.wgsl?raw';
import cofactorsSource from '../../../shaders/cofactors.wgsl?raw';
import determinantSource from '../../../shaders/determinant.wgsl?raw';
import luSource from '../../../shaders/lu.wgsl?raw';
import solveSource from '../../../shaders/triangularSolve.wgsl?raw';
import { type Filling, type KernelFile, fillKernel } from '../../wgsl/index.ts';

const luKernel: KernelFile = { name: 'lu', text: luSource };
const choleskyKernel: KernelFile = { name: 'cholesky', text: choleskySource };
const determinantKernel: KernelFile = { name: 'determinant', text: determinantSource };
const solveKernel: KernelFile = { name: 'triangularSolve', text: solveSource };
const cofactorsKernel: KernelFile = { name: 'cofactors', text: cofactorsSource };

export const input = (index: number): Operand => ({ kind: 'input', index });
export const output = (index: number): Operand => ({ kind: 'output', index });

/** Collects the temporaries of a plan. */
export function temporaries(): { readonly list: TensorType[]; readonly make: (shape: Shape) => Operand } {
  const list: TensorType[] = [];
  return { list, make: (shape) => ({ kind: 'temporary', index: list.push({ shape, dtype: 'f32' }) - 1 }) };
}

/** WGSL for one matrix per invocation instead of one per workgroup. */
const alone = `const lanes = 1u;
fn matrixOf(group: u32, local: u32) -> u32 { return group * 64u + local; }
fn laneOf(local: u32) -> u32 { return 0u; }
fn synchronize() {}`;

const teamOf = ({ processor }: Target): Pick<Filling, 'blocks'> => (processor === 'gpu' ? {} : { blocks: { team: alone } });

const teamsOf = (count: number, target: Target): [number, number, number] =>
  gridOf(target.processor === 'gpu' ? count : Math.ceil(count / 64), target);

/** Estimated operations of one step of an elimination. The steps of a column follow each other, so they are slow. */
const stepOperations = 8;

/** Words of the factors of one matrix: L and U, the permutation, its sign. */
export const factorsOf = (n: number): number => n * n + n + 1;

/** matrices [count, n, n] -> factors [count, n * n + n + 1] */
export const factorize = (
  [count, n]: readonly [number, number],
  perturb: boolean,
  [matrices, factors]: readonly [Operand, Operand],
  target: Target,
): KernelDispatch => ({
  name: 'lu',
  ...fillKernel(luKernel, { ...teamOf(target), params: { count, n, perturb } }),
  operands: [matrices, factors],
  workgroups: teamsOf(count, target),
  operations: stepOperations * count * n ** 3,
});

export const choleskyDispatch = (count: number, n: number, target: Target): KernelDispatch => ({
  name: 'cholesky',
  ...fillKernel(choleskyKernel, { ...teamOf(target), params: { count, n } }),
  operands: [input(0), output(0)],
  workgroups: teamsOf(count, target),
  operations: stepOperations * count * n ** 3,
});

const determinantModes = { product: 0, sign: 1, logarithm: 2 } as const;

/** factors -> a number for each matrix */
export const determinantDispatch = (
  mode: keyof typeof determinantModes,
  [count, n]: readonly [number, number],
  [factors, result]: readonly [Operand, Operand],
  target: Target,
): KernelDispatch => ({
  name: `determinant_${mode}`,
  ...fillKernel(determinantKernel, { constants: { mode: determinantModes[mode] }, params: { count, n } }),
  operands: [factors, result],
  workgroups: gridOf(Math.ceil(count / 64), target),
});

export interface TriangularSystem {
  readonly count: number;
  readonly n: number;
  /** Columns of the right-hand side. */
  readonly m: number;
  /** Stride of the triangles, in words. */
  readonly stride: number;
  readonly lower: boolean;
  readonly transposed: boolean;
  readonly unit: boolean;
  /** Whether the rows of the right-hand side are read in the order of the factorization's permutation. */
  readonly permuted?: boolean;
  /** Whether the right-hand side is the identity, which is not read. */
  readonly identity?: boolean;
}

/** triangles [count, stride], b [count, n, m] -> x [count, n, m] */
export function triangularDispatch(
  { count, n, m, stride, lower, transposed, unit, permuted = false, identity = false }: TriangularSystem,
  operands: readonly [triangles: Operand, b: Operand, x: Operand],
  target: Target,
): KernelDispatch {
  const size = count * m;
  return {
    name: 'triangular_solve',
    ...fillKernel(solveKernel, { params: { size, n, m, stride, lower, transposed, unit, permuted, identity } }),
    operands,
    workgroups: gridOf(Math.ceil(size / 64), target),
    operations: stepOperations * size * n ** 2,
  };
}

/** x = A^-1 b from the factors of A, with the temporary `between`. Without b, the inverse. */
export function solveDispatches(
  [count, n, m]: readonly [number, number, number],
  { factors, b, between, x }: { readonly factors: Operand; readonly b?: Operand; readonly between: Operand; readonly x: Operand },
  target: Target,
): KernelDispatch[] {
  const system = { count, n, m, stride: factorsOf(n), transposed: false };
  const first = { ...system, lower: true, unit: true, permuted: true, identity: b === undefined };
  return [
    triangularDispatch(first, [factors, b ?? factors, between], target),
    triangularDispatch({ ...system, lower: false, unit: false }, [factors, between, x], target),
  ];
}

/** inverses [count, n, n], determinants [count] -> cofactors [count, n, n] */
export const cofactorsDispatch = (
  count: number,
  n: number,
  operands: readonly [inverses: Operand, determinants: Operand, result: Operand],
  target: Target,
): KernelDispatch => ({
  name: 'cofactors',
  ...fillKernel(cofactorsKernel, { params: { size: count * n * n, n } }),
  operands,
  workgroups: gridOf(Math.ceil((count * n * n) / 64), target),
});
