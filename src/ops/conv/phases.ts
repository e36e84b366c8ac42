// The input gradient of a strided convolution, along two or three axes. The coordinates of a phase's input pixels have the same remainder
// modulo the strides. Only some taps reach a phase, so it has a product of its own, without zeros from between the strides. Each phase is
// a batch of one kernel.
import { sizeOf } from '../../core/shape.ts';
import type { KernelPlan, Target, TensorType } from '../../graph/op.ts';
import { type Access, type BatchLayout, type Factor, type MatrixLayout, accessOf, matrixFactor, matrixParams } from '../matmul/factors.ts';
import { planProduct } from '../matmul/plan.ts';
import type { TapSizes } from './taps.ts';
import { reads } from './windows.ts';

/** Sizes of a convolution along two or three axes. */
interface PhaseSizes extends TapSizes {
  readonly channels: number;
  readonly outChannels: number;
  readonly groups: number;
}

/** Whether the input gradient is computed in phases: on GPUs, if a stride is larger than 1. */
export const hasPhases = ({ strides }: PhaseSizes, { processor }: Target): boolean => processor === 'gpu' && strides.some((n) => n > 1);

/** Names of the axes, outermost first. */
const axesOf = ({ input }: PhaseSizes): string[] => ['Z', 'Y', 'X'].slice(3 - input.length);

const fieldsPerAxis = ['in', 'out', 'stride', 'dilation', 'pad', 'window', 'step', 'move', 'phases', 'pixels'] as const;
const fieldsOf = (axes: readonly string[]): string[] => [
  ...axes.flatMap((axis) => fieldsPerAxis.map((field) => field + axis)),
  ...['phases', 'channels', 'groupChannels'],
];

const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));

/**
 * Params of one axis. `step`: distance between the taps that reach one pixel. `move`: distance between the outputs that they read. `pixels`:
 * pixels of a phase, of which the last may be outside of the image.
 */
function axisParams(sizes: PhaseSizes, axis: number): Readonly<Record<(typeof fieldsPerAxis)[number], number>> {
  const { input, output, strides, dilations, padding, window } = sizes;
  const [stride, dilation] = [strides[axis], dilations[axis]];
  const common = divisor(stride, dilation);
  return {
    in: input[axis],
    out: output[axis],
    stride,
    dilation,
    pad: padding[axis][0],
    window: window[axis],
    step: stride / common,
    move: dilation / common,
    phases: Math.min(stride, input[axis]),
    pixels: Math.ceil(input[axis] / stride),
  };
}

/** Splits a number into coordinates, the last axis first: WGSL that declares x, y and z. */
const coordinates = (axes: readonly string[], size: (axis: string) => string, value: (axis: string, part: string) => string): string =>
  [...axes]
    .reverse()
    .flatMap((axis, i) => {
      const isLast = i === axes.length - 1;
      const part = isLast ? 'rest' : `(rest % ${size(axis)})`;
      return [`  let ${axis.toLowerCase()} = ${value(axis, part)};`, ...(isLast ? [] : [`  rest = rest / ${size(axis)};`])];
    })
    .join('\n');

const lower = (axes: readonly string[]): string[] => axes.map((axis) => axis.toLowerCase());

/** Index in an array [rows, ...axes]: `size` names the length of an axis. */
const flat = (first: string, axes: readonly string[], size: (axis: string) => string): string =>
  axes.reduce((index, axis) => `(${index} * ${size(axis)} + ${axis.toLowerCase()})`, first);

/** Splits `row` into the pixels of a phase, the last axis first, and leaves the image in `rest`. */
const pixelsOf = (axes: readonly string[], value: (axis: string, pixel: string) => string): string =>
  [
    '  var rest = row;',
    ...axes
      .toReversed()
      .flatMap((axis) => [
        `  let ${axis.toLowerCase()} = ${value(axis, `rest % params.pixels${axis}`)};`,
        `  rest = rest / params.pixels${axis};`,
      ]),
  ].join('\n');

