// Recurrences on the GPU: one dispatch for many steps. A GPU uses a workgroup for each sequence. If the left side of the products fits into
// workgroup memory, the invocations share a product by columns and rows; otherwise each computes whole units. A CPU-implemented device, whose
// barriers are slow, uses one invocation for each sequence.
import type { KernelContext, KernelDispatch, KernelPlan, Operand, Target, TensorType } from '../../graph/op.ts';
import { gridOf } from '../../graph/workgroups.ts';
import adjointSource from '../../../shaders/recurrenceAdjoint.wgsl?raw';
import workgroupAdjointSource from '../../../shaders/recurrenceAdjointWorkgroup.wgsl?raw';
import adjointStepsSource from '../../../shaders/recurrenceAdjointSteps.wgsl?raw';
import cellSource from '../../../shaders/recurrenceCell.wgsl?raw';
import headSource from '../../../shaders/recurrenceHead.wgsl?raw';
import productsSource from '../../../shaders/recurrenceProducts.wgsl?raw';
import workgroupProductsSource from '../../../shaders/recurrenceProductsWorkgroup.wgsl?raw';
import workgroupStepsSource from '../../../shaders/recurrenceWorkgroup.wgsl?raw';
import stepsSource from '../../../shaders/recurrence.wgsl?raw';
import tangentSource from '../../../shaders/recurrenceTangent.wgsl?raw';
import { type Filling, type KernelFile, fillKernel, libraryFor } from '../../wgsl/index.ts';
import { type CellName, type GateFunctionName, cells, gateFunctions } from './cells.ts';

const kernelFile = (name: string, ...sources: readonly string[]): KernelFile => ({ name, text: sources.join('\n') });
const stepsKernel = kernelFile('recurrence', headSource, cellSource, productsSource, stepsSource);
const adjointKernel = kernelFile('recurrenceAdjoint', headSource, adjointStepsSource, adjointSource);
const tangentKernel = kernelFile('recurrenceTangent', headSource, productsSource, tangentSource);
const workgroupStepsKernel = kernelFile('recurrenceWorkgroup', headSource, cellSource, workgroupProductsSource, workgroupStepsSource);
const workgroupAdjointKernel = kernelFile(
  'recurrenceAdjointWorkgroup',
  headSource,
  adjointStepsSource,
  workgroupProductsSource,
  workgroupAdjointSource,
);

export interface RecurrenceAttributes {
  readonly cell: CellName;
  readonly activation: GateFunctionName;
  readonly recurrentActivation: GateFunctionName;
  /** Whether the scale is read; otherwise it is 1. */
  readonly scaled: boolean;
}

export interface LinearAttributes {
  readonly gates: number;
  readonly states: 1 | 2;
  /** Whether the scale is read; otherwise it is 1. */
  readonly scaled: boolean;
  /** Whether the recurrence runs from the last step to the first. */
  readonly backwards: boolean;
}

const input = (index: number): Operand => ({ kind: 'input', index });
const output: Operand = { kind: 'output', index: 0 };

/** Estimated operations of a product of one step. The steps follow each other, so they are slow. */
const stepOperations = 8;

/** Multiplications that an invocation does in one dispatch. Browsers end a dispatch that takes seconds. */
const maxProducts = 2 ** 22;

/** Sums that an invocation of a CPU-implemented device has at once: a matrix of WGSL. */
const sumsAtOnce = 16;

/** Invocations of a workgroup on a CPU-implemented device: what its vectors hold. */
const aloneWidth = 8;

interface Team {
  readonly workgroups: readonly [number, number, number];
  /** Number of steps of one dispatch. */
  readonly run: number;
  readonly constants: Filling['constants'];
  readonly aliases?: Filling['aliases'];
  readonly blocks: Filling['blocks'];
}

/** WGSL for one sequence per invocation instead of one per workgroup. */
const alone = `fn rowOf(group: u32, local: u32) -> u32 { return group * width + local; }
fn laneOf(local: u32) -> u32 { return 0u; }
fn synchronize() {}`;

/** How sequences are spread over invocations. A lane computes `unitsAtOnce` units together where loads are dear. */
function teamOf(rows: number, units: number, gates: number, unitsAtOnce: number, target: Target): Team {
  const isGpu = target.processor === 'gpu';
  const lanes = isGpu ? ([64, 128].find((n) => n >= units) ?? 256) : 1;
  const width = isGpu ? lanes : aloneWidth;
  return {
    workgroups: gridOf(isGpu ? rows : Math.ceil(rows / width), target),
    run: Math.max(1, Math.floor(maxProducts / Math.max(1, Math.ceil(units / lanes) * units * gates))),
    constants: { lanes, width, block: isGpu ? 1 : unitsAtOnce },
    blocks: isGpu ? {} : { team: alone },
  };
}

/** Invocations of a workgroup that shares the products of a step, and the elements of its left side: 8 KiB of the 16 that each device has. */
const workgroupWidth = 256;
const maxVector = 2048;

/** Element `n` of a sum of four columns. */
const elementOfFour = 'fn elementOf(piece: u32, n: u32) -> f32 { return sums[piece][n]; }';

