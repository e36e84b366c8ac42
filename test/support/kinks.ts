// Results that every stack must compute for the rows at kinks, and a check of them. Each row has one list of tensors, so that a stack may
// evaluate all rows at once.
import { pullback } from '../../src/autodiff/index.ts';
import type { HostArray } from '../../src/core/dtype.ts';
import { topological } from '../../src/graph/graph.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import { alias, onesLike, zerosLike } from '../../src/ops/index.ts';
import golden from '../golden/kinks.json';
import { type GoldenKink, type KinkRow, kinkRows, numbersOf } from '../tables/kinks.ts';

export const goldenKinks = (golden as unknown as { rows: Record<string, GoldenKink> }).rows;

export interface KinkCase {
  readonly name: string;
  readonly golden: GoldenKink;
  readonly row: KinkRow;
}

export const kinkCases: readonly KinkCase[] = Object.entries(kinkRows).map(([name, row]) => ({
  name,
  golden: goldenKinks[name],
  row: typeof row === 'function' ? { call: row } : row,
}));

const leaf = (shape: readonly number[], values: readonly number[]): Tensor =>
  alias(hostTensor({ shape, dtype: 'f32' }, Float32Array.from(values)));

/** The rule of zero cotangents is tested at finite arguments only. */
const finite = (values: readonly number[]): number[] => values.map((x) => (Number.isFinite(x) ? x : 0.5));

/**
 * Tensors to compute for a row: value and gradients, gradients and their gradients for a cotangent of 0, and the jvp of an elementwise row.
 */
export interface KinkGraph {
  readonly value: Tensor;
  readonly gradients: readonly Tensor[];
  readonly zeros: readonly Tensor[];
  readonly jvp: Tensor | undefined;
}

export function kinkGraph({ golden, row }: KinkCase): KinkGraph {
  const make = (values: (words: readonly number[]) => readonly number[]): Tensor[] =>
    golden.inputs.map((input) => leaf(input.shape, values(numbersOf(input))));
  const inputs = make((values) => values);
  const value = row.call(...inputs);
  const cotangent = golden.cotangent ? leaf(golden.cotangent.shape, numbersOf(golden.cotangent)) : onesLike(value);

  const finiteInputs = make(finite);
  const output = row.call(...finiteInputs);
  // Not a constant, which the compiler would fold.
  const nothing = leaf(output.shape, new Array<number>(output.size).fill(0));
  const first = pullback([output], [nothing], finiteInputs);
  const ones = first.map((g) => onesLike(g));
  const second = row.once ? [] : pullback(first, ones, finiteInputs);

  const others = make((values) => values);
  const same = row.call(...others);
  const isElementwise =
    !golden.cotangent &&
    others.length === 1 &&
    topological([same]).every(({ op }) => ['elementwise', 'leaf'].includes(op.lowering.kind) || op.name === 'alias');
  const u = alias(zerosLike(same));
  const jvp = isElementwise ? pullback(pullback([same], [u], others), others.map((x) => onesLike(x)), [u])[0] : undefined; // prettier-ignore
  return { value, gradients: pullback([value], [cotangent], inputs), zeros: [...first, ...second], jvp };
}

export const tensorsOf = ({ value, gradients, zeros, jvp }: KinkGraph): Tensor[] => [value, ...gradients, ...zeros, ...(jvp ? [jvp] : [])];

/** Error relative to the larger of 1 and the expected number. */
const tolerance = 1e-5;

function compare(what: string, got: HostArray, want: readonly number[]): string[] {
  if (got.length !== want.length) return [`${what}: ${got.length} elements instead of ${want.length}`];
  return want.flatMap((x, i) => {
    const y = got[i];
    const same = Number.isNaN(x) ? Number.isNaN(y) : x === y || Math.abs(x - y) <= tolerance * Math.max(1, Math.abs(x));
    return same ? [] : [`${what}, element ${i}: ${y} instead of ${x}`];
  });
}

/** Returns the differences between a stack's results for tensorsOf(kinkGraph(row)) and the expected ones. */
export function complaintsAboutKink({ golden, row }: KinkCase, graph: KinkGraph, results: readonly HostArray[]): string[] {
  const expected = row.differs?.gradients ?? golden.gradients.map(numbersOf);
  const [value, ...rest] = results;
  const slopes = rest.slice(0, expected.length);
  const zeros = rest.slice(expected.length, expected.length + graph.zeros.length);
  return [
    ...compare('value', value, row.differs?.value ?? numbersOf(golden.value)),
    ...slopes.flatMap((g, i) => compare(`gradient ${i}`, g, expected[i])),
    ...zeros.flatMap((g, i) => compare(`gradient ${i} for a cotangent of 0`, g, new Array<number>(g.length).fill(0))),
    ...(graph.jvp ? compare('jvp', rest[rest.length - 1], expected[0]) : []),
  ];
}
