// Pooling of windows, of whole images, and of regions.
import { sizeOf } from '../../../core/shape.ts';
import type { Tensor } from '../../../graph/tensor.ts';
import {
  abs,
  add,
  arange,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  cast,
  floorDiv,
  less,
  max,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  maxPool1dWithIndices,
  maxPool2dWithIndices,
  maxPool3dWithIndices,
  mean,
  mod,
  mul,
  norm,
  pow,
  reshape,
  scatterNd,
  where,
  zeros,
} from '../../../ops/index.ts';
import type { Call, RuleTable } from '../call.ts';
import { channelsFirst, channelsLast, windowsOf } from './convolution.ts';

type Pool = (x: Tensor, options: object) => Tensor;
const maxPools: readonly Pool[] = [maxPool1d, maxPool2d, maxPool3d];
const meanPools: readonly Pool[] = [avgPool1d, avgPool2d, avgPool3d];
type IndexedPool = (x: Tensor, options: object) => [Tensor, Tensor];
const indexedPools: readonly IndexedPool[] = [maxPool1dWithIndices, maxPool2dWithIndices, maxPool3dWithIndices];

function optionsOf(call: Call) {
  const { window, strides, dilations, padding } = windowsOf(call, call.ints('kernel_shape') ?? call.fail('kernel_shape is missing'));
  return { poolSize: window, strides, dilations, padding, ceilMode: call.flag('ceil_mode') };
}

/** Indices count in the whole input. storage_order 1 counts the last axes column by column. */
function maxPool(call: Call): Tensor[] {
  const given = call.tensor(0);
  const options = optionsOf(call);
  const { poolSize: { length: axes } } = options; // prettier-ignore
  const x = cast(channelsLast(given), given.dtype === 'f16' ? 'f16' : 'f32');
  const finish = (t: Tensor): Tensor => cast(channelsFirst(t), given.dtype);
  if (call.outputs < 2) return [finish(maxPools[axes - 1](x, options))];
  const [values, places] = indexedPools[axes - 1](x, options);
  const [batch, channels, ...size] = given.shape;
  const pixels = sizeOf(size);
  const own = channelsFirst(places);
  const [rows, columns] = size.slice(-2);
  const isByColumn = call.flag('storage_order') && axes === 2;
  const at = isByColumn ? add(mul(mod(own, columns), rows), floorDiv(own, columns)) : own;
  const first = reshape(mul(arange(batch * channels), pixels), [batch, channels, ...size.map(() => 1)]);
  return [finish(values), add(at, first)];
}

function averagePool(call: Call): Tensor {
  const { dilations, ...options } = optionsOf(call);
  if (dilations.some((n) => n > 1)) call.fail(`dilations is [${dilations.join()}]; means of dilated windows are not computed`);
  const x = channelsLast(call.tensor(0));
  return channelsFirst(meanPools[dilations.length - 1](x, { ...options, countIncludePad: call.flag('count_include_pad') }));
}

/** (Σ |x|^p)^(1/p) of each window. */
function normPool(call: Call): Tensor {
  const { dilations, ...options } = optionsOf(call);
  if (dilations.some((n) => n > 1)) call.fail(`dilations is [${dilations.join()}]; norms of dilated windows are not computed`);
  const p = call.int('p', 2);
  const powers = channelsLast(pow(abs(call.tensor(0)), p));
  const means = meanPools[dilations.length - 1](powers, { ...options, countIncludePad: true });
  return channelsFirst(pow(mul(means, sizeOf(options.poolSize)), 1 / p));
}

type Whole = (x: Tensor, options: { axis: number[]; keepDims: boolean }) => Tensor;

const overAll =
  (op: Whole) =>
  (call: Call): Tensor => {
    call.checkRank(0, 3, 8);
    const x = call.tensor(0);
    return op(x, { axis: x.shape.slice(2).map((_, i) => i + 2), keepDims: true });
  };

/** Writes values at the indices of MaxPool, which count in the whole result. */
function unpooled(call: Call): Tensor {
  const [values, indices] = [call.tensor(0), cast(call.tensor(1), 'i32')];
  const { window, strides, padding } = windowsOf(call, call.ints('kernel_shape') ?? call.fail('kernel_shape is missing'));
  const size = values.shape.slice(2).map((n, i) => (n - 1) * strides[i] - padding[i][0] - padding[i][1] + window[i]);
  const shape = call.has(2) ? call.numbers(2, 'output_shape') : [...values.shape.slice(0, 2), ...size];
  const count = sizeOf(shape);
  // Indices count in the inferred size; a larger output keeps rows and columns.
  const inferred = [...values.shape.slice(0, 2), ...size];
  let rest = indices;
  let flat: Tensor | undefined;
  [...inferred].reverse().forEach((n, i) => {
    const stride = sizeOf(shape.slice(shape.length - i));
    const part = mul(i === inferred.length - 1 ? rest : mod(rest, n), stride);
    flat = flat ? add(flat, part) : part;
    rest = floorDiv(rest, n);
  });
  const places = reshape(flat!, [values.size, 1]);
  const base = zeros([count], values.dtype);
  return reshape(scatterNd(base, where(less(places, 0), 0, places), reshape(values, [values.size])), shape);
}

export const poolingRules: RuleTable = {
  AveragePool: averagePool,
  GlobalAveragePool: overAll(mean),
  GlobalLpPool: (call) => overAll((x, options) => norm(x, { ...options, ord: call.int('p', 2) }))(call),
  GlobalMaxPool: overAll(max),
  LpPool: normPool,
  MaxPool: maxPool,
  MaxUnpool: { run: unpooled, hostInputs: [2] },
};
