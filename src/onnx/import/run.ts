// Computes a planned graph: every node becomes ops of the library.
import { FormatError, OmbreError } from '../../core/errors.ts';
import { withScope } from '../../graph/scope.ts';
import { Call, type Rule, asValue } from './call.ts';
import { folded } from './fold.ts';
import type { PlannedGraph, PlannedNode } from './plan.ts';
import { Value } from './value.ts';

/** Names of one graph and of the graphs around it. */
class Scope {
  private readonly values = new Map<string, Value>();
  private readonly outer: Scope | undefined;

  constructor(outer?: Scope) {
    this.outer = outer;
  }

  get(name: string): Value | undefined {
    return this.values.get(name) ?? this.outer?.get(name);
  }

  set(name: string, value: Value): void {
    this.values.set(name, value);
  }
}

export interface RunContext {
  readonly file: string;
  readonly rules: ReadonlyMap<string, Rule>;
}

/** Most nodes that one call computes, repetitions of loops included. */
const maxNodes = 200_000;

/** Outputs of a graph for values of its names. */
export function runPlan(graph: PlannedGraph, given: ReadonlyMap<string, Value>, { file, rules }: RunContext): Value[] {
  let nodes = 0;
  const count = ({ where }: PlannedNode): void => {
    if (++nodes > maxNodes) throw new FormatError(`${file}: ${where}: loops repeat more than ${maxNodes} nodes; shorten them`);
  };
  const run = (planned: PlannedGraph, scope: Scope): Value[] => {
    for (const node of planned.nodes) {
      count(node);
      runNode(node, scope);
    }
    return planned.outputs.map(({ name }) => scope.get(name)!);
  };
  const runNode = (node: PlannedNode, scope: Scope): void => {
    const rule = rules.get(node.op)!;
    const inputs = node.inputs.map((name) => (name === '' ? undefined : scope.get(name)));
    const runGraph = (inner: PlannedGraph, values: readonly Value[]): Value[] => {
      // A body without nodes counts too.
      count(node);
      const own = new Scope(scope);
      for (const [name, { type, shape, data }] of inner.initializers) own.set(name, Value.ofElements(type, shape, data));
      inner.inputs.forEach(({ name }, i) => {
        if (!values[i])
          throw new FormatError(`${file}: ${node.where}: the graph takes ${inner.inputs.length} inputs, got ${values.length}`);
        own.set(name, values[i]);
      });
      return run(inner, own);
    };
    const call = new Call(node, inputs, node.opset, file, runGraph);
    const results = inContext(call, () => withScope(node.op, () => folded(call, inputs, rule.run) ?? rule.run(call)));
    const list = Array.isArray(results) ? (results as readonly (Value | undefined)[]) : [results as Value];
    node.outputs.forEach((name, i) => {
      if (name === '') return;
      const result = list[i];
      if (result === undefined) return call.fail(`output ${i} is not computed by this library`);
      scope.set(name, asValue(result, inputs));
    });
  };
  const top = new Scope();
  for (const [name, value] of given) top.set(name, value);
  return run(graph, top);
}

/** Errors name the node that they come from. Attributes that no check refused may fail inside of a rule. */
function inContext<T>(call: Call, compute: () => T): T {
  try {
    return compute();
  } catch (error) {
    if (error instanceof FormatError) throw error;
    const { message } = error as Error;
    const text = error instanceof OmbreError ? message : `its attributes and inputs do not go together (${message})`;
    throw new FormatError(`${call.where}: ${text}`, { cause: error });
  }
}
