// Regions with a gradient rule of their own. Each result of a region passes through a `regionResult`. For gradients it depends only on the
// `region` node, whose vjp calls the rule. A program contains neither of the two ops.
import { type OpDefinition, type TensorType, defineOp } from '../graph/op.ts';
import { placeholder } from '../graph/leaves.ts';
import { type Tensor, apply, applyAll } from '../graph/tensor.ts';
import { broadcastTo, sum, zeros } from '../ops/index.ts';
import { batchTensors, rowsOf } from './batch.ts';

/**
 * Returns the needed cotangents of a region's inputs, from those of its results. Undefined means zeros. The rule must not depend on
 * anything but its arguments.
 */
export type Rule = (
  inputs: readonly Tensor[],
  cotangents: readonly (Tensor | undefined)[],
  needs: readonly boolean[],
) => readonly (Tensor | undefined)[];

interface RegionAttributes {
  readonly types: readonly TensorType[];
  /** A program's key does not contain it, because programs contain no region. */
  readonly rule: Rule;
}

/** Its outputs represent the results and are never read. */
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
  // All of dy goes to the region. None goes through the value.
  vjp: ({ cotangents: [g] }) => [undefined, g],
  reference: ({ inputs: [value] }) => [value.data],
  lowering: { kind: 'view', view: (input) => input },
  simplify: ([value]) => value,
  batch: ({ inputs: [value, token], mapped, size, apply: applyAgain }) =>
    applyAgain([mapped[0] ? value : broadcastTo(value, [size, ...value.shape]), token], {}),
});

/** Makes float tensors that are the results of a region over `inputs` for gradients. */
export function region(inputs: readonly Tensor[], values: readonly Tensor[], rule: Rule): Tensor[] {
  const tokens = applyAll(regionOp, inputs, { types: values.map(({ shape, dtype }) => ({ shape, dtype })), rule });
  return values.map((value, i) => apply(resultOp, [value, tokens[i]], {}));
}

/** The rule for all rows at once. An input that is equal for every row gets the sum of their cotangents. */
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
 * x, to be read only after the gates are computed. A program reads the same memory. Expressions over the result are not merged with those
 * over x, so they are computed again, and late.
 */
const recomputeOp = defineOp<object>({
  name: 'recompute',
  infer: ([x]) => [x],
  // dx = dy
  vjp: ({ cotangents: [g] }) => [g],
  reference: ({ inputs: [x] }) => [x.data],
  lowering: { kind: 'view', view: (input) => input },
  // Gates have any shape. If x is equal for every row, so is the result.
  batch: ({ inputs, apply: applyAgain }) => applyAgain(inputs, {}),
});

export const readAfter = (x: Tensor, gates: readonly Tensor[]): Tensor => (gates.length ? apply(recomputeOp, [x, ...gates], {}) : x);
