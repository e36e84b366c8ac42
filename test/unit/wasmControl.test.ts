// Loops, branches, functions and strips of the compiler to WebAssembly. Each kernel runs on one invocation at a time and on four together.
import { describe, expect, test } from 'vitest';
import { type Elements, runWgsl } from '../support/runWgsl.ts';

/** Number of elements of each buffer: less than four, multiples of four, and remainders. */
const sizes = [1, 2, 3, 4, 5, 6, 7, 8, 9];

interface Kernel {
  /** Declarations of the module. */
  readonly module?: string;
  /** Statements that compute element `i` of `out` from `x`. `n` is the number of elements. */
  readonly body: string;
}

/** A kernel with an invocation for each element, or with one that loops over them. */
function textOf({ module = '', body }: Kernel, workgroup: number | 'loop'): string {
  const bindings = `
@group(0) @binding(0) var<storage> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<uniform> size: vec4<u32>;
${module}`;
  if (workgroup === 'loop') {
    return `${bindings}@compute @workgroup_size(1) fn main() { let n = size.x; for (var i = 0u; i < n; i++) { ${body} } }`;
  }
  return `${bindings}@compute @workgroup_size(${workgroup}) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let n = size.x;
  let i = id.x;
  if (i < n) { ${body} }
}`;
}

/** Compares `out` with `expected(x, i, n)` for every element, at all sizes and in all ways. Elements after the last stay 0. */
function check(
  kernel: Kernel,
  expected: (x: Float32Array, i: number, n: number) => number,
  ways: readonly (number | 'loop')[] = [1, 4, 8, 'loop'],
): void {
  for (const n of sizes) {
    const x = Float32Array.from({ length: n }, (_, i) => Math.fround(1.5 * i - 3.25));
    for (const workgroup of ways) {
      const out = new Float32Array(n + 8);
      const groups = workgroup === 'loop' ? 1 : Math.ceil(n / workgroup);
      runWgsl(textOf(kernel, workgroup), [x, out, Uint32Array.of(n, 0, 0, 0)], [groups, 1, 1]);
      const wanted = Array.from(out, (_, i) => (i < n ? Math.fround(expected(x, i, n)) : 0));
      expect(Array.from(out), `${n} elements, ${workgroup}`).toEqual(wanted);
    }
  }
}

/** Runs one invocation of a body on buffers `a`, `b`, ... of these types, of which the last is written. */
function runOnce(body: string, types: readonly string[], buffers: readonly Elements[], module = ''): void {
  const bindings = types.map(
    (type, i) => `@group(0) @binding(${i}) var<storage${i === types.length - 1 ? ', read_write' : ''}> ${'abcd'[i]}: ${type};`,
  );
  runWgsl(`${module}\n${bindings.join('\n')}\n@compute @workgroup_size(1) fn main() { ${body} }`, buffers);
}

