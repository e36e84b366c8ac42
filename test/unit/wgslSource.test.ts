// Kernel texts whose parts are set by name: the parts, their positions, and the errors for a wrong name or value.
import { describe, expect, test } from 'vitest';
import {
  type Filling,
  UniformFields,
  f32Literal,
  fillKernel,
  findBindings,
  findEpilogue,
  finiteLiteral,
  moduleOf,
  parseKernel,
  plainText,
  replaceBlock,
  wordOf,
} from '../../src/wgsl/index.ts';

const pick = {
  name: 'pick',
  text: `// A kernel.
alias Element = f32; // f32 or f16
alias Value = f32;
const isWide = false;
const lanes = 2u;
const depth = 4i;
const limit = -1e37;

struct Params {
  size: u32, // elements, all of them
  // How far: i32, of any sign.
  step: i32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<Element>;
// epilogue
@group(0) @binding(2) var<storage, read_write> result: array<Element>;
fn store(index: u32, value: Value) { result[index] = Element(value); }
// end epilogue

// body
fn body() -> Value { return Value(x[0]); }
// end body
@compute @workgroup_size(64)
fn main() { store(0u, body()); }
`,
};
const params = { size: 7, step: -1, scale: 0.5 };
const filled = (filling: Partial<Filling> = {}) => fillKernel(pick, { params, ...filling });

describe('a kernel file', () => {
  test('its parts', () => {
    const { directives, constants, aliases, blocks, bindings, params: layout } = parseKernel(pick);
    expect(directives).toEqual([]);
    expect([...constants].map(([name, { value }]) => `${name} ${value}`)).toEqual(['isWide false', 'lanes 2u', 'depth 4i', 'limit -1e37']);
    expect([...aliases].map(([name, { value }]) => `${name} ${value}`)).toEqual(['Element f32', 'Value f32']);
    expect([...blocks.keys()]).toEqual(['epilogue', 'body']);
    expect([...bindings.values()].map(({ role, number, access }) => `${number} ${role} ${access}`)).toEqual([
      '1 x read',
      '2 result read_write',
    ]);
    expect(layout.fields.map(({ name, type, offset }) => `${name} ${type} ${offset}`)).toEqual(['size u32 0', 'step i32 1', 'scale f32 2']);
  });

  test('one text is parsed once', () => {
    expect(parseKernel({ name: 'other', text: `${pick.text}` })).toBe(parseKernel(pick));
  });

  test('with nothing set it stays as it is', () => {
    expect(filled()).toEqual({ source: pick.text, params: [7, 0xffffffff, 0x3f000000] });
  });

  test('constants, aliases, blocks and binding numbers are set in place', () => {
    const { source } = filled({
      constants: { isWide: true, lanes: 8, depth: -3 },
      aliases: { Element: 'vec4<f32>', Value: 'vec4<f32>' },
      blocks: { body: 'fn body() -> Value { return Value(1.0); }' },
      bindings: { result: 5 },
    });
    const expected = pick.text
      .replace('alias Element = f32; //', 'alias Element = vec4<f32>; //')
      .replace('alias Value = f32;', 'alias Value = vec4<f32>;')
      .replace('isWide = false', 'isWide = true')
      .replace('lanes = 2u', 'lanes = 8u')
      .replace('depth = 4i', 'depth = -3i')
      .replace('Value(x[0])', 'Value(1.0)')
      .replace('@binding(2)', '@binding(5)');
    expect(source).toBe(expected);
  });

  test('an empty block, and one at the start of the text', () => {
    const file = { name: 'empty', text: '// first\n// end first\nfn main() {}\n// last\n// end last\n' };
    expect(fillKernel(file, { params: {}, blocks: { first: 'a', last: 'b\nc' } }).source).toBe(
      '// first\na\n// end first\nfn main() {}\n// last\nb\nc\n// end last\n',
    );
  });

  test('half precision is enabled once, and only if it is used', () => {
    expect(filled({ aliases: { Element: 'vec4<f16>' } }).source).toMatch(/^enable f16;\n\/\/ A kernel\./);
    expect(filled({ blocks: { body: '// as in f16' } }).source).toMatch(/^\/\/ A kernel\./);
    const enabled = { name: 'half', text: 'enable f16;\nalias Element = f32;\n' };
    expect(fillKernel(enabled, { params: {}, aliases: { Element: 'f16' } }).source).toBe('enable f16;\nalias Element = f16;\n');
  });
});

