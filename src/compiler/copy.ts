// The op that copies a value into memory of its own.
import { defineOp } from '../graph/op.ts';

/** Copies a view into memory of its own. Only the compiler inserts it. */
export const copyOp = defineOp<object>({
  name: 'copy',
  infer: ([x]) => [x],
  // The graph is differentiated before it is compiled, so no gradient reaches a copy. dx = dy
  vjp: ({ cotangents }) => [cotangents[0]],
  reference: ({ inputs, allocate }) => {
    const out = allocate(inputs[0].dtype, inputs[0].data.length);
    out.set(inputs[0].data);
    return [out];
  },
  lowering: { kind: 'elementwise', expression: ([x]) => x },
});
