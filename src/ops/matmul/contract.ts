// Contractions: sums of products over labelled axes, carried out as matrix products. einsum and tensordot both stand on it.
import { isFloat } from '../../core/dtype.ts';
import { sizeOf } from '../../core/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { mul } from '../elementwise/arithmetic.ts';
import { matmul } from './matmul.ts';
import { sum } from '../reduce/reduce.ts';
import { reshape, transpose } from '../shape/shape.ts';

/** A tensor whose axes have names; none occurs twice. */
export interface Labelled {
  readonly x: Tensor;
  readonly labels: readonly string[];
}

/** The axes in the order of `labels`, which names each once. */
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
 * Σ a b over the labels that are not kept. Equal labels have equal sizes. Transposes and reshapes are views in front of the product where
 * strides can express them, so shared labels are walked in the order of the larger operand.
 */
export function contractPair(left: Labelled, right: Labelled, kept: ReadonlySet<string>): Labelled {
  const inRight = new Set(right.labels);
  const inLeft = new Set(left.labels);
  // What only one operand has and nobody wants is summed before it is multiplied.
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

/** A contraction as a tree: an operand's number, or two trees to contract. */
export type Order = number | readonly [Order, Order];

/** Beyond so many operands the best order is not searched for: 3ⁿ splits are looked at. */
const searched = 8;

/**
 * The order of least work: of all trees for up to eight operands, else always the cheapest pair next. A product's work is the number of its
 * multiplications, the sizes of all labels of both operands multiplied.
 */
export function bestOrder(terms: readonly (readonly string[])[], output: readonly string[], sizes: ReadonlyMap<string, number>): Order {
  const volume = (labels: Iterable<string>): number => sizeOf([...labels].map((label) => sizes.get(label) ?? 1));
  return terms.length <= searched ? cheapestTree(terms, output, volume) : cheapestPairs(terms, output, volume);
}

type Volume = (labels: Iterable<string>) => number;

function cheapestTree(terms: readonly (readonly string[])[], output: readonly string[], volume: Volume): Order {
  const all = (1 << terms.length) - 1;
  const labelsIn = (set: number): Set<string> => new Set(terms.flatMap((labels, i) => ((set >> i) & 1 ? labels : [])));
  /** What is left of a set of operands once they are contracted: labels that others or the output still want. */
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
      // Each split once, and the operands in their order: the part with the first of them goes left.
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
