// Convolutions. ONNX has channels first and filters [out, in / groups, ..window]; the library has channels last.
import type { Tensor } from '../../../graph/tensor.ts';
import {
  add,
  conv1d,
  conv1dTranspose,
  conv2d,
  conv2dTranspose,
  conv3d,
  conv3dTranspose,
  slice,
  pad,
  transpose,
} from '../../../ops/index.ts';
import type { Call, RuleTable } from '../call.ts';
import { perChannel } from './normalization.ts';

/** [batch, channels, ..axes] -> [batch, ..axes, channels] */
export const channelsLast = (x: Tensor): Tensor => transpose(x, [0, ...x.shape.slice(2).map((_, i) => i + 2), 1]);
export const channelsFirst = (x: Tensor): Tensor => transpose(x, [0, x.rank - 1, ...x.shape.slice(2).map((_, i) => i + 1)]);

type Sides = readonly [before: number, after: number];

export interface WindowAttributes {
  readonly window: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padding: readonly Sides[];
}

function entries(call: Call, name: string, axes: number): number[] {
  const found = call.ints(name) ?? new Array<number>(axes).fill(1);
  if (found.length !== axes || found.some((n) => n < 1)) call.fail(`${name} is [${found.join()}]; it must have ${axes} positive entries`);
  return found;
}

const splitPads = (pads: readonly number[]): Sides[] => pads.slice(0, pads.length / 2).map((n, i) => [n, pads[i + pads.length / 2]]);

/** Strides, dilations and padding of windows over x [batch, channels, ..axes]. */
export function windowsOf(call: Call, window: readonly number[]): WindowAttributes {
  const size = call.shape(0).slice(2);
  const axes = size.length;
  if (axes < 1 || axes > 3 || window.length !== axes) {
    call.fail(
      `input 0 is [${call.shape(0).join()}] and the window [${window.join()}]; windows have one to three axes, as many as the input`,
    );
  }
  const [strides, dilations] = ['strides', 'dilations'].map((name) => entries(call, name, axes));
  const pads = call.ints('pads') ?? new Array<number>(2 * axes).fill(0);
  if (pads.length !== 2 * axes || pads.some((n) => n < 0))
    call.fail(`pads is [${pads.join()}]; it must have ${2 * axes} entries from 0 on`);
  const auto = call.text('auto_pad', 'NOTSET');
  if (auto === 'VALID') return { window, strides, dilations, padding: size.map(() => [0, 0]) };
  if (auto === 'NOTSET' || auto === '') return { window, strides, dilations, padding: splitPads(pads) };
  if (auto !== 'SAME_UPPER' && auto !== 'SAME_LOWER')
    call.fail(`auto_pad is '${auto}'; it must be NOTSET, VALID, SAME_UPPER or SAME_LOWER`);
  const padding = size.map((n, axis): Sides => {
    const reach = (window[axis] - 1) * dilations[axis] + 1;
    const total = Math.max(0, (Math.ceil(n / strides[axis]) - 1) * strides[axis] + reach - n);
    const small = Math.floor(total / 2);
    return auto === 'SAME_UPPER' ? [small, total - small] : [total - small, small];
  });
  return { window, strides, dilations, padding };
}

export const withBias = (y: Tensor, bias: Tensor | undefined): Tensor => (bias ? add(y, perChannel(bias, y.rank)) : y);

type Conv = (x: Tensor, filter: Tensor, options: object) => Tensor;
const convolutions: readonly Conv[] = [conv1d, conv2d, conv3d];
const transposedConvolutions: readonly Conv[] = [conv1dTranspose, conv2dTranspose, conv3dTranspose];

/** [a, b, ..window] -> [..window, b, a] */
const filterLast = (w: Tensor): Tensor => transpose(w, [...w.shape.slice(2).map((_, i) => i + 2), 1, 0]);

/** Convolution of floats by the attributes of a node whose first input is the images. */
export function convolve(call: Call, x: Tensor, w: Tensor): Tensor {
  const { strides, dilations, padding } = windowsOf(call, w.shape.slice(2));
  const options = { strides, dilations, padding, groups: call.int('group', 1) };
  return channelsFirst(convolutions[x.rank - 3](channelsLast(x), filterLast(w), options));
}

/** Filters are [in, out / groups, ..window]. output_shape and auto_pad choose the padding. */
function transposedConvolution(call: Call): Tensor {
  const [x, w] = [call.tensor(0), call.tensor(1)];
  const axes = x.rank - 2;
  if (axes < 1 || axes > 3 || w.rank !== x.rank) call.fail(`input 0 has ${x.rank} axes and the filter ${w.rank}; both have three to five`);
  const window = w.shape.slice(2);
  const [strides, dilations] = ['strides', 'dilations'].map((name) => entries(call, name, axes));
  const extra = call.ints('output_padding') ?? strides.map(() => 0);
  const reach = window.map((n, axis) => (x.shape[axis + 2] - 1) * strides[axis] + (n - 1) * dilations[axis] + 1);
  const auto = call.text('auto_pad', 'NOTSET');
  const wanted =
    call.ints('output_shape')?.slice(-axes) ?? (auto.startsWith('SAME') ? strides.map((s, axis) => s * x.shape[axis + 2]) : undefined);
  const listed = call.ints('pads') ?? new Array<number>(2 * axes).fill(0);
  if (listed.length !== 2 * axes || extra.length !== axes || (wanted && wanted.length !== axes)) {
    call.fail(
      `pads, output_padding and output_shape have ${listed.length}, ${extra.length} and ${wanted?.length ?? 'no'} entries for ${axes} axes`,
    );
  }
  const pads = splitPads(listed);
  const sides = reach.map((n, axis): Sides => {
    if (!wanted) return [pads[axis][0], pads[axis][1] - extra[axis]];
    const total = n + extra[axis] - wanted[axis];
    const small = Math.floor(total / 2);
    const [before, after] = auto === 'SAME_UPPER' ? [small, total - small] : [total - small, small];
    return [before, after - extra[axis]];
  });
  const options = { strides, dilations, padding: sides.map(() => [0, 0]), groups: call.int('group', 1) };
  const whole = transposedConvolutions[axes - 1](channelsLast(x), filterLast(w), options);
  // Negative padding adds zeros.
  const grown = pad(whole, [
    [0, 0],
    ...sides.map(([before, after]): [number, number] => [Math.max(0, -before), Math.max(0, -after)]),
    [0, 0],
  ]);
  const begin = [0, ...sides.map(([before]) => Math.max(0, before)), 0];
  const end = grown.shape.map((n, i) => (i === 0 || i > axes ? n : n - Math.max(0, sides[i - 1][1])));
  return withBias(channelsFirst(slice(grown, begin, end)), call.optional(2));
}

export const convolutionRules: RuleTable = {
  Conv: (call) => withBias(convolve(call, call.tensor(0), call.tensor(1)), call.optional(2)),
  ConvTranspose: transposedConvolution,
};
