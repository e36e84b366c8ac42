// The unrolled arithmetic of both cores: one step of four k's, or of one k. The register tile has `rows` x 4 sums, or `rows` x 8 sums in
// two quads. Every kernel adds the products of a sum in ascending k by fma, so all variants agree bit for bit.

export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const lane = ['x', 'y', 'z', 'w'];

/** Name of the sums of row r in the q-th quad of columns, a vec4: `sum3`, `sum3_1`. The vec4s of b have the same endings. */
export const sumOf = (r: number, q = 0): string => `sum${r}${ending(q)}`;
export const ending = (q: number): string => (q ? `_${q}` : '');

export const declareSums = (rows: number, quads = 1): string[] =>
  range(rows).flatMap((r) => range(quads).map((q) => `var ${sumOf(r, q)} = vec4<f32>();`));

/** Adds one product to each sum of a row. `factor` is the row's element of a; the quads of b at this k are named b plus an ending. */
const addProducts = (r: number, factor: string, b: string, quads: number): string[] =>
  range(quads).map((q) => `${sumOf(r, q)} = fma(vec4<f32>(${factor}), ${b}${ending(q)}, ${sumOf(r, q)});`);

/** Four k's. `row(r)` names a vec4 along k of row r; b0 … b3 are vec4s along the columns. */
export const multiplyRows = (rows: number, row: (r: number) => string, quads = 1): string[] => [
  ...range(rows).map((r) => `let row${r} = ${row(r)};`),
  ...range(4).flatMap((k) => range(rows).flatMap((r) => addProducts(r, `row${r}.${lane[k]}`, `b${k}`, quads))),
];

/** Four k's. `quad(q, k)` names a vec4 of the rows 4q … 4q + 3 at k. */
export const multiplyQuads = (rows: number, quad: (q: number, k: number) => string, quads = 1): string[] =>
  range(4).flatMap((k) => range(rows / 4).flatMap((q) => multiplyQuad(q, quad(q, k), `b${k}`, `quad${k}_${q}`, quads)));

/** One k of four rows. */
const multiplyQuad = (q: number, quad: string, b: string, name: string, quads = 1): string[] => [
  `let ${name} = ${quad};`,
  ...range(4).flatMap((i) => addProducts(4 * q + i, `${name}.${lane[i]}`, b, quads)),
];

/** Transposes four columns along k into four k's along the columns, in the q-th quad of columns. */
export const transposeColumns = (q = 0): string[] =>
  range(4).map(
    (k) =>
      `let b${k}${ending(q)} = vec4<f32>(${range(4)
        .map((c) => `column${c}${ending(q)}.${lane[k]}`)
        .join(', ')});`,
  );
