// @ts-check
// Values of a run: inputs are read, checked and stored, outputs become host arrays.

/** @import { NumberTree, StandaloneInfo } from '../moduleData.ts' */
/** @typedef {Float32Array | Int32Array | Uint32Array | Uint16Array} Stored */
/** @typedef {{ data: Stored, batch: number | undefined }} Given */

export const { name: modelName, inputs, outputs, programs, features, limits } = ombreModel;

/**
 * @param {string} kind
 * @param {string} message
 * @returns {never}
 */
export function fail(kind, message) {
  const error = new Error(`${modelName}: ${message}`);
  error.name = kind;
  throw error;
}

/** @param {readonly (number | string)[]} shape */
const format = (shape) => `[${shape.join(',')}]`;

/** @param {readonly number[]} shape */
export const sizeOf = (shape) => shape.reduce((size, n) => size * n, 1);

/**
 * Bytes of the elements in a buffer, in whole words.
 * @param {readonly number[]} shape
 * @param {string} dtype
 */
export const bytesOf = (shape, dtype) => Math.ceil((sizeOf(shape) * (dtype === 'f16' ? 2 : 4)) / 4) * 4;

/** @param {number} x */
function toHalf(x) {
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const size = Math.abs(x);
  if (size !== size) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  let exponent = -14;
  while (size >= 2 ** (exponent + 1)) exponent++;
  const mantissa = size / 2 ** (exponent - 10);
  let whole = Math.round(mantissa);
  if (whole - mantissa === 0.5 && whole % 2) whole--;
  return sign | (((exponent + 14) << 10) + whole);
}

/** @param {number} bits */
function fromHalf(bits) {
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return mantissa ? NaN : sign * Infinity;
  return sign * (exponent ? (1 + mantissa / 1024) * 2 ** (exponent - 15) : mantissa * 2 ** -24);
}

/** @param {unknown} value @returns {value is ArrayLike<unknown>} */
const isList = (value) => Array.isArray(value) || (ArrayBuffer.isView(value) && 'length' in value);

/** @param {unknown} value @returns {value is Record<string, unknown>} */
const isRecord = (value) => typeof value === 'object' && value !== null && !isList(value);

/**
 * Finds the value of each input in a tree of values.
 * @param {NumberTree} tree
 * @param {unknown} value
 * @param {string} path
 * @param {unknown[]} found
 */
function collect(tree, value, path, found) {
  if (typeof tree === 'number') {
    found[tree] = value;
    return;
  }
  const names = Object.keys(tree);
  const form = Array.isArray(tree) ? `a list of ${names.length}` : `a record of ${names.join(', ')}`;
  if (Array.isArray(tree) ? !Array.isArray(value) || value.length !== names.length : !isRecord(value)) {
    fail('ArgumentError', `run: the inputs${path} must be ${form}`);
  }
  const given = /** @type {Record<string, unknown>} */ (value);
  const unknown = Object.keys(given).find((key) => !Object.hasOwn(tree, key));
  if (unknown !== undefined) fail('ArgumentError', `run: there is no input '${unknown}'; the inputs${path} are ${form}`);
  for (const key of names) {
    if (given[key] === undefined) fail('ArgumentError', `run: the input '${key}' is missing; the inputs${path} are ${form}`);
    collect(/** @type {Record<string, NumberTree>} */ (tree)[key], given[key], `${path}.${key}`, found);
  }
}

/**
 * Elements in the stored form of a dtype.
 * @param {StandaloneInfo} input
 * @param {ArrayLike<unknown>} data
 * @returns {Stored}
 */
function stored({ name, dtype }, data) {
  const numbers = /** @type {ArrayLike<number>} */ (data);
  if (dtype === 'f32') return data instanceof Float32Array ? data : Float32Array.from(numbers, Number);
  if (dtype === 'bool') return Uint32Array.from(numbers, (x) => (x ? 1 : 0));
  if (dtype === 'f16') {
    const halves = new Uint16Array(Math.ceil(data.length / 2) * 2);
    for (let i = 0; i < data.length; i++) halves[i] = toHalf(Number(numbers[i]));
    return halves;
  }
  const isSigned = dtype === 'i32';
  if (data instanceof (isSigned ? Int32Array : Uint32Array)) return data;
  const whole = Array.from(numbers, (given) => {
    const x = Number(given);
    return x === (isSigned ? x | 0 : x >>> 0) ? x : fail('DtypeError', `run: the input '${name}' has ${given}, which is no ${dtype}`);
  });
  return isSigned ? Int32Array.from(whole) : Uint32Array.from(whole);
}

