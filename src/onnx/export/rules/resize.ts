// Resampling: Resize if ONNX has the method, otherwise products with the matrices of weights.
import { type AxisMap, type ResampleAttributes, exactWeights, tapTables } from '../../../ops/resize/taps.ts';
import type { HostValue } from '../../../graph/tensor.ts';
import { int, text } from '../attributes.ts';
import type { ExportCall, ExportRule, ExportTable } from '../call.ts';

const frames = {
  halfPixel: 'half_pixel',
  pytorchHalfPixel: 'pytorch_half_pixel',
  asymmetric: 'asymmetric',
  alignCorners: 'align_corners',
} as const;
const roundings = {
  floor: 'floor',
  ceil: 'ceil',
  roundPreferFloor: 'round_prefer_floor',
  roundPreferCeil: 'round_prefer_ceil',
} as const;

/** Whether Resize computes an axis in all engines. ONNX Runtime refuses the cubic method after it has moved a transpose. */
const isPlain = ({ method, antialias, from, to }: AxisMap): boolean =>
  !antialias && method !== 'cubic' && (method !== 'area' || to % from === 0);

/** Repetition by whole factors is 'nearest' of a special kind. */
const asNearest = (map: AxisMap): AxisMap =>
  map.method === 'area' ? { ...map, method: 'nearest', coordinates: 'asymmetric', rounding: 'floor' } : map;

const settings = ({ method, coordinates, rounding, cubicCoefficient, excludeOutside }: AxisMap): string =>
  JSON.stringify([method, coordinates, rounding, cubicCoefficient, excludeOutside]);

const resample: ExportRule = (call) => {
  const attributes = call.attributes<ResampleAttributes>();
  const maps = [attributes.rows, attributes.columns];
  if (attributes.transposed || !maps.every(isPlain)) return byMatrices(call, attributes);
  const moving = maps.filter(({ method }) => method !== 'identity').map(asNearest);
  if (moving.length === 0) return call.x(0);
  const [map] = moving;
  // Steps that are not the ratio of the sizes are given as scales.
  const isRatio = maps.every(({ from, to, step, method }) => method === 'identity' || Math.abs(step - from / to) < 1e-12);
  if (moving.some((other) => settings(other) !== settings(map)) || !isRatio) return byMatrices(call, attributes);
  const { writer } = call;
  const [batch, , , channels] = call.shape(0);
  const image = writer.transpose(call.x(0), [0, 3, 1, 2]);
  const sizes = writer.list([batch, channels, ...maps.map(({ to }) => to)]);
  const y = call.emit('Resize', [image, '', '', sizes], {
    mode: text(map.method),
    coordinate_transformation_mode: text(frames[map.coordinates]),
    nearest_mode: text(roundings[map.rounding]),
    exclude_outside: int(Number(map.excludeOutside)),
  });
  return writer.transpose(y, [0, 2, 3, 1]);
};

/** y = R x Sᵀ for each image and channel. */
function byMatrices(call: ExportCall, attributes: ResampleAttributes): string {
  const { writer } = call;
  const { links, weights } = tapTables(attributes);
  const [starts, values] = [links, weights].map(({ value }) => (value as HostValue).data);
  const exact = exactWeights(values);
  const [, height, width] = call.shape(0);
  const [, outHeight, outWidth] = call.output.shape;
  const places = outHeight + outWidth + 2;
  const matrix = (first: number, from: number, to: number): string => {
    const data = new Float64Array(from * to);
    for (let i = 0; i < to; i++)
      for (let t = starts[first + i]; t < starts[first + i + 1]; t++) data[i * from + starts[places + t]] += exact[t];
    return writer.constant('FLOAT', [to, from], data);
  };
  const image = writer.transpose(call.x(0), [0, 3, 1, 2]);
  const rows = call.emit('MatMul', [matrix(0, height, outHeight), image]);
  const columns = writer.transpose(matrix(outHeight + 1, width, outWidth), [1, 0]);
  return writer.transpose(call.emit('MatMul', [rows, columns]), [0, 2, 3, 1]);
}

export const resizeRules: ExportTable = { resample };