describe('params', () => {
  test('are laid out like the struct, in any order of the arguments', () => {
    expect(filled({ params: { scale: 0.5, step: -1, size: 7 } }).params).toEqual(filled().params);
  });

  test('vectors and arrays are aligned as WGSL requires', () => {
    const file = {
      name: 'vectors',
      text: 'struct Params {\n  a: u32,\n  b: vec2u,\n  c: u32,\n  d: vec3<f32>,\n  e: u32,\n  f: array<vec4u, 2>,\n  g: vec2<i32>,\n}\n',
    };
    const values = { a: 1, b: [2, 3], c: 4, d: [1, 1, 1], e: 5, f: [10, 11, 12, 13, 14, 15, 16, 17], g: [-1, 2] };
    const one = 0x3f800000;
    expect(fillKernel(file, { params: values }).params).toEqual([
      ...[1, 0, 2, 3, 4, 0, 0, 0],
      ...[one, one, one, 5],
      ...[10, 11, 12, 13, 14, 15, 16, 17],
      ...[0xffffffff, 2, 0, 0],
    ]);
  });

  test('flags are 1 and 0', () => {
    expect(filled({ params: { ...params, size: true } }).params[0]).toBe(1);
    expect(filled({ params: { ...params, size: false } }).params[0]).toBe(0);
  });

  test('a block may bring its own struct', () => {
    const file = { name: 'many', text: '// inputs\nstruct Params { size: u32, a: u32 }\n// end inputs\n' };
    const inputs = 'struct Params { size: u32, size0: u32, size1: u32 }';
    expect(fillKernel(file, { params: { size1: 3, size0: 2, size: 1 }, blocks: { inputs } }).params).toEqual([1, 2, 3]);
    expect(() => fillKernel(file, { params: { size: 1, a: 2 }, blocks: { inputs } })).toThrow(
      "kernel 'many': unknown param 'a'; its params are size, size0, size1",
    );
  });

  test.each<[string, Filling['params'], string]>([
    ['unknown', { ...params, sizes: 3 }, "kernel 'pick': unknown param 'sizes'; did you mean 'size'? its params are size, step, scale"],
    ['missing', { size: 7, scale: 1 }, "kernel 'pick': param 'step' is missing; its params are size, step, scale"],
    ['of too many numbers', { ...params, size: [1, 2] }, "kernel 'pick': param 'size' is u32 and takes 1 numbers, got 2"],
    ['no whole number', { ...params, size: 1.5 }, "kernel 'pick': param 'size' is 1.5; u32 takes whole numbers from 0 on"],
    ['negative', { ...params, size: -1 }, "kernel 'pick': param 'size' is -1; u32 takes whole numbers from 0 on"],
    ['NaN', { ...params, step: NaN }, "kernel 'pick': param 'step' is NaN; i32 takes whole numbers"],
  ])('%s', (_, values, message) => {
    expect(() => filled({ params: values })).toThrow(message);
  });

  test('of a kernel without a struct, and of a type that is not laid out', () => {
    expect(() => fillKernel({ name: 'none', text: 'fn main() {}' }, { params })).toThrow(
      "kernel 'none': unknown param 'size'; it has no params",
    );
    expect(() => fillKernel({ name: 'odd', text: 'struct Params {\n  a: mat2x2f,\n}' }, { params: { a: 1 } })).toThrow(
      "kernel 'odd': params.a is mat2x2f; use u32, i32, f32, vectors of them, or arrays of 16-byte elements",
    );
    expect(() => fillKernel({ name: 'gaps', text: 'struct Params {\n  a: array<u32, 4>,\n}' }, { params: { a: 1 } })).toThrow(
      'params.a is array<u32, 4>',
    );
  });
});

