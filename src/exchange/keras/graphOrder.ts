// The order in which Keras lists the layers of a graph. Paths of weights count layers of one class in this order.
import { leavesOf } from '../../core/tree.ts';
import type { DescribedCall, DescribedInput, Description, Source, Sources } from './describe.ts';

type Step = DescribedCall | DescribedInput;

/** Names of layers and inputs: by distance from the outputs, and then in the order of a search from the outputs. See keras/src/ops/function.py. */
export function graphOrder({ inputs, outputTree }: Pick<Description, 'inputs' | 'outputTree'>): string[] {
  const keyOf = ({ kind, name }: Step): string => `${kind}:${name}`;
  const sourcesIn = (tree: Sources): Step[] => leavesOf(tree).map(({ value }) => (value as Source).from);
  const indices = new Map<string, number>();
  const finished = new Set<Step>();
  const order: Step[] = [];
  // A search with a list of its own: graphs may be deeper than the stack.
  for (const exit of sourcesIn(outputTree)) {
    const open: { step: Step; rest: Step[] }[] = [];
    const enter = (step: Step): void => {
      if (finished.has(step) || open.some((one) => one.step === step)) return;
      if (!indices.has(keyOf(step))) indices.set(keyOf(step), indices.size);
      open.push({ step, rest: step.kind === 'input' ? [] : sourcesIn(step.inputs) });
    };
    enter(exit);
    while (open.length > 0) {
      const { step, rest } = open[open.length - 1];
      const next = rest.shift();
      if (next) enter(next);
      else {
        open.pop();
        finished.add(step);
        order.push(step);
      }
    }
  }
  const depths = new Map<Step, number>();
  const ofLayers = new Map<string, number>();
  for (const step of [...order].reverse()) {
    const depth = Math.max(depths.get(step) ?? 0, ofLayers.get(keyOf(step)) ?? 0);
    ofLayers.set(keyOf(step), depth);
    depths.set(step, depth);
    if (step.kind === 'call') for (const before of sourcesIn(step.inputs)) depths.set(before, Math.max(depth + 1, depths.get(before) ?? 0));
  }
  for (const one of inputs) {
    if (ofLayers.has(keyOf(one))) continue;
    ofLayers.set(keyOf(one), 0);
    indices.set(keyOf(one), -1);
  }
  return [...ofLayers.keys()].sort((a, b) => ofLayers.get(b)! - ofLayers.get(a)! || indices.get(a)! - indices.get(b)!);
}
