// Caches plans of kernel families. A recurrence computes the same product at every step, and a stack of layers in each layer.
import { attributesKey } from '../graph/graph.ts';
import type { KernelPlan, Target, TensorType } from '../graph/op.ts';
import type { Node } from '../graph/tensor.ts';
import type { Sources } from './views.ts';

const typeOf = ({ dtype, shape }: TensorType): string => `${dtype} ${shape.join()}`;

/** Returns the plan of a kernel node. It is made once for equal op, operands and attributes. */
export function kernelPlans(sources: Sources, target: Target): (anchor: Node) => KernelPlan {
  const known = new Map<string, KernelPlan>();
  return ({ op, inputs, types, attributes }) => {
    const { lowering } = op;
    if (lowering.kind !== 'kernel') throw new Error(`${op.name} is no kernel`);
    const views = inputs.map((input) => sources.get(input).view);
    const operands = views.map(({ shape, strides, offset }, i) => `${typeOf(inputs[i])} ${shape.join()} ${strides.join()} ${offset}`);
    const key = [op.name, ...operands, ...types.map(typeOf), attributesKey(attributes)].join('|');
    let plan = known.get(key);
    if (!plan) known.set(key, (plan = lowering.plan({ inputs, views, outputs: types, attributes, target })));
    return plan;
  };
}