describe('loops', () => {
  test('a sum over earlier elements, in order', () => {
    check({ body: 'var sum = 0.0; for (var j = 0u; j <= i; j++) { sum += x[j] * 0.1; } out[i] = sum;' }, (x, i) => {
      let sum = 0;
      for (let j = 0; j <= i; j++) sum = Math.fround(sum + Math.fround(x[j] * Math.fround(0.1)));
      return sum;
    });
  });

  test('a sum over all elements has the order of its iterations', () => {
    check({ body: 'var sum = 1e8; for (var j = 0u; j < n; j++) { sum = sum + x[j]; } out[i] = sum;' }, (x) =>
      x.reduce((sum, value) => Math.fround(sum + value), 1e8),
    );
  });

  test('break and continue', () => {
    const body = `var sum = 0.0;
      for (var j = 0u; j < n; j++) { if (x[j] < 0.0) { continue; } if (x[j] > 4.0) { break; } sum += x[j]; }
      out[i] = sum + f32(i);`;
    check({ body }, (x, i) => {
      let sum = 0;
      for (const value of x) {
        if (value < 0) continue;
        if (value > 4) break;
        sum = Math.fround(sum + value);
      }
      return sum + i;
    });
  });

  test('loop, while, and a loop that ends by a branch', () => {
    const body = `var j = 0u; var steps = 0.0;
      loop { if (j >= i) { break; } j += 2u; steps += 1.0; }
      while (steps > 2.0) { steps -= 2.0; }
      out[i] = steps + f32(j);`;
    check({ body }, (_, i) => {
      let steps = Math.ceil(i / 2);
      const j = 2 * steps;
      while (steps > 2) steps -= 2;
      return steps + j;
    });
  });

  test('the lanes have different numbers of iterations', () => {
    check({ body: 'var sum = 0.0; for (var j = i; j < n; j += 2u) { sum += x[j]; } out[i] = sum;' }, (x, i, n) => {
      let sum = 0;
      for (let j = i; j < n; j += 2) sum = Math.fround(sum + x[j]);
      return sum;
    });
  });

  test('the end of a loop changes in it', () => {
    check({ body: 'var end = 4u; var steps = 0.0; for (var j = 0u; j < end; j++) { end = 2u; steps += 1.0; } out[i] = steps;' }, () => 2);
    check(
      {
        body: 'var end = 6u; var steps = 0.0; for (var j = 0u; j < end; j++) { if (x[i] > 0.0) { end = 3u; } steps += 1.0; } out[i] = steps;',
      },
      (x, i) => (x[i] > 0 ? 3 : 6),
    );
  });

  test('counters below 0, and ranges that are empty', () => {
    check(
      { body: 'var sum = 0.0; for (var j = -2; j < 2; j++) { sum += f32(j); } for (var j = 3; j < 3; j++) { sum = 100.0; } out[i] = sum;' },
      () => -2,
    );
  });

  test('nested loops with a break of the inner one', () => {
    const body = `var count = 0.0;
      for (var j = 0u; j < 12u; j++) { for (var k = 0u; k < 12u; k++) { if (k > j) { break; } count += 1.0; } if (j == i) { break; } }
      out[i] = count;`;
    check({ body }, (_, i) => ((i + 1) * (i + 2)) / 2);
  });
});

describe('strips', () => {
  test('quotients and remainders by a number that is not constant', () => {
    check({ body: 'let by = n % 4u + 1u; out[i] = x[i / by] + f32(i % by) * 100.0;' }, (x, i, n) => {
      const by = (n % 4) + 1;
      return x[Math.floor(i / by)] + 100 * (i % by);
    });
  });

  test.each([2, 3, 5, 7])('a quotient by %d of a shifted index', (by) => {
    check(
      { body: `let by = n - n + ${by}u; out[i] = f32((i + 1u) / by) + 0.5 * f32((i + 3u) % by);` },
      (_, i) => Math.floor((i + 1) / by) + 0.5 * ((i + 3) % by),
    );
  });

  test('a quotient by 0 is the dividend, and the remainder is 0', () => {
    check({ body: 'let by = n - n; out[i] = f32((i + 1u) / by) + 0.5 * f32((i + 1u) % by);' }, (_, i) => i + 1);
  });

  test('an index that begins below 0 wraps around', () => {
    const wrapped = (i: number): number => (i - 2) >>> 0;
    check({ body: 'let k = i - 2u; out[i] = select(-1.0, f32(k), k < n);' }, (_, i, n) => (wrapped(i) < n ? wrapped(i) : -1));
    check({ body: 'let k = i - 2u; out[i] = select(-1.0, f32(k), k <= n - 1u);' }, (_, i, n) => (wrapped(i) < n ? wrapped(i) : -1));
    check({ body: 'let by = n - n + 3u; out[i] = f32((i - 2u) / by % 1000u);' }, (_, i) => Math.floor(wrapped(i) / 3) % 1000);
    check({ body: 'let by = n - n + 3u; out[i] = f32((i - 2u) % by);' }, (_, i) => wrapped(i) % 3);
    check({ body: 'let k = i32(i) - 2; if (k >= 0 && k < i32(n)) { out[i] = x[k]; } else { out[i] = 9.0; }' }, (x, i) =>
      i < 2 ? 9 : x[i - 2],
    );
  });

  test('comparisons with the largest integer and with 0', () => {
    check({ body: 'out[i] = select(0.0, 1.0, i <= n - n - 1u) + select(0.0, 2.0, i < n - n) + select(0.0, 4.0, i >= n - n);' }, () => 5);
    check({ body: 'out[i] = select(0.0, 1.0, i > n - n - 1u) + select(0.0, 2.0, i <= n - n);' }, (_, i) => (i === 0 ? 2 : 0));
  });

  test('iterations that read what earlier ones wrote', () => {
    const run = (body: string): number[] => {
      const out = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9);
      runOnce(body, ['array<f32>', 'array<f32>'], [Float32Array.of(0), out]);
      return Array.from(out);
    };
    expect(run('for (var i = 0u; i < 9u; i++) { b[i] = b[0] + 1.0; }')).toEqual([2, 3, 3, 3, 3, 3, 3, 3, 3]);
    expect(run('for (var i = 1u; i < 9u; i++) { b[i] = b[i] + b[i - 1u]; }')).toEqual([1, 3, 6, 10, 15, 21, 28, 36, 45]);
    expect(run('for (var i = 0u; i < 8u; i++) { b[i] = b[i + 1u]; }')).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 9]);
    expect(run('for (var i = 0u; i < 9u; i++) { b[8u - i] = b[i]; }')).toEqual([1, 2, 3, 4, 5, 4, 3, 2, 1]);
    expect(run('for (var i = 0u; i < 9u; i++) { b[i / 2u] = f32(i); }')).toEqual([1, 3, 5, 7, 8, 6, 7, 8, 9]);
  });
});

