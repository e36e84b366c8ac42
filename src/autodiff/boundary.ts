// Regions with a gradient rule of their own. Each result of a region passes through a `regionResult`, which to gradients depends on the
// `region` node alone; when cotangents arrive there, the rule is asked. In a program nothing of this is left.
import { type OpDefinition, type TensorType, defineOp } from '../graph/op.ts';
import { placeholder } from '../graph/leaves.ts';
import { type Tensor, apply, applyAll } from '../graph/tensor.ts';
import { broadcastTo, sum, zeros } from '../ops/index.ts';
import { batchTensors, rowsOf } from './batch.ts';

/** Cotangents of a region's inputs, of those that are needed, from those of its results; undefined stands for zeros. It depends on its arguments alone. */
export type Rule = (
  inputs: readonly Tensor[],
  cotangents: readonly (Tensor | undefined)[],
  needs: readonly boolean[],
) => readonly (Tensor | undefined)[];

interface RegionAttributes {
  readonly types: readonly TensorType[];
  /** No part of a program's key, since no program holds a region: functions leave no trace in the text of attributes. */
  readonly rule: Rule;
}

/** Its outputs stand for the results and are never read. */
const regionOp: OpDefinition<RegionAttributes> = defineOp<RegionAttributes>({
  name: 'region',
  infer: (_, { types }) => types,
  // dx = rule(x, dy)
  vjp: ({ inputs, cotangents, needs, attributes: { rule } }) => rule(inputs, cotangents, needs),
  reference: ({ outputs, allocate }) => outputs.map(({ dtype }) => allocate(dtype, 0)),
  lowering: { kind: 'view', view: () => undefined },
  batch: ({ inputs, mapped, size, attributes: { types, rule }, apply: applyAgain }) =>
    applyAgain(inputs, {
      types: types.map(({ shape, dtype }) => ({ shape: [size, ...shape], dtype })),
      rule: batchedRule(rule, mapped, size),
    }),
});

const resultOp = defineOp<object>({
  name: 'regionResult',
  infer: ([value]) => [value],
  // All of dy goes to the region; the way through the value is cut.
  vjp: ({ cotangents: [g] }) => [undefined, g],
  reference: ({ inputs: [value] }) => [value.data],
  lowering: { kind: 'view', view: (input) => input },
  simplify: ([value]) => value,
  batch: ({ inputs: [value, token], mapped, size, apply: applyAgain }) =>
    applyAgain([mapped[0] ? value : broadcastTo(value, [size, ...value.shape]), token], {}),
});

/** Float tensors, seen by gradients as the results of a region over `inputs`. */
export function region(inputs: readonly Tensor[], values: readonly Tensor[], rule: Rule): Tensor[] {
  const tokens = applyAll(regionOp, inputs, { types: values.map(({ shape, dtype }) => ({ shape, dtype })), rule });
  return values.map((value, i) => apply(resultOp, [value, tokens[i]], {}));
}

/** The rule of every row at once. An input that is the same for all rows gets the sum of their cotangents. */
function batchedRule(rule: Rule, mapped: readonly boolean[], size: number): Rule {
  return (inputs, cotangents, needs) => {
    const row = ({ shape, dtype }: Tensor): Tensor => placeholder(shape.slice(1), dtype, { position: -1, label: 'one row under vmap' });
    const inputRows = inputs.map((x, i) => (mapped[i] ? row(x) : x));
    const cotangentRows = cotangents.map((g) => g && row(g));
    const results = rule(inputRows, cotangentRows, needs);
    const mappings = [
      ...inputs.flatMap((x, i) => (mapped[i] ? [[inputRows[i], x] as const] : [])),
      ...cotangents.flatMap((g, i) => (g ? [[cotangentRows[i]!, g] as const] : [])),
    ];
    const batched = batchTensors(
      results.map((result) => result ?? zeros([])),
      mappings,
      size,
    );
    return results.map((result, i) => {
      if (!result) return undefined;
      const rows = rowsOf(batched[i], size);
      return mapped[i] ? rows : sum(rows, { axis: 0 });
    });
  };
}

/**
 * x, to be read only when the gates exist. A program reads the same memory, but no subexpression over it is the same as one over x: what is
 * computed from it is computed again, and late.
 */
const recomputeOp = defineOp<object>({
  name: 'recompute',
  infer: ([x]) => [x],
  // The same tensor, later: dx = dy
  vjp: ({ cotangents: [g] }) => [g],
  reference: ({ inputs: [x] }) => [x.data],
  lowering: { kind: 'view', view: (input) => input },
  // A gate has any shape: where x is the same for all rows it stays so, whatever the gates are.
  batch: ({ inputs, apply: applyAgain }) => applyAgain(inputs, {}),
});

export const readAfter = (x: Tensor, gates: readonly Tensor[]): Tensor => (gates.length ? apply(recomputeOp, [x, ...gates], {}) : x);
