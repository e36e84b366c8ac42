// The op that gives a value memory of its own.
import { defineOp } from '../graph/op.ts';

/** Copies a view into memory of its own. Inserted by the compiler only. */
export const copyOp = defineOp<object>({
  name: 'copy',
  infer: ([x]) => [x],
  // The graph is differentiated before it is compiled: no gradient ever reaches a copy, and the identity's would be the cotangent.
  vjp: ({ cotangents }) => [cotangents[0]],
  reference: ({ inputs, allocate }) => {
    const out = allocate(inputs[0].dtype, inputs[0].data.length);
    out.set(inputs[0].data);
    return [out];
  },
  lowering: { kind: 'elementwise', expression: ([x]) => x },
});