describe('branches and functions', () => {
  test('lanes that diverge: values, stores, and branches in branches', () => {
    const body = `var y = x[i];
      if (y < 0.0) { y = -y; if (i % 2u == 0u) { y += 10.0; } else { out[i] = 5.0; } } else if (y > 4.0) { y = 4.0; }
      out[i] = y;`;
    check({ body }, (x, i) => (x[i] < 0 ? -x[i] + (i % 2 ? 0 : 10) : Math.min(x[i], 4)));
    check({ body: 'if (i % 3u == 1u) { out[i] = 7.0; }' }, (_, i) => (i % 3 === 1 ? 7 : 0));
  });

  test('early returns of functions', () => {
    const module = `fn kind(x: f32) -> f32 { if (x < -1.0) { return -1.0; } for (var k = 0u; k < 20u; k++) { if (f32(k) > x) { return f32(k); } } return 99.0; }
fn nothing(i: u32) { if (i > 2u) { return; } out[i] += 100.0; }`;
    check({ module, body: 'out[i] = kind(x[i]); nothing(i);' }, (x, i) => {
      const kind = x[i] < -1 ? -1 : Math.max(0, Math.floor(x[i]) + 1);
      return kind + (i > 2 ? 0 : 100);
    });
  });

  test('an early return of the entry point', () => {
    check({ body: 'out[i] = 1.0; if (x[i] < 0.0) { return; } out[i] = 2.0;' }, (x, i) => (x[i] < 0 ? 1 : 2), [1, 4, 8]);
  });

  test('logical operators do not load what they do not need', () => {
    check({ body: 'out[i] = select(0.0, 1.0, i + 1u < n && x[i + 1u] > 0.0);' }, (x, i) => Number(x[i + 1] > 0));
    check({ body: 'out[i] = select(0.0, 1.0, i == 0u || x[i - 1u] > 0.0);' }, (x, i) => Number(i === 0 || x[i - 1] > 0));
    check({ body: 'let far = i * 500000000u; out[i] = select(0.0, 1.0, far < n && x[far] < 0.0);' }, (_, i) => Number(i === 0));
  });

  test('select with a load far outside of its buffer', () => {
    check({ body: 'out[i] = select(x[i * 500000000u], 3.0, i > 0u);' }, (x, i) => (i > 0 ? 3 : x[0]));
    check({ body: 'var y = 3.0; if (i == 0u) { y = x[i * 500000000u]; } out[i] = y;' }, (x, i) => (i > 0 ? 3 : x[0]));
  });
});