/** Rows are the input pixels of a phase; k counts the output channels and the taps of the phase. A segment is a tap. */
const phaseFactor = (axes: readonly string[], access: Access): Factor => ({
  access,
  fields: fieldsOf(axes),
  wgsl: `struct Axis { remainder: u32, first: u32, taps: u32, shift: i32 }
struct Phase { group: u32, ${lower(axes)
    .map((axis) => `${axis}: Axis`)
    .join(', ')} }
struct ARow { image: i32, ${lower(axes)
    .map((axis) => `${axis}: i32`)
    .join(', ')} }
struct ARun { base: i32, begin: i32, end: i32 }
var<private> phase: Phase;
fn axisOf(remainder: u32, pad: u32, stride: u32, dilation: u32, window: u32, step: u32) -> Axis {
  let reached = (remainder + pad) % stride;
  let most = min(window, step);
  var first = 0u;
  while ((first < most) & (first * dilation % stride != reached)) { first++; }
  let taps = select(0u, (window - min(first, window) + step - 1u) / step, first < most);
  return Axis(remainder, first, taps, (i32(remainder + pad) - i32(first * dilation)) / i32(stride));
}
fn beginBatch(batch: u32) -> u32 {
  var rest = batch % params.phases;
${coordinates(
  axes,
  (axis) => `params.phases${axis}`,
  (axis, part) => `axisOf(${part}, ${['pad', 'stride', 'dilation', 'window', 'step'].map((field) => `params.${field}${axis}`).join(', ')})`,
)}
  phase = Phase(batch / params.phases, ${lower(axes).join(', ')});
  return ${lower(axes)
    .map((axis) => `${axis}.taps`)
    .join(' * ')} * params.inner;
}
fn aRow(batch: u32, row: u32) -> ARow {
${pixelsOf(axes, (axis, pixel) => `i32(${pixel}) + phase.${axis.toLowerCase()}.shift`)}
  return ARow(i32(rest), ${lower(axes).join(', ')});
}
fn aRun(at: ARow, segment: u32) -> ARun {
  var rest = segment;
${coordinates(
  axes,
  (axis) => `phase.${axis.toLowerCase()}.taps`,
  (axis, part) => `at.${axis.toLowerCase()} - i32(${part} * params.move${axis})`,
)}
  let inside = ${axes.map((axis) => `(${axis.toLowerCase()} >= 0) & (${axis.toLowerCase()} < i32(params.out${axis}))`).join(' & ')};
  let base = ${flat('at.image', axes, (axis) => `i32(params.out${axis})`)} * i32(params.channels) + i32(phase.group * params.groupChannels);
  return ARun(base, 0, select(0, i32(params.groupChannels), inside));
}
fn phaseTap(segment: u32) -> u32 {
  var rest = segment;
${coordinates(
  axes,
  (axis) => `phase.${axis.toLowerCase()}.taps`,
  (axis, part) => `phase.${axis.toLowerCase()}.first + ${part} * params.step${axis}`,
)}
  return ${flat('0u', axes, (axis) => `params.window${axis}`)};
}
${reads(access, '', true)}`,
});

/** The pixels of a phase are `stride` apart in the result. */
const phaseLayout = (axes: readonly string[]): BatchLayout => {
  const pixel = pixelsOf(axes, (axis, pixel) => `${pixel} * params.stride${axis} + phase.${axis.toLowerCase()}.remainder`);
  return {
    wgsl: `fn isStored(row: u32) -> bool {
${pixel}
  return ${axes.map((axis) => `(${axis.toLowerCase()} < params.in${axis})`).join(' & ')};
}
fn rowIndex(row: u32) -> u32 {
${pixel}
  return ${flat('rest', axes, (axis) => `params.in${axis}`)} * params.resultRow + phase.group * params.resultBatch;
}`,
  };
};

/** For each phase: [pixels, taps * outChannels] x [taps * outChannels, channels] */
export function planPhases(name: string, sizes: PhaseSizes, dx: TensorType, target: Target): KernelPlan {
  const { batch, window, channels, outChannels, groups } = sizes;
  const [groupChannels, groupOut] = [channels / groups, outChannels / groups];
  const axes = axesOf(sizes);
  const each = axes.map((_, axis) => axisParams(sizes, axis));
  const product = (field: 'phases' | 'pixels'): number => each.reduce((size, axis) => size * axis[field], 1);
  const phases = product('phases');
  const segment = groupChannels * outChannels;
  const filter: MatrixLayout = { offset: 0, outer: outChannels, inner: 1, segment, batchOuter: groupOut, batchInner: 0 };
  const access = accessOf(filter, groupChannels, groupOut);
  return planProduct(
    {
      name,
      rows: batch * product('pixels'),
      columns: groupChannels,
      inner: groupOut,
      segments: each.reduce((taps, { step }, axis) => taps * Math.ceil(window[axis] / step), 1),
      batches: groups * phases,
      batchInner: phases,
      element: dx.dtype === 'f16' ? 'f16' : 'f32',
      factors: {
        a: phaseFactor(axes, outChannels % 4 === 0 && groupOut % 4 === 0 ? 'inner4' : 'scalar'),
        b: matrixFactor('b', access, 'phaseTap(segment)'),
        params: {
          ...Object.fromEntries(axes.flatMap((axis, i) => fieldsPerAxis.map((field) => [field + axis, each[i][field]]))),
          ...matrixParams('b', filter),
          phases,
          channels: outChannels,
          groupChannels: groupOut,
        },
      },
      layout: phaseLayout(axes),
      operands: [
        { kind: 'input', index: 0 },
        { kind: 'input', index: 1 },
      ],
      result: { row: channels, column: 1, batch: groupChannels },
      outputSize: sizeOf(dx.shape),
    },
    target,
  );
}