/**
 * Reads a typed array, nested lists, or { data, shape }. A typed array may leave out the shape.
 * @param {unknown} value
 * @param {StandaloneInfo} input
 * @returns {Given}
 */
function read(value, input) {
  const { name, shape } = input;
  const takes = `the input '${name}' takes ${format(shape)}`;
  /** @type {ArrayLike<unknown>} */
  let data;
  /** @type {number[] | undefined} */
  let sizes;
  if (isRecord(value) && isList(value.data) && isList(value.shape)) {
    ({ data } = /** @type {{ data: ArrayLike<unknown> }} */ (value));
    sizes = Array.from(value.shape, Number);
    if (sizeOf(sizes) !== data.length) fail('ShapeError', `run: ${takes}; the shape ${format(sizes)} does not fit ${data.length} elements`);
  } else if (ArrayBuffer.isView(value) && isList(value)) {
    data = value;
  } else {
    /** @type {unknown[]} */
    const elements = [];
    /** @type {number[]} */
    const nested = [];
    for (let row = value; isList(row); row = row[0]) nested.push(row.length);
    /** @type {(part: unknown, axis: number) => void} */
    const flatten = (part, axis) => {
      if (axis < nested.length) {
        if (!isList(part) || part.length !== nested[axis]) return fail('ShapeError', `run: ${takes}; its lists have different lengths`);
        for (let i = 0; i < part.length; i++) flatten(part[i], axis + 1);
      } else if (/number|boolean|bigint/.test(typeof part)) elements.push(part);
      else fail('ArgumentError', `run: ${takes}: a typed array, nested lists of numbers, or { data, shape }; it has a ${typeof part}`);
    };
    flatten(value, 0);
    data = elements;
    sizes = nested;
  }
  const isFree = shape[0] === 'batch';
  const fixed = /** @type {number[]} */ (isFree ? shape.slice(1) : shape);
  if (sizes) {
    const rest = isFree ? sizes.slice(1) : sizes;
    if (sizes.length !== shape.length || format(rest) !== format(fixed))
      fail('ShapeError', `run: ${takes}, but has the shape ${format(sizes)}`);
  } else if (isFree ? data.length % sizeOf(fixed) : data.length !== sizeOf(fixed)) {
    fail('ShapeError', `run: ${takes}, but has ${data.length} elements`);
  }
  return { data: stored(input, data), batch: isFree ? (sizes ? sizes[0] : data.length / sizeOf(fixed)) : undefined };
}

/**
 * The values of all inputs, and the program for their batch size.
 * @param {unknown} values
 */
export function readInputs(values) {
  const { inputTree } = ombreModel;
  /** @type {unknown[]} */
  const found = [];
  const byName = isRecord(values) && !(isList(values.data) && isList(values.shape));
  const isTree = typeof inputTree !== 'object' || Array.isArray(inputTree);
  collect(byName && isTree ? Object.fromEntries(inputs.map(({ name }, i) => [name, i])) : inputTree, values, '', found);
  const given = inputs.map((input, i) => read(found[i], input));
  const sizes = given.flatMap(({ batch }) => batch ?? []);
  if (sizes.some((batch) => batch !== sizes[0])) {
    fail(
      'ShapeError',
      `run: the inputs have batches of ${given.map(({ batch }, i) => `${batch} (${inputs[i].name})`).join(', ')}; they must be equal`,
    );
  }
  const number = programs.findIndex(({ batch }) => batch === sizes[0]);
  if (number < 0) {
    fail(
      'ShapeError',
      `run: the batch has ${sizes[0]} samples; the module was written for ${programs.map(({ batch }) => batch).join(', ')} (option batchSize of exportStandalone)`,
    );
  }
  return { given, number };
}

/**
 * @param {ArrayBuffer} bytes
 * @param {string} dtype
 * @param {number} size
 */
export function hostArray(bytes, dtype, size) {
  if (dtype === 'f32') return new Float32Array(bytes);
  if (dtype === 'i32') return new Int32Array(bytes);
  if (dtype === 'f16') return Float32Array.from(new Uint16Array(bytes, 0, size), fromHalf);
  const words = new Uint32Array(bytes);
  return dtype === 'bool' ? Uint8Array.from(words) : words;
}
