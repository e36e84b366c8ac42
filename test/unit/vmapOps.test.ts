// vmap against the loop it replaces, for every row of the tables: values, a gradient for each row, the gradient of all rows. And which ops have
// no batching rule, each with its reason.
import { describe, expect, test } from 'vitest';
import { grad, vmap } from '../../src/autodiff/index.ts';
import { isFloat } from '../../src/core/dtype.ts';
import { type OpDefinition, definedOps } from '../../src/graph/op.ts';
import { topological } from '../../src/graph/graph.ts';
import { type Tensor, hostTensor } from '../../src/graph/tensor.ts';
import '../../src/index.ts';
import * as o from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { opRows } from '../tables/index.ts';
import { type OpRow, f, row, valuesOf } from '../tables/row.ts';

const size = 3;

/** Attention over more than 512 x 512 pairs uses separate kernels. */
const longSequences = [f([1, 1, 520, 4]), f([1, 1, 520, 4]), f([1, 1, 520, 4])];
const rows: readonly OpRow[] = [
  ...opRows.filter(({ inputs }) => inputs.length > 0),
  row('scaledDotProductAttention flash', longSequences, (q, k, v) => o.scaledDotProductAttention(q, k, v, { isCausal: true })),
];

/** Inputs of one row of the function, or of all of them. */
const inputsOf = ({ inputs }: OpRow, mapped: readonly boolean[]): Tensor[] =>
  inputs.map((spec, k) => {
    const shape = mapped[k] ? [size, ...spec.shape] : spec.shape;
    return o.alias(hostTensor({ shape, dtype: spec.dtype }, valuesOf({ ...spec, shape }, k, 'f64')));
  });

/** fn on each row, the results stacked. */
function loop(fn: (...args: Tensor[]) => Tensor, args: readonly Tensor[], mapped: readonly boolean[]): Tensor {
  const parts = args.map((x, i) => (mapped[i] ? o.unstack(x) : undefined));
  return o.stack(Array.from({ length: size }, (_, at) => fn(...args.map((x, i) => parts[i]?.[at] ?? x))));
}

function expectSame(actual: readonly Tensor[], expected: readonly Tensor[]): void {
  const [found, wanted] = [interpret(actual, { mode: 'f64' }), interpret(expected, { mode: 'f64' })];
  actual.forEach((x, k) => {
    expect(x.shape).toEqual(expected[k].shape);
    expect(x.dtype).toBe(expected[k].dtype);
    const largest = Math.max(1, ...Array.from(wanted[k], Math.abs).filter(Number.isFinite));
    wanted[k].forEach((value: number, i: number) => {
      const ok = Object.is(found[k][i], value) || Math.abs(found[k][i] - value) <= 1e-11 * largest;
      if (!ok) expect.fail(`element ${i}: ${found[k][i]} instead of ${value}`);
    });
  });
}

/** All inputs mapped, and each one by itself. */
const choices = (count: number): boolean[][] => [
  new Array<boolean>(count).fill(true),
  ...(count > 1 ? Array.from({ length: count }, (_, k) => Array.from({ length: count }, (__, i) => i === k)) : []),
];

describe('vmap is the loop', () => {
  test.each(rows.map((each) => [each.name, each] as const))('%s', (_, each) => {
    for (const mapped of choices(each.inputs.length)) {
      const args = inputsOf(each, mapped);
      const axes = mapped.map((m) => (m ? 0 : null));
      expectSame([vmap(each.call, axes)(...args)], [loop(each.call, args, mapped)]);
      if (each.gradient === 'none') continue;
      const floats = args.flatMap((x, i) => (isFloat(x.dtype) ? [i] : []));
      const scalar = (fn: (...t: Tensor[]) => Tensor) => grad((...t: Tensor[]) => o.sum(o.sin(fn(...t))), { argnums: floats });
      const slopes = scalar(each.call);
      const perRow = vmap((...t: Tensor[]) => slopes(...t), axes)(...args);
      expectSame(
        perRow,
        floats.map((__, k) => loop((...t) => slopes(...t)[k], args, mapped)),
      );
      expectSame(scalar(vmap(each.call, axes))(...args), scalar((...t) => loop(each.call, t, mapped))(...args));
    }
  });
});

/** Ops without a batching rule, each with its reason. Elementwise ops need no rule: they do not depend on the position of an element. */
const withoutRule: Record<string, string> = {
  placeholder: 'has its value from outside: vmap puts the tensor of all rows in its place',
  constant: 'takes no tensor: the same for every row',
  iota: 'takes no tensor: the same for every row',
};

/** Elementwise ops that do not depend on the position. */
const knowsNoPlace = ({ lowering }: OpDefinition): boolean =>
  lowering.kind === 'elementwise' && !lowering.expression.toString().includes('index');

test('every op has a batching rule, is elementwise, or is listed with its reason', () => {
  const lacking = [...definedOps().values()].filter((op) => !op.batch && !knowsNoPlace(op)).map(({ name }) => name);
  expect(lacking.sort()).toEqual(Object.keys(withoutRule).sort());
  expect(Object.values(withoutRule).every((reason) => reason.length > 20)).toBe(true);
});

test('a function under vmap grows by an op, not by an op for each row', () => {
  const counts = rows.map((each) => {
    const args = inputsOf(
      each,
      each.inputs.map(() => true),
    );
    const more = args.map((x) => o.concat([x, x, x, x]));
    const nodes = (inputs: readonly Tensor[]): number => {
      const made = vmap(each.call)(...inputs);
      return topological([made], (tensor) => inputs.includes(tensor)).length;
    };
    return { name: each.name, few: nodes(args), many: nodes(more) };
  });
  expect(counts.filter(({ few, many }) => many > few)).toEqual([]);
});
