// Einstein summation and tensordot. tensordot is the case of two operands and paired axes.
import { promote } from '../../core/dtype.ts';
import { ArgumentError, ShapeError } from '../../core/errors.ts';
import { formatShape, normalizeAxes, normalizeAxis } from '../../core/shape.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { checkTensor, inWords } from '../operands/arguments.ts';
import { cast } from '../elementwise/cast.ts';
import { type Labelled, type Order, arrange, bestOrder, contractPair, sumOver } from './contract.ts';
import { lift } from '../operands/operands.ts';
import { mainDiagonal, reshape, transpose } from '../shape/shape.ts';

interface Equation {
  /** The labels of each operand. Axes of an ellipsis are named by their distance from its end: '0', '1', … */
  readonly terms: readonly (readonly string[])[];
  readonly output: readonly string[];
}

function parse(equation: string, operands: readonly Tensor[]): Equation {
  const fail = (what: string): never => {
    throw new ArgumentError(`einsum: '${equation}': ${what}`);
  };
  const [inputs, result, ...more] = equation.replaceAll(' ', '').split('->');
  if (more.length > 0) fail(`has more than one '->'; write the inputs, '->' and the output`);
  const texts = inputs.split(',');
  if (texts.length !== operands.length) fail(`names ${texts.length} operands, ${operands.length} were given; separate them by commas`);
  const labelsOf = (text: string, hidden: number): string[] => {
    const [before, after, ...others] = text.split('...');
    if (others.length > 0) fail(`'${text}' has more than one '...'; one is enough for all unnamed axes`);
    const named = (part: string): string[] =>
      [...part].map((label) => (/[a-zA-Z]/.test(label) ? label : fail(`'${label}' is no label; use letters, ',', '->' and '...'`)));
    if (after === undefined) return named(before);
    return [...named(before), ...Array.from({ length: hidden }, (_, i) => String(hidden - 1 - i)), ...named(after)];
  };
  const terms = texts.map((text, i) => {
    const { rank, shape } = operands[i];
    const named = text.replaceAll('...', '').length;
    const fits = text.includes('...') ? named <= rank : named === rank;
    if (!fits) fail(`'${text}' names ${named} axes, operand ${i} is ${formatShape(shape)}; name every axis, or use '...' for the rest`);
    return labelsOf(text, rank - named);
  });
  const flat = terms.flat();
  const hidden = [...new Set(flat.filter((label) => /\d/.test(label)))].sort((a, b) => Number(b) - Number(a));
  if (result === undefined) {
    // Implicit output: the labels that occur once, in alphabetical order, after the unnamed axes.
    const once = [...new Set(flat)].filter((label) => /[a-zA-Z]/.test(label) && flat.indexOf(label) === flat.lastIndexOf(label));
    return { terms, output: [...hidden, ...once.sort()] };
  }
  const output = labelsOf(result, hidden.length);
  output.forEach((label, i) => {
    if (output.indexOf(label) !== i) fail(`the output names '${label}' twice; each label may occur there once`);
    if (!flat.includes(label)) fail(`the output's '${label}' is in no input; a new axis is made by expandDims(x, axis)`);
  });
  return { terms, output };
}

/** Size of each label. Sizes are equal, or 1 for a broadcast operand. */
function measure(equation: string, { terms }: Equation, operands: readonly Tensor[]): Map<string, number> {
  const sizes = new Map<string, number>();
  terms.forEach((labels, i) => {
    labels.forEach((label, axis) => {
      const size = operands[i].shape[axis];
      const known = sizes.get(label) ?? 1;
      if (size !== known && size !== 1 && known !== 1) {
        const what = /\d/.test(label) ? '...' : label;
        const shapes = operands.map((t) => formatShape(t.shape)).join(', ');
        throw new ShapeError(
          `einsum: '${equation}': '${what}' has sizes ${known} and ${size} in ${shapes}; equal labels need equal sizes, or 1`,
        );
      }
      if (known === 1) sizes.set(label, size);
    });
  });
  return sizes;
}

/** Returns an operand with each label once. A repeated label takes the diagonal; labels along which it is broadcast are removed. */
function prepare(equation: string, operand: Tensor, names: readonly string[], sizes: ReadonlyMap<string, number>): Labelled {
  let x = operand;
  let labels = [...names];
  for (const label of new Set(names)) {
    for (;;) {
      const first = labels.indexOf(label);
      const second = labels.indexOf(label, first + 1);
      if (second < 0) break;
      if (x.shape[first] !== x.shape[second]) {
        throw new ShapeError(
          `einsum: '${equation}': the diagonal '${label}${label}' of ${formatShape(operand.shape)} runs over sizes ${x.shape[first]} and ${x.shape[second]}; they must be equal`,
        );
      }
      const others = labels.flatMap((_, i) => (i === first || i === second ? [] : [i]));
      x = mainDiagonal(transpose(x, [...others, first, second]));
      labels = [...others.map((i) => labels[i]), label];
    }
  }
  const kept = labels.flatMap((label, i) => (x.shape[i] === sizes.get(label) ? [i] : []));
  if (kept.length === labels.length) return { x, labels };
  return {
    x: reshape(
      x,
      kept.map((i) => x.shape[i]),
    ),
    labels: kept.map((i) => labels[i]),
  };
}

