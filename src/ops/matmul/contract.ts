// Contractions: sums of products over labelled axes, computed as matrix products. einsum and tensordot use them.
import { isFloat } from '../../core/dtype.ts';
import { sizeOf } from '../../core/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { mul } from '../elementwise/arithmetic.ts';
import { matmul } from './matmul.ts';
import { sum } from '../reduce/reduce.ts';
import { reshape, transpose } from '../shape/shape.ts';

/** A tensor with one unique name per axis. */
export interface Labelled {
  readonly x: Tensor;
  readonly labels: readonly string[];
}

/** Permutes the axes into the order of `labels`. Each label occurs once. */
export const arrange = ({ x, labels }: Labelled, order: readonly string[]): Tensor =>
  transpose(
    x,
    order.map((label) => labels.indexOf(label)),
  );

/** Sums over the axes that are not kept. */
export function sumOver({ x, labels }: Labelled, kept: ReadonlySet<string>): Labelled {
  const axis = labels.flatMap((label, i) => (kept.has(label) ? [] : [i]));
  return axis.length === 0 ? { x, labels } : { x: sum(x, { axis }), labels: labels.filter((label) => kept.has(label)) };
}

/**
 * Σ a b over the labels that are not kept. Equal labels have equal sizes. Transposes and reshapes become views if strides can express them,
 * so shared labels are read in the order of the larger operand.
 */
export function contractPair(left: Labelled, right: Labelled, kept: ReadonlySet<string>): Labelled {
  const inRight = new Set(right.labels);
  const inLeft = new Set(left.labels);
  // Labels that only one operand has, and that are not kept, are summed before the product.
  const a = sumOver(left, new Set([...kept, ...inRight]));
  const b = sumOver(right, new Set([...kept, ...inLeft]));
  const shared = (a.x.size >= b.x.size ? a : b).labels.filter((label) => inLeft.has(label) && inRight.has(label));
  const batch = shared.filter((label) => kept.has(label));
  const summed = shared.filter((label) => !kept.has(label));
  const rows = a.labels.filter((label) => !inRight.has(label));
  const columns = b.labels.filter((label) => !inLeft.has(label));
  const labels = [...batch, ...rows, ...columns];

  const p = arrange(a, [...batch, ...rows, ...summed]);
  const q = arrange(b, [...batch, ...summed, ...columns]);
  const cut = batch.length;
  const outer = p.shape.slice(0, cut);
  const rowShape = p.shape.slice(cut, cut + rows.length);
  const summedShape = p.shape.slice(cut + rows.length);
  const columnShape = q.shape.slice(cut + summed.length);
  if (summed.length === 0) {
    const spread = mul(
      reshape(p, [...outer, ...rowShape, ...columnShape.map(() => 1)]),
      reshape(q, [...outer, ...rowShape.map(() => 1), ...columnShape]),
    );
    return { x: spread, labels };
  }
  const [m, k, n] = [rowShape, summedShape, columnShape].map(sizeOf);
  const product = isFloat(a.x.dtype)
    ? matmul(reshape(p, [...outer, m, k]), reshape(q, [...outer, k, n]))
    : // Whole numbers are exact without a matrix product, which is made for floats.
      sum(mul(reshape(p, [...outer, m, k, 1]), reshape(q, [...outer, 1, k, n])), { axis: -2 });
  return { x: reshape(product, [...outer, ...rowShape, ...columnShape]), labels };
}

/** A contraction tree: an operand's number, or two trees to contract. */
export type Order = number | readonly [Order, Order];

/** Maximum number of operands for an exhaustive search, which looks at 3ⁿ splits. */
const searched = 8;

/**
 * The contraction order with the least work. Up to eight operands: the best of all trees; otherwise the cheapest pair each time. The work
 * of a product is its number of multiplications: the product of the sizes of all labels of both operands.
 */
export function bestOrder(terms: readonly (readonly string[])[], output: readonly string[], sizes: ReadonlyMap<string, number>): Order {
  const volume = (labels: Iterable<string>): number => sizeOf([...labels].map((label) => sizes.get(label) ?? 1));
  return terms.length <= searched ? cheapestTree(terms, output, volume) : cheapestPairs(terms, output, volume);
}

type Volume = (labels: Iterable<string>) => number;

function cheapestTree(terms: readonly (readonly string[])[], output: readonly string[], volume: Volume): Order {
  const all = (1 << terms.length) - 1;
  const labelsIn = (set: number): Set<string> => new Set(terms.flatMap((labels, i) => ((set >> i) & 1 ? labels : [])));
  /** Labels that remain after a set of operands is contracted: other operands or the output need them. */
  const left = Array.from({ length: all + 1 }, (_, set) => {
    const wanted = new Set([...output, ...labelsIn(all & ~set)]);
    return [...labelsIn(set)].filter((label) => wanted.has(label));
  });
  const best = new Array<{ cost: number; order: Order }>(all + 1);
  for (let set = 1; set <= all; set++) {
    if ((set & (set - 1)) === 0) {
      best[set] = { cost: 0, order: Math.log2(set) };
      continue;
    }
    best[set] = { cost: Infinity, order: 0 };
    for (let part = (set - 1) & set; part > 0; part = (part - 1) & set) {
      const rest = set & ~part;
      // Visits each split once, in the order of the operands: the left part has the first operand.
      if ((part & -part) > (rest & -rest)) continue;
      const cost = best[part].cost + best[rest].cost + volume(new Set([...left[part], ...left[rest]]));
      if (cost < best[set].cost) best[set] = { cost, order: [best[part].order, best[rest].order] };
    }
  }
  return best[all].order;
}

function cheapestPairs(terms: readonly (readonly string[])[], output: readonly string[], volume: Volume): Order {
  let open = terms.map((labels, i): { labels: readonly string[]; order: Order } => ({ labels, order: i }));
  while (open.length > 1) {
    let pair = [0, 1];
    let least = Infinity;
    for (let i = 0; i < open.length; i++) {
      for (let j = i + 1; j < open.length; j++) {
        const cost = volume(new Set([...open[i].labels, ...open[j].labels]));
        if (cost < least) [least, pair] = [cost, [i, j]];
      }
    }
    const [a, b] = pair.map((i) => open[i]);
    const others = open.filter((_, i) => !pair.includes(i));
    const wanted = new Set([...output, ...others.flatMap(({ labels }) => labels)]);
    const labels = [...new Set([...a.labels, ...b.labels])].filter((label) => wanted.has(label));
    open = [...others, { labels, order: [a.order, b.order] }];
  }
  return open[0].order;
}
