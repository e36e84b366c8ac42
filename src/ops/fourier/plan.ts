// The transform on the GPU: one dispatch per factor of the length, alternating between two buffers.
import type { KernelDispatch, KernelPlan, Operand, Target } from '../../graph/op.ts';
import { gridOf, runOf } from '../../graph/workgroups.ts';
import fftSource from '../../../shaders/fft.wgsl?raw';
import { type KernelFile, fillKernel, finiteLiteral } from '../../wgsl/index.ts';
import { factorsOf } from './reference.ts';

const fftKernel: KernelFile = { name: 'fft', text: fftSource };

/** WGSL of the transform of `radix` values v0, v1, …, stored in the order of the pass. */
function butterfly(radix: number): string {
  const loads = Array.from(
    { length: radix },
    (_, j) => `    let v${j} = load(first${j ? ` + ${j}u * step` : ''}, ${j ? `${j}u * k` : '0u'}, direction);`,
  );
  const put = (q: number, value: string): string => `    put(to${q ? ` + ${q}u * apart` : ''}, ${value});`;
  if (radix === 2) return [...loads, put(0, 'v0 + v1'), put(1, 'v0 - v1')].join('\n');
  if (radix === 4) {
    const sums = ['let e0 = v0 + v2', 'let e1 = v0 - v2', 'let o0 = v1 + v3', 'let o1 = rotated(v1 - v3, direction)'];
    const puts = [put(0, 'e0 + o0'), put(1, 'e1 + o1'), put(2, 'e0 - o0'), put(3, 'e1 - o1')];
    return [...loads, ...sums.map((line) => `    ${line};`), ...puts].join('\n');
  }
  // Odd radix: v[j] and v[radix - j] have conjugate roots, and so have results q and radix - q.
  const pairs = Array.from({ length: (radix - 1) / 2 }, (_, i) => i + 1);
  const sums = pairs.flatMap((j) => [
    `    let a${j} = v${j} + v${radix - j};`,
    `    let b${j} = rotated(v${j} - v${radix - j}, direction);`,
  ]);
  const root = (j: number, q: number, of: (angle: number) => number): string =>
    finiteLiteral(of((2 * Math.PI * ((j * q) % radix)) / radix));
  const results = pairs.flatMap((q) => [
    `    let even${q} = v0 + ${pairs.map((j) => `${root(j, q, Math.cos)} * a${j}`).join(' + ')};`,
    `    let odd${q} = ${pairs.map((j) => `${root(j, q, Math.sin)} * b${j}`).join(' + ')};`,
    put(q, `even${q} + odd${q}`),
    put(radix - q, `even${q} - odd${q}`),
  ]);
  return [...loads, ...sums, put(0, `v0 + ${pairs.map((j) => `a${j}`).join(' + ')}`), ...results].join('\n');
}

/** x [outer, n, inner] complex numbers (input 0) -> their transforms (output 0) */
export function planTransform(
  { outer, n, inner }: { readonly outer: number; readonly n: number; readonly inner: number },
  inverse: boolean,
  target: Target,
): KernelPlan {
  const factors = factorsOf(n) ?? [];
  const last = factors.length - 1;
  const temporary = (index: number): Operand => ({ kind: 'temporary', index: index % 2 });
  let span = 1;
  const dispatches = factors.map((radix, i): KernelDispatch => {
    const size = (outer * n * inner) / radix;
    const run = runOf(size, target);
    const from: Operand = i === 0 ? { kind: 'input', index: 0 } : temporary(i - 1);
    const to: Operand = i === last ? { kind: 'output', index: 0 } : temporary(i);
    const pass = {
      name: `fft_radix${radix}`,
      ...fillKernel(fftKernel, {
        constants: { radix },
        blocks: { butterfly: butterfly(radix) },
        params: { size, run, n, inner, span, inverse },
      }),
      operands: [from, to],
      workgroups: gridOf(Math.ceil(size / (run * 64)), target),
    };
    span *= radix;
    return pass;
  });
  const buffer = { shape: [outer, n, inner, 2], dtype: 'f32' } as const;
  return { dispatches, temporaries: Array.from({ length: Math.min(2, last) }, () => buffer) };
}
