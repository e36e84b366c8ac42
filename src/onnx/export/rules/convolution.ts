// Convolutions and pooling. The library has channels last; ONNX has channels first and filters [out, in / groups, ..window].
import { dependsOnBatch } from '../../../core/batchAxis.ts';
import { sizeOf } from '../../../core/shape.ts';
import { int, ints } from '../attributes.ts';
import type { ExportCall, ExportRule, ExportTable } from '../call.ts';

type Sides = readonly [before: number, after: number];

interface Windows {
  readonly strides: readonly number[];
  readonly padding: readonly Sides[];
  readonly dilations: readonly number[];
}

const inner = (rank: number): number[] => Array.from({ length: rank - 2 }, (_, i) => i);

/** [batch, ..axes, channels] -> [batch, channels, ..axes] */
const first = (call: ExportCall, x: string, rank: number): string =>
  call.writer.transpose(x, [0, rank - 1, ...inner(rank).map((i) => i + 1)]);
const last = (call: ExportCall, x: string, rank: number): string => call.writer.transpose(x, [0, ...inner(rank).map((i) => i + 2), 1]);

const pads = (padding: readonly Sides[]): number[] => [...padding.map(([before]) => before), ...padding.map(([, after]) => after)];

const windowAttributes = ({ strides, padding, dilations }: Windows) => ({
  strides: ints(strides),
  dilations: ints(dilations),
  pads: ints(pads(padding)),
});

/** Filter [..window, in / groups, out] -> [out, in / groups, ..window]. */
function filterFirst(call: ExportCall): string {
  const rank = call.shape(1).length;
  return call.writer.transpose(call.x(1), [rank - 1, rank - 2, ...inner(rank)]);
}

const convolution: ExportRule = (call) => {
  const attributes = call.attributes<Windows & { readonly groups: number }>();
  const rank = call.shape(0).length;
  const window = call.shape(1).slice(0, -2);
  const y = call.emit('Conv', [first(call, call.x(0), rank), filterFirst(call)], {
    ...windowAttributes(attributes),
    kernel_shape: ints(window),
    group: int(attributes.groups),
  });
  return last(call, y, rank);
};

/** The gradient of a convolution with respect to its input is the transposed convolution. `input` is the size of the result. */
const transposed: ExportRule = (call) => {
  const attributes = call.attributes<Windows & { readonly groups: number; readonly input: readonly number[] }>();
  const { strides, dilations, padding, input, groups } = attributes;
  const size = call.shape(0).slice(1, -1);
  const rank = size.length + 2;
  const window = call.shape(1).slice(0, -2);
  // The end of an axis follows from the size of the result: fewer elements are padding, more are output padding.
  const rest = input.map((n, i) => (size[i] - 1) * strides[i] + (window[i] - 1) * dilations[i] + 1 - padding[i][0] - n);
  const y = call.emit('ConvTranspose', [first(call, call.x(0), rank), filterFirst(call)], {
    strides: ints(strides),
    dilations: ints(dilations),
    pads: ints([...padding.map(([before]) => before), ...rest.map((n) => Math.max(0, n))]),
    output_padding: ints(rest.map((n) => Math.max(0, -n))),
    kernel_shape: ints(window),
    group: int(groups),
  });
  return last(call, y, rank);
};

/** Filter [height, width, channels, multiplier]: a convolution with a group for each channel. */
const depthwise: ExportRule = (call) => {
  const [height, width, channels, multiplier] = call.shape(1);
  const filter = call.writer.reshape(call.writer.transpose(call.x(1), [2, 3, 0, 1]), [channels * multiplier, 1, height, width]);
  const y = call.emit('Conv', [first(call, call.x(0), 4), filter], {
    ...windowAttributes(call.attributes<Windows>()),
    kernel_shape: ints([height, width]),
    group: int(channels),
  });
  return last(call, y, 4);
};

interface PoolAttributes extends Windows {
  readonly window: readonly number[];
  readonly reach: readonly Sides[];
}

/** Lowest number of f32: padding that no maximum takes. */
const lowest = -3.4028234663852886e38;

