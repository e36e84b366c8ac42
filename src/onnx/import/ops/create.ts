// Constants, ranges, windows of signals, and one-hot rows.
import type { Tensor } from '../../../graph/tensor.ts';
import { cast, equal, expandDims, full, mul, add, sub, transpose, triL, triU, ones, arange, mod } from '../../../ops/index.ts';
import { type ElementName, elementName, elementOf, shownType } from '../../format/elements.ts';
import type { Call, RuleTable } from '../call.ts';
import { Value } from '../value.ts';

/** Most elements of a list that is made on the host. */
const maxElements = 2 ** 24;

function constant(call: Call): Value {
  const given = call.elements('value');
  if (given) return Value.ofElements(given.type, given.shape, given.data);
  const [float, integer] = [call.float('value_float'), call.int('value_int')];
  if (float !== undefined) return Value.ofElements('FLOAT', [], [float]);
  if (integer !== undefined) return Value.ofElements('INT64', [], [integer]);
  const [floats, integers] = [call.floats('value_floats'), call.ints('value_ints')];
  if (floats) return Value.ofElements('FLOAT', [floats.length], floats);
  if (integers) return Value.ofElements('INT64', [integers.length], integers);
  return call.fail('value is missing; tensors and numbers are read, texts and sparse tensors are not');
}

function sizesOf(call: Call, name: string): number[] {
  const shape = call.numbers(0, name);
  if (shape.some((n) => !Number.isSafeInteger(n) || n < 0)) call.fail(`${name} is [${shape.join()}]; it must be a list of sizes`);
  return shape;
}

function filled(call: Call): Tensor | Value {
  const shape = sizesOf(call, 'shape');
  const value = call.elements('value');
  if (value && value.data.length !== 1) call.fail(`value has ${value.data.length} elements; it must have one`);
  const type = value?.type ?? 'FLOAT';
  const size = shape.reduce((a, b) => a * b, 1);
  // Shapes made so stay known.
  if (size <= 1024) return Value.ofElements(type, shape, new Float64Array(size).fill(value?.data[0] ?? 0));
  return Value.ofTensor(full(shape, value?.data[0] ?? 0, elementOf(type).dtype), type);
}

function range(call: Call): Value {
  const [start, limit, step] = ['start', 'limit', 'delta'].map((name, i) => call.number(i, name));
  const count = Math.max(0, Math.ceil((limit - start) / step));
  if (!(count <= maxElements))
    call.fail(`range from ${start} to ${limit} in steps of ${step}; it must have at most ${maxElements} elements`);
  return Value.ofElements(
    call.value(0).type,
    [count],
    Float64Array.from({ length: count }, (_, i) => start + i * step),
  );
}

function typeIn(call: Call, name: string, standard: ElementName): ElementName {
  const code = call.int(name);
  if (code === undefined) return standard;
  return elementName(code) ?? call.fail(`${name} is ${shownType(code)}; numbers and bools are known`);
}

function eyeLike(call: Call): Value {
  call.checkRank(0, 2);
  const type = typeIn(call, 'dtype', call.value(0).type);
  const k = call.int('k', 0);
  const square = ones([...call.shape(0)]);
  return Value.ofTensor(cast(triU(triL(square, { k }), { k }), elementOf(type).dtype), type);
}

/** values[1] at each index, values[0] elsewhere. Negative indices count from the end. */
function oneHotRows(call: Call): Value {
  const depth = call.number(1, 'depth');
  if (!Number.isSafeInteger(depth) || depth < 1) call.fail(`depth is ${depth}; it must be a positive integer`);
  const values = call.value(2);
  const [off, on] = call.numbers(2, 'values');
  const indices = cast(call.tensor(0), 'i32');
  const inside = mod(indices, depth);
  const hits = equal(expandDims(inside, -1), arange(depth));
  // An index outside of [-depth, depth) gives a row without a hit.
  const valid = equal(indices, sub(inside, mul(cast(equal(sub(inside, indices), depth), 'i32'), depth)));
  const { dtype } = elementOf(values.type);
  const masked = mul(cast(hits, 'i32'), cast(expandDims(valid, -1), 'i32'));
  const rows = cast(add(mul(cast(masked, 'f32'), on - off), off), dtype);
  const axis = call.axis(call.int('axis', -1), rows.rank);
  const order = rows.shape.map((_, i) => (i < axis ? i : i === axis ? rows.rank - 1 : i - 1));
  return Value.ofTensor(transpose(rows, order), values.type);
}

/** Σ coefficients[k] cos(2π k i / n). */
const cosineWindow =
  (...coefficients: readonly number[]) =>
  (call: Call): Value => {
    const size = call.number(0, 'size');
    if (!Number.isSafeInteger(size) || size < 0 || size > maxElements) call.fail(`size is ${size}; it must be a size`);
    const n = call.flag('periodic', 1) ? size : size - 1;
    const at = (i: number): number => coefficients.reduce((sum, c, k) => sum + c * Math.cos((2 * Math.PI * k * i) / n), 0);
    return Value.ofElements(
      typeIn(call, 'output_datatype', 'FLOAT'),
      [size],
      Float64Array.from({ length: size }, (_, i) => at(i)),
    );
  };

/** Triangular filters of the mel scale, [bins, filters]. */
function melMatrix(call: Call): Value {
  const names = ['num_mel_bins', 'dft_length', 'sample_rate', 'lower_edge_hertz', 'upper_edge_hertz'];
  const [filters, length, rate, low, high] = names.map((name, i) => call.number(i, name));
  const bins = Math.floor(length / 2) + 1;
  if (!(filters > 0 && bins > 0 && filters * bins <= maxElements)) call.fail(`${filters} filters of ${bins} bins; give positive sizes`);
  const toMel = (hertz: number): number => 2595 * Math.log10(1 + hertz / 700);
  const step = (toMel(high) - toMel(low)) / (filters + 2);
  const edges = Array.from({ length: filters + 2 }, (_, i) => {
    const hertz = 700 * (10 ** ((i * step + toMel(low)) / 2595) - 1);
    return Math.floor(((length + 1) * hertz) / rate);
  });
  const out = new Float64Array(bins * filters);
  for (let filter = 0; filter < filters; filter++) {
    const [from, center, to] = edges.slice(filter, filter + 3);
    const rise = center - from;
    if (rise === 0) out[center * filters + filter] = 1;
    for (let bin = from; rise > 0 && bin <= center; bin++) out[bin * filters + filter] = (bin - from) / rise;
    for (let bin = center; to > center && bin < to; bin++) out[bin * filters + filter] = (to - bin) / (to - center);
  }
  return Value.ofElements(typeIn(call, 'output_datatype', 'FLOAT'), [bins, filters], out);
}

export const createRules: RuleTable = {
  BlackmanWindow: cosineWindow(0.42, -0.5, 0.08),
  Constant: constant,
  ConstantOfShape: { run: filled, hostInputs: [0] },
  EyeLike: eyeLike,
  HammingWindow: cosineWindow(25 / 46, -21 / 46),
  HannWindow: cosineWindow(0.5, -0.5),
  MelWeightMatrix: { run: melMatrix, hostInputs: [0, 1, 2, 3, 4] },
  OneHot: { run: oneHotRows, hostInputs: [1, 2] },
  Range: { run: range, hostInputs: [0, 1, 2] },
};
