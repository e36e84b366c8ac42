// The unrolled arithmetic that both cores share: one step of four k's, or one k, over a register tile of `rows` x 4 sums.
// Every sum adds its products in ascending k by fma, whatever the kernel: that is what makes the variants agree bit for bit.

export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const lane = ['x', 'y', 'z', 'w'];

export const indent = (lines: readonly string[], by = 2): string[] => lines.map((line) => (line ? ' '.repeat(by) + line : line));

export const declareSums = (rows: number): string[] => range(rows).map((r) => `var sum${r} = vec4<f32>();`);

/** Four k's. `row(r)` names a vec4 along k of row r; b0 … b3 are vec4s along the columns. */
export const multiplyRows = (rows: number, row: (r: number) => string): string[] => [
  ...range(rows).map((r) => `let row${r} = ${row(r)};`),
  ...range(4).flatMap((k) => range(rows).map((r) => `sum${r} = fma(vec4<f32>(row${r}.${lane[k]}), b${k}, sum${r});`)),
];

/** Four k's. `quad(q, k)` names a vec4 of the rows 4q … 4q + 3 at k. */
export const multiplyQuads = (rows: number, quad: (q: number, k: number) => string): string[] =>
  range(4).flatMap((k) => range(rows / 4).flatMap((q) => multiplyQuad(q, quad(q, k), `b${k}`, `quad${k}_${q}`)));

/** One k of four rows. */
export const multiplyQuad = (q: number, quad: string, b: string, name: string): string[] => [
  `let ${name} = ${quad};`,
  ...range(4).map((i) => `sum${4 * q + i} = fma(vec4<f32>(${name}.${lane[i]}), ${b}, sum${4 * q + i});`),
];

/** From four columns along k to four k's along the columns. */
export const transposeColumns = (): string[] =>
  range(4).map(
    (k) =>
      `let b${k} = vec4<f32>(${range(4)
        .map((c) => `column${c}.${lane[k]}`)
        .join(', ')});`,
  );
