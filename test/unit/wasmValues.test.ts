// Vectors, matrices, arrays, structs and halves of the compiler to WebAssembly, and their layout in memory.
import { expect, test } from 'vitest';
import { roundToF16 } from '../../src/core/dtype.ts';
import { type Elements, runWgsl } from '../support/runWgsl.ts';

/** Runs one invocation of a body. Buffer `a`, `b`, ... has each type; the last one is written and returned. */
function run<E extends Elements>(body: string, types: readonly string[], buffers: readonly [...Elements[], E], module = ''): number[] {
  const bindings = types.map(
    (type, i) => `@group(0) @binding(${i}) var<storage${i === types.length - 1 ? ', read_write' : ''}> ${'abcd'[i]}: ${type};`,
  );
  const enable = /f16|\dh\b/.test([body, module, ...types].join()) ? 'enable f16;\n' : '';
  runWgsl(`${enable}${module}\n${bindings.join('\n')}\n@compute @workgroup_size(1) fn main() { ${body} }`, buffers);
  return Array.from(buffers.at(-1)!);
}

const zeros = (size: number): Float32Array<ArrayBuffer> => new Float32Array(size);
const numbers = (...values: number[]): Float32Array<ArrayBuffer> => Float32Array.from(values);

/** The number of the bits of a half. */
function halfOf(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  const sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return mantissa ? NaN : sign * Infinity;
  return sign * (exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15));
}

test('all 65,536 halves are loaded exactly and stored as they were', () => {
  const bits = Uint16Array.from({ length: 65_536 }, (_, i) => i);
  const every = 'for (var i = 0u; i < 65536u; i++) { b[i] = f32(a[i]); }';
  const widened = run(every, ['array<f16>', 'array<f32>'], [bits, zeros(65_536)]);
  widened.forEach((value, i) => {
    if (!Object.is(value, halfOf(i))) expect.fail(`half ${i.toString(16)} is ${value}, expected ${halfOf(i)}`);
  });
  const stored = new Uint16Array(65_536);
  run('for (var i = 0u; i < 65536u; i++) { b[i] = a[i]; }', ['array<f16>', 'array<f16>'], [bits, stored]);
  stored.forEach((found, i) => {
    const isNan = Number.isNaN(halfOf(i));
    if (isNan ? !Number.isNaN(halfOf(found)) : found !== i) expect.fail(`half ${i.toString(16)} is stored as ${found.toString(16)}`);
  });
});

test('floats are rounded to the nearest half, halfway to the even one', () => {
  const values = [
    1,
    1 + 2 ** -11,
    1 + 3 * 2 ** -11,
    65_504,
    65_519,
    65_520,
    1e9,
    -1e9,
    2 ** -24,
    2 ** -25,
    2 ** -25 * 1.01,
    3e-8,
    -0,
    2049,
    2051,
  ];
  const expected = [1, 1, 1 + 2 ** -9, 65_504, 65_504, Infinity, Infinity, -Infinity, 2 ** -24, 0, 2 ** -24, 2 ** -24, -0, 2048, 2052];
  const bits = new Uint16Array(16);
  run(`for (var i = 0u; i < 15u; i++) { b[i] = f16(a[i]); }`, ['array<f32>', 'array<f16>'], [numbers(...values), bits]);
  expect(Array.from(bits.subarray(0, 15), halfOf)).toEqual(expected);
  const quantized = run(
    'for (var i = 0u; i < 3u; i++) { b[i] = quantizeToF16(a[i]); }',
    ['array<f32>', 'array<f32>'],
    [numbers(0.1, 2049, -0.3), zeros(3)],
  );
  expect(quantized).toEqual([0.1, 2049, -0.3].map(roundToF16));
  const four = run('b[0] = quantizeToF16(a[0]);', ['array<vec4<f32>>', 'array<vec4<f32>>'], [numbers(0.1, 0.2, 0.3, 70), zeros(4)]);
  expect(four).toEqual([0.1, 0.2, 0.3, 70].map(roundToF16));
});

test('arithmetic of halves is rounded to halves', () => {
  const out = run(
    'let x = f16(a[0]); let y = f16(a[1]); b[0] = f32(x + y); b[1] = f32(x * y); b[2] = f32(x / y); b[3] = f32(sqrt(y)); b[4] = f32(x * 0.1h);',
    ['array<f32>', 'array<f32>'],
    [numbers(2048, 3), zeros(5)],
  );
  expect(out).toEqual([2052, 6144, roundToF16(2048 / 3), roundToF16(Math.sqrt(3)), roundToF16(2048 * roundToF16(0.1))]);
});

test('swizzles, and components that are assigned', () => {
  const body = `var v = a[0]; v.y = 10.0; v[2] += 1.0; let w = v.wzyx; b[0] = vec4<f32>(w.xy, v.x, dot(v.xyz, vec3f(1.0, 2.0, 3.0)));
    b[1] = vec4f(v.xxy, 1.0) * 2.0; var u = vec2<u32>(7u, 9u); u.x = u.y; b[2] = vec4<f32>(vec4<u32>(u, u.yx + 1u));`;
  const out = run(body, ['array<vec4<f32>>', 'array<vec4<f32>>'], [numbers(1, 2, 3, 4), zeros(12)]);
  expect(out).toEqual([4, 4, 1, 1 + 20 + 12, 2, 2, 20, 2, 9, 9, 10, 10]);
});

