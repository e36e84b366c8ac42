// Every kernel of a graph on a device against its op's reference, node by node, so that errors do not add up.
import { expect } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import type { HostArray } from '../../src/core/dtype.ts';
import { RandomStream } from '../../src/core/random.ts';
import { type Shape, contiguousView } from '../../src/core/shape.ts';
import { topological } from '../../src/graph/graph.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import type { Target } from '../../src/graph/op.ts';
import type { Node, Tensor } from '../../src/graph/tensor.ts';
import { mul, sin, sum } from '../../src/ops/index.ts';
import { interpret } from '../../src/runtime/cpu.ts';
import { noteError } from '../support/findings.ts';
import type { PlanDevice } from '../support/planDevice.ts';
import { runPlan } from './runPlan.ts';

export const stream = RandomStream.fromSeed(5);
/** Mostly small numbers with a spike now and then, so that a lost or doubled term shows. */
export const spiky = (): number => (stream.uniform() < 0.02 ? 100 : 1) * (stream.uniform() * 2 - 1);

export type Feeds = Map<Tensor, HostArray>;

/** Runs the node's kernel twice on the inputs that the reference computes. The bits must be equal. */
export async function checkNode(device: PlanDevice, node: Node, feeds: Feeds, target: Target, family = 'windows'): Promise<void> {
  const { lowering } = node.op;
  if (lowering.kind !== 'kernel') return;
  const views = node.inputs.map(({ shape }) => contiguousView(shape));
  const plan = lowering.plan({ inputs: node.inputs, views, outputs: node.types, attributes: node.attributes, target });
  const inputs = interpret(node.inputs, { feeds });
  const run = (): Promise<HostArray[]> =>
    runPlan(
      device,
      plan,
      inputs.map((data, i) => ({ dtype: node.inputs[i].dtype, data })),
      node.types,
    );
  const actual = await run();
  expect(await run()).toEqual(actual);
  const whole = ({ dtype }: { dtype: string }): boolean => dtype === 'i32' || dtype === 'u32';
  const reference = (map: (x: number) => number): readonly HostArray[] =>
    node.op.reference({
      inputs: node.inputs.map(({ shape, dtype }, i) => ({
        shape,
        dtype,
        data: Float64Array.from(inputs[i], (x) => (whole(node.inputs[i]) ? x : map(x))),
      })),
      outputs: node.types,
      attributes: node.attributes,
      allocate: (_, size) => new Float64Array(size),
    });
  const [expected, terms, counts] = [(x: number) => x, Math.abs, () => 1].map(reference);
  const unit = node.types[0].dtype === 'f16' ? 2 ** -10 : 2 ** -23;
  const where = `${node.op.name} (${plan.dispatches[0].name}) ${JSON.stringify(node.types[0].shape)}`;
  actual.forEach((values, output) => {
    expect(values.length).toBe(expected[output].length);
    values.forEach((value, i) => {
      // A mean of three ones counts as one term: two more for the division.
      const bound = (Math.max(1, counts[output][i]) + 2) * unit * Math.abs(terms[output][i]);
      const error = Object.is(value, expected[output][i]) ? 0 : Math.abs(value - expected[output][i]);
      noteError(family, plan.dispatches[0].name, error, bound);
      if (!(error <= bound)) expect.fail(`${where}: element ${i} is ${value}, expected ${expected[output][i]}`);
    });
  });
}

/** Checks every kernel in the graph of fn's result and of its gradients, and of theirs. */
export async function checkKernels(
  device: PlanDevice,
  target: Target,
  shapes: readonly Shape[],
  fn: (...inputs: Tensor[]) => Tensor,
  family?: string,
): Promise<void> {
  const inputs = shapes.map((shape, position) => placeholder(shape, 'f32', { position }));
  const feeds: Feeds = new Map(inputs.map((x) => [x, Float32Array.from({ length: x.size }, spiky)]));
  const y = fn(...inputs);
  const outputs = gradients(sum(mul(sin(y), y)), inputs);
  for (const node of topological(outputs)) await checkNode(device, node, feeds, target, family);
}