/**
 * Einstein summation: multiplies the elements of all operands and sums over every label that is not in the output. A label that occurs
 * twice in one operand takes its diagonal. '...' means unnamed axes, which broadcast. Without '->' the output is the unnamed axes, then the
 * labels that occur once, in alphabetical order. Several operands are contracted pair by pair, as matrix products, in the order of least
 * work.
 *
 * @throws ArgumentError for an equation that does not parse or does not fit the operands' ranks, ShapeError if sizes differ.
 *
 *     einsum('bij,bjk->bik', a, b)   // a batch of matrix products
 *     einsum('ii', a)                // the trace
 *     einsum('...i,i->...', x, w)    // [32,10,7], [7] -> [32,10]
 */
export function einsum(equation: string, ...operands: readonly Tensor[]): Tensor {
  if (typeof equation !== 'string') {
    throw new ArgumentError(`einsum: the first argument is ${inWords(equation)}; it is the equation, such as 'ij,jk->ik'`);
  }
  if (operands.length === 0) throw new ArgumentError(`einsum: '${equation}': takes tensors after the equation, got none`);
  operands.forEach((operand, i) => checkTensor('einsum', `operand ${i} of '${equation}'`, operand));
  const dtype = lift(
    operands.map((t) => t.dtype).reduce((a, b) => promote('einsum', a, b)),
    'number',
  );
  const parsed = parse(equation, operands);
  const sizes = measure(equation, parsed, operands);
  const terms = operands.map((t, i) => prepare(equation, cast(t, dtype), parsed.terms[i], sizes));

  const contract = (order: Order, wanted: readonly string[]): Labelled => {
    if (typeof order === 'number') return terms[order];
    const [left, right] = order;
    const a = contract(left, [...wanted, ...labelsOf(right)]);
    const b = contract(right, [...wanted, ...labelsOf(left)]);
    return contractPair(a, b, new Set(wanted));
  };
  const labelsOf = (order: Order): readonly string[] =>
    typeof order === 'number' ? terms[order].labels : [...labelsOf(order[0]), ...labelsOf(order[1])];

  const labels = terms.map((term) => term.labels);
  const result = sumOver(contract(bestOrder(labels, parsed.output, sizes), parsed.output), new Set(parsed.output));
  return arrange(result, parsed.output);
}

/** Axes to pair: the last n of a with the first n of b, or two lists of axes in the same order. */
export type TensordotAxes = number | readonly [number | readonly number[], number | readonly number[]];

/**
 * Sum of products over pairs of axes: the last `axes` of a with the first of b, or the listed ones, `[ofA, ofB]`. The result has the other
 * axes of a, then the other axes of b.
 *
 * a [..I, ..K], b [..K, ..J] -> [..I, ..J].
 * @throws ArgumentError for axes that do not pair, ShapeError for paired axes of different size.
 *
 *     tensordot(a, b, 1)               // the matrix product
 *     tensordot(a, b, [[0, 1], [1, 0]])
 */
export function tensordot(a: Tensor, b: Tensor, axes: TensordotAxes = 2): Tensor {
  checkTensor('tensordot', 'a', a);
  checkTensor('tensordot', 'b', b);
  const [ofA, ofB] = pairedAxes(a, b, axes);
  ofA.forEach((axis, i) => {
    if (a.shape[axis] === b.shape[ofB[i]]) return;
    throw new ShapeError(
      `tensordot: axis ${axis} of ${formatShape(a.shape)} and axis ${ofB[i]} of ${formatShape(b.shape)} are paired; their sizes must be equal`,
    );
  });
  const dtype = lift(promote('tensordot', a.dtype, b.dtype), 'number');
  const left = a.shape.map((_, i) => `a${i}`);
  const right = b.shape.map((_, i) => (ofB.includes(i) ? `a${ofA[ofB.indexOf(i)]}` : `b${i}`));
  const output = [...left.filter((label) => !right.includes(label)), ...right.filter((label) => !left.includes(label))];
  const result = contractPair({ x: cast(a, dtype), labels: left }, { x: cast(b, dtype), labels: right }, new Set(output));
  return arrange(result, output);
}

function pairedAxes(a: Tensor, b: Tensor, axes: TensordotAxes): [number[], number[]] {
  const shapes = `${formatShape(a.shape)} and ${formatShape(b.shape)}`;
  if (typeof axes === 'number') {
    if (!Number.isInteger(axes) || axes < 0 || axes > Math.min(a.rank, b.rank)) {
      throw new ArgumentError(`tensordot: ${axes} axes of ${shapes}; use a whole number from 0 to ${Math.min(a.rank, b.rank)}`);
    }
    return [Array.from({ length: axes }, (_, i) => a.rank - axes + i), Array.from({ length: axes }, (_, i) => i)];
  }
  const pair: unknown = axes;
  if (!Array.isArray(pair) || pair.length !== 2 || !pair.every((list) => typeof list === 'number' || Array.isArray(list))) {
    throw new ArgumentError(
      `tensordot: axes of ${shapes} are ${inWords(axes)}; give a number of axes, or a pair [of the first, of the second]`,
    );
  }
  const named = [a, b].map((t, i) => {
    const list = typeof axes[i] === 'number' ? [axes[i]] : axes[i];
    normalizeAxes('tensordot', list, t.rank);
    return list.map((axis) => normalizeAxis('tensordot', axis, t.rank));
  });
  if (named[0].length !== named[1].length) {
    throw new ArgumentError(
      `tensordot: ${named[0].length} axes of the first and ${named[1].length} of the second of ${shapes}; name pairs`,
    );
  }
  return [named[0], named[1]];
}