test('dynamic indices of vectors, matrices and arrays', () => {
  const body = `var v = a[0]; var local = array<f32, 5>(); var m = mat3x3<f32>(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0);
    for (var i = 0u; i < 4u; i++) { local[i + 1u] = v[i] * 2.0; }
    for (var i = 0u; i < 4u; i++) { v[i] = local[4u - i]; }
    b[0] = v;
    for (var i = 0u; i < u32(a[0].z); i++) { b[1][i] = m[2u - i][i]; }
    let table = array(3u, 1u, 2u, 0u);
    for (var i = 0u; i < u32(a[0].w); i++) { b[2][table[i]] = f32(i); }`;
  const out = run(body, ['array<vec4<f32>>', 'array<vec4<f32>>'], [numbers(1, 2, 3, 4), zeros(12)]);
  expect(out).toEqual([8, 6, 4, 2, 7, 5, 3, 0, 3, 1, 2, 0]);
});

test('const tables, also by a dynamic index, and module constants', () => {
  const module =
    'const table = array<i32, 5>(5, -4, 3, -2, 1);\nconst scale = 2.0 * 0.25;\nconst count = 2u + 3u;\nvar<private> calls: u32;\nfn next() -> u32 { calls += 1u; return calls - 1u; }';
  const out = run(
    'for (var i = 0u; i < count; i++) { b[i] = f32(table[4u - next()]) * scale; }',
    ['array<f32>', 'array<f32>'],
    [zeros(1), zeros(5)],
    module,
  );
  expect(out).toEqual([0.5, -1, 1.5, -2, 2.5]);
});

test('structs: fields, nested in arrays, passed and returned', () => {
  const module = `struct Pair { value: f32, place: u32 }
struct Item { at: vec3<f32>, weight: f32, pair: Pair }
fn larger(x: Pair, y: Pair) -> Pair { if (y.value > x.value) { return y; } return x; }`;
  const body = `var best = Pair(-100.0, 99u); for (var i = 0u; i < 3u; i++) { best = larger(best, Pair(a[i].weight, i)); }
    b[0] = best.value; b[1] = f32(best.place); var item = a[1]; item.pair.value = item.at.z; b[2] = item.pair.value + f32(item.pair.place);`;
  // A struct Item takes 32 bytes: vec3 and weight, then the pair.
  const items = new Float32Array(24);
  const words = new Uint32Array(items.buffer);
  [5, 8, 6].forEach((weight, i) => {
    items.set([i, 2 * i, 3 * i, weight, -1], 8 * i);
    words[8 * i + 5] = 40 + i;
  });
  expect(run(body, ['array<Item>', 'array<f32>'], [items, zeros(3)], module)).toEqual([8, 1, 44]);
});

test('vectors of three and matrices have the layout of WGSL', () => {
  const threes = run(
    'for (var i = 0u; i < 2u; i++) { b[i] = a[1u - i] * 2.0; }',
    ['array<vec3<f32>>', 'array<vec3<f32>>'],
    [numbers(1, 2, 3, 0, 4, 5, 6, 0), zeros(8)],
  );
  expect(threes).toEqual([8, 10, 12, 0, 2, 4, 6, 0]);
  const twos = run(
    'b[0] = a[1] + a[0]; b[1][1].y = 9.0;',
    ['array<mat2x2<f32>>', 'array<mat2x2<f32>>'],
    [numbers(1, 2, 3, 4, 10, 20, 30, 40), zeros(8)],
  );
  expect(twos).toEqual([11, 22, 33, 44, 0, 0, 0, 9]);
  const columns = run('b[0] = a[0] * 2.0;', ['array<mat2x3<f32>>', 'array<mat2x3<f32>>'], [numbers(1, 2, 3, 0, 4, 5, 6, 0), zeros(8)]);
  expect(columns).toEqual([2, 4, 6, 0, 8, 10, 12, 0]);
});

test.each([1, 2, 3, 4, 5, 6, 7, 8, 9])('rows of %d elements by strips, with several streams', (size) => {
  const x = Float32Array.from({ length: size * 3 }, (_, i) => Math.sin(i));
  const body = `for (var row = 0u; row < 3u; row++) {
      var largest = -10.0;
      for (var i = 0u; i < ${size}u; i++) { largest = max(largest, a[row * ${size}u + i]); }
      for (var i = 0u; i < ${size}u; i++) { b[row * ${size}u + i] = (a[row * ${size}u + i] - largest) * f32(i) + a[i]; }
    }`;
  const out = run(body, ['array<f32>', 'array<f32>'], [x, zeros(size * 3)]);
  out.forEach((value, e) => {
    const row = Math.floor(e / size);
    const largest = Math.max(...x.subarray(row * size, (row + 1) * size));
    const expected = Math.fround(Math.fround(Math.fround(x[e] - largest) * (e % size)) + x[e % size]);
    expect(value).toBe(expected);
  });
});