describe('names that a kernel lacks', () => {
  test.each<[string, Partial<Filling>, string]>([
    [
      'constant',
      { constants: { iswide: true } },
      "unknown constant 'iswide'; did you mean 'isWide'? its constants are isWide, lanes, depth, limit",
    ],
    ['alias', { aliases: { Elements: 'f16' } }, "unknown alias 'Elements'; did you mean 'Element'? its aliases are Element, Value"],
    ['block', { blocks: { prologue: '' } }, "unknown block 'prologue'; its blocks are epilogue, body"],
    ['binding', { bindings: { output: 1 } }, "unknown binding 'output'; its bindings are x, result"],
  ])('%s', (_, filling, message) => {
    expect(() => filled(filling)).toThrow(`kernel 'pick': ${message}`);
  });

  test('values that a constant cannot take', () => {
    expect(() => filled({ constants: { isWide: 1 } })).toThrow("kernel 'pick': constant 'isWide' is false; it cannot become 1");
    expect(() => filled({ constants: { lanes: true } })).toThrow("constant 'lanes' is 2u; it cannot become true");
    expect(() => filled({ constants: { lanes: 0.5 } })).toThrow("constant 'lanes' is 0.5; it takes whole numbers");
    expect(() => filled({ constants: { limit: 1 } })).toThrow(
      "constant 'limit' is -1e37; only flags and whole numbers (2u, 2i) can be set",
    );
  });

  test('something within a block that is replaced', () => {
    expect(() => filled({ blocks: { epilogue: '' }, bindings: { result: 3 } })).toThrow(
      "kernel 'pick': binding 'result' is set within block 'epilogue', which is replaced",
    );
  });

  test('marks that do not belong together', () => {
    expect(() => parseKernel({ name: 'open', text: 'fn f() {}\n// end body\n' })).toThrow(
      "kernel 'open': has '// end body' and no line '// body' before it",
    );
    expect(() => parseKernel({ name: 'two', text: '// a\n// end a\n// a\n// end a\n' })).toThrow("kernel 'two': has two blocks 'a'");
  });
});

describe('other texts', () => {
  test('the epilogue: its store function and its lines', () => {
    const epilogue = findEpilogue('pick', pick.text)!;
    expect(epilogue).toMatchObject({ store: 'store', valueType: 'Value' });
    expect(replaceBlock(pick.text, epilogue, 'fn store() {}')).toContain('// epilogue\nfn store() {}\n// end epilogue\n');
    const four = '// epilogue\nfn store4(index: u32, value: vec4<f32>) {}\n// end epilogue\n';
    expect(findEpilogue('four', four)).toMatchObject({ store: 'store4', valueType: 'f32' });
    expect(findEpilogue('none', '// epilogue\nfn put() {}\n// end epilogue\n')).toBeUndefined();
    expect(findEpilogue('none', 'fn main() {}')).toBeUndefined();
  });

  test('storage bindings: read is the default, uniforms do not count', () => {
    const text =
      '@group(0) @binding(0) var<uniform> params: Params;\n@group(0) @binding(12) var<storage> x: array<f32>;\n' +
      '@group(0) @binding(1) var<storage, read_write> y: array<f32>;\n// @group(0) @binding(2) var<storage> z: array<f32>;\n';
    expect(findBindings(text).map(({ role, number, access }) => [role, number, access])).toEqual([
      ['x', 12, 'read'],
      ['y', 1, 'read_write'],
    ]);
  });

  test('a module: title, directives once, parts', () => {
    const text = moduleOf('sum', 'enable subgroups;\nfn a() {}', '', 'enable f16;\nenable subgroups;\nlet x: f16 = 1h;');
    expect(text).toBe('// sum\nenable subgroups;\nenable f16;\nfn a() {}\n\nlet x: f16 = 1h;');
    expect(moduleOf('sum', 'let x = y; // no f16')).toBe('// sum\nlet x = y; // no f16');
    expect(plainText('// a\nfn  a() {\n}')).toBe(' fn a() { }');
  });

  test('numbers', () => {
    expect([0, -0, 1.5, 2 ** -24, 2 ** 100].map(finiteLiteral)).toEqual([
      '0.0f',
      '-0.0f',
      '1.5f',
      '5.960464477539063e-8f',
      '1.2676506002282294e+30f',
    ]);
    expect(() => finiteLiteral(1e39)).toThrow('1e+39 has no f32 literal');
    expect([Infinity, -Infinity, NaN, -1].map(f32Literal)).toEqual(['infinity()', '(-infinity())', 'notANumber()', '(-1.0f)']);
    expect([wordOf(1, 'f32'), wordOf(-1, 'i32'), wordOf(2, 'bool'), wordOf(7, 'u32')]).toEqual([0x3f800000, 0xffffffff, 1, 7]);
    const fields = new UniformFields('params', 'Params');
    expect([fields.add('size', 3), fields.add('size', 4), fields.number(Infinity, 'f32'), fields.number(2, 'i32')]).toEqual([
      'params.size',
      'params.size_1',
      'bitcast<f32>(params.constant)',
      '2i',
    ]);
    expect(fields.byName).toEqual({ size: 3, size_1: 4, constant: 0x7f800000 });
    expect(fields.declaration(3)).toBe(
      'struct Params { size: u32, size_1: u32, constant: u32 }\n@group(0) @binding(3) var<uniform> params: Params;',
    );
  });
});