/** The second output is the tap of each maximum in its window: ONNX returns positions in the whole input. */
const maxPool: ExportRule = (call) => {
  const { window, strides, dilations, padding } = call.attributes<PoolAttributes>();
  const { writer } = call;
  const x = first(call, call.x(0), 4);
  // Engines take less padding than a window has taps. More is added before.
  const isWide = padding.some((sides, axis) => Math.max(...sides) >= window[axis]);
  const borders = writer.list([0, 0, ...padding.map(([before]) => before), 0, 0, ...padding.map(([, after]) => after)]);
  const grown = isWide ? call.emit('Pad', [x, borders, call.number(lowest)]) : x;
  const inside = isWide ? padding.map((): Sides => [0, 0]) : padding;
  const [values, indices] = writer.nodeWith(call.isUsed(1) ? 2 : 1, 'MaxPool', [grown], {
    ...windowAttributes({ strides, dilations, padding: inside }),
    kernel_shape: ints(window),
  });
  return [last(call, values, 4), indices && last(call, tapsOf(call, indices, isWide), 4)];
};

/** (row - first row) / dilation · width + (column - first column) / dilation, from the positions in the whole input. */
function tapsOf(call: ExportCall, indices: string, isPadded: boolean): string {
  const { window, strides, dilations, padding } = call.attributes<PoolAttributes>();
  const { writer } = call;
  const [, height, width] = call
    .shape(0)
    .map((n, axis) => (isPadded && axis > 0 && axis < 3 ? n + padding[axis - 1][0] + padding[axis - 1][1] : n));
  const shifts = isPadded ? [0, 0] : padding.map(([before]) => before);
  const number = (n: number): string => writer.constant('INT64', [], [n]);
  const pixel = call.emit('Mod', [indices, number(height * width)]);
  const places = [call.emit('Div', [pixel, number(width)]), call.emit('Mod', [pixel, number(width)])];
  const [rows, columns] = places.map((place, axis) => {
    const count = call.output.shape[axis + 1];
    const corners = Float64Array.from({ length: count }, (_, i) => i * strides[axis] - shifts[axis]);
    const shape = axis === 0 ? [count, 1] : [count];
    return call.emit('Div', [call.emit('Sub', [place, writer.constant('INT64', shape, corners)]), number(dilations[axis])]);
  });
  return writer.cast(call.emit('Add', [call.emit('Mul', [rows, number(window[1])]), columns]), 'INT32');
}

/** Elements that count along one axis, for each window. */
const counts = (size: number, windows: number, axis: number, { window, strides, padding, reach }: PoolAttributes): number[] =>
  Array.from({ length: windows }, (_, i) => {
    const corner = i * strides[axis] - padding[axis][0];
    return Math.min(size + reach[axis][1], corner + window[axis]) - Math.max(-reach[axis][0], corner);
  });

/** A mean that counts a part of the padding is the mean with all of it, times the ratio of the counts. */
const averagePool: ExportRule = (call) => {
  const attributes = call.attributes<PoolAttributes>();
  const { padding, reach, window, strides } = attributes;
  const isReached = String(reach) === String(padding);
  const isInside = pads(reach).every((n) => n === 0);
  const x = first(call, call.x(0), 4);
  const common = { strides: ints(strides), pads: ints(pads(padding)), kernel_shape: ints(window) };
  const y = call.emit('AveragePool', [x], { ...common, count_include_pad: int(Number(!isInside)) });
  if (isInside || isReached) return last(call, y, 4);
  const [height, width] = call.shape(0).slice(1, 3);
  const [rows, columns] = call.output.shape.slice(1, 3);
  if ([height, width].some(dependsOnBatch)) call.fail('its image size depends on the batch');
  const across = counts(width, columns, 1, attributes);
  const ratios = counts(height, rows, 0, attributes).flatMap((n) => across.map((m) => sizeOf(window) / (n * m)));
  return last(call, call.emit('Mul', [y, call.writer.constant('FLOAT', [rows, columns], ratios)]), 4);
};

export const convolutionRules: ExportTable = {
  avgPool2d: averagePool,
  conv2d: convolution,
  conv2dInputGradient: transposed,
  conv3d: convolution,
  conv3dInputGradient: transposed,
  depthwiseConv2d: depthwise,
  maxPool2d: maxPool,
};