/**
 * How a workgroup shares a product of `length` terms, with `perUnit` columns for each unit. Undefined if the left side, which has
 * `vectorSize` elements in memory, does not fit.
 */
function workgroupTeamOf(
  rows: number,
  units: number,
  perUnit: number,
  length: number,
  vectorSize: number,
  target: Target,
): Team | undefined {
  if (target.processor !== 'gpu' || vectorSize > maxVector) return undefined;
  const pieceSize = units % 4 === 0 ? 4 : 1;
  const most = Math.floor(Math.min(workgroupWidth / perUnit, workgroupWidth / pieceSize));
  const blockPieces = Math.max(1, Math.min(units / pieceSize, most));
  const pieces = perUnit * blockPieces;
  const parts = Math.max(1, Math.min(Math.floor(workgroupWidth / pieces), Math.ceil(length / 8)));
  const blockUnits = blockPieces * pieceSize;
  const products = Math.ceil(units / blockUnits) * Math.ceil(length / parts) * pieceSize;
  return {
    workgroups: gridOf(rows, target),
    run: Math.max(1, Math.floor(maxProducts / Math.max(1, products))),
    aliases: { Piece: pieceSize === 4 ? 'vec4f' : 'f32' },
    constants: {
      width: workgroupWidth,
      pieceSize,
      pieces,
      parts,
      blockPieces,
      blockUnits,
      vectorSize: Math.max(1, vectorSize),
    },
    blocks: pieceSize === 4 ? { element: elementOfFour } : {},
  };
}

/** One dispatch for each run of steps. There is one dispatch if there are no steps. */
const runsOf = (steps: number, run: number): { first: number; last: number }[] =>
  Array.from({ length: Math.max(1, Math.ceil(steps / run)) }, (_, i) => ({ first: i * run, last: Math.min(steps, (i + 1) * run) }));

const kernelUse = ({ shape: [kernels] }: TensorType, isScaled: boolean) => ({ isShared: kernels === 1, isScaled });

export function planRecurrence({ inputs, attributes, target }: KernelContext<RecurrenceAttributes>): KernelPlan {
  const [{ shape }, kernel] = inputs;
  const [rows, steps, gates, units] = shape;
  const { code, states } = cells[attributes.cell];
  const workgroup = workgroupTeamOf(rows, units, gates, units, 2 * units, target);
  const team = workgroup ?? teamOf(rows, units, gates, Math.floor(sumsAtOnce / gates), target);
  const functions = `fn activate(x: f32) -> f32 { return ${gateFunctions[attributes.activation].wgsl('x')}; }
fn gateOf(x: f32) -> f32 { return ${gateFunctions[attributes.recurrentActivation].wgsl('x')}; }`;
  const dispatches = runsOf(steps, team.run).map(({ first, last }): KernelDispatch => ({
    name: `recurrence_${attributes.cell}`,
    ...fillKernel(workgroup ? workgroupStepsKernel : stepsKernel, {
      aliases: team.aliases,
      constants: { ...team.constants, ...kernelUse(kernel, attributes.scaled), gates, states, cell: code },
      blocks: { ...team.blocks, functions: `${libraryFor(functions)}\n\n${functions}` },
      params: { rows, steps, first, last, units, rowsPerKernel: rows / kernel.shape[0] },
    }),
    operands: [...inputs.map((_, i) => input(i)), output],
    workgroups: team.workgroups,
    operations: stepOperations * rows * (last - first) * gates * units ** 2,
  }));
  return { dispatches, temporaries: [] };
}

export function planLinear({ inputs, attributes, target }: KernelContext<LinearAttributes>): KernelPlan {
  const [, { shape }, , matrices] = inputs;
  const [rows, steps, , units] = shape;
  const { gates, states, backwards } = attributes;
  const workgroup = backwards ? workgroupTeamOf(rows, units, 1, gates * units, gates * units, target) : undefined;
  const team = workgroup ?? teamOf(rows, units, gates, backwards ? sumsAtOnce : Math.floor(sumsAtOnce / gates), target);
  const kernel = workgroup ? workgroupAdjointKernel : backwards ? adjointKernel : tangentKernel;
  const scratch: readonly Operand[] = backwards && !workgroup ? [{ kind: 'temporary', index: 0 }] : [];
  const dispatches = runsOf(steps, team.run).map(({ first, last }): KernelDispatch => ({
    name: backwards ? 'recurrence_adjoint' : 'recurrence_tangent',
    ...fillKernel(kernel, {
      aliases: team.aliases,
      bindings: { result: 1 + inputs.length + scratch.length },
      constants: { ...team.constants, ...kernelUse(matrices, attributes.scaled), gates, states },
      blocks: team.blocks,
      params: { rows, steps, first, last, units, rowsPerKernel: rows / matrices.shape[0] },
    }),
    operands: [...inputs.map((_, i) => input(i)), ...scratch, output],
    workgroups: team.workgroups,
    operations: stepOperations * rows * (last - first) * gates * units ** 2,
  }));
  return { dispatches, temporaries: scratch.map(() => ({ shape: [rows, 2, gates, units], dtype: 'f32' })) };
}
