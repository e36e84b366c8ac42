// Primitives, gradients and batching rules of the exported functions, read from the graphs of their test rows. The table of ops and the
// coverage test use it, so neither is written by hand.
import { checkpoint, customGradient, pullback } from '../../src/autodiff/index.ts';
import { type Dtype, isFloat } from '../../src/core/dtype.ts';
import { topological } from '../../src/graph/graph.ts';
import { placeholder } from '../../src/graph/leaves.ts';
import { type OpDefinition, definedOps } from '../../src/graph/op.ts';
import { type Node, Tensor } from '../../src/graph/tensor.ts';
import * as o from '../../src/ops/index.ts';
import { functionOf, opRows } from '../tables/index.ts';
import { statedReasons } from '../tables/reasons.ts';
import { type InputSpec, type OpRow, f, w } from '../tables/row.ts';

export type Slope = { readonly kind: 'gradient' } | { readonly kind: 'none'; readonly reason: string | undefined };

/** An exported function or a primitive, as a row of the table of ops. */
export interface Anatomy {
  readonly name: string;
  /** Primitives that compute it, in order of their first use. Those that only change shapes and dtypes are left out if others remain. */
  readonly primitives: readonly OpDefinition[];
  readonly slope: Slope;
  /** Primitives that vmap applies to one row at a time. Undefined if no input can be mapped. */
  readonly rowByRow: readonly string[] | undefined;
  readonly rows: readonly OpRow[];
}

type Example = Pick<OpRow, 'name' | 'inputs' | 'call'>;

/** Forms of functions that no test row builds: they are large, need half precision, or are integer versions. They are not run here. */
const furtherExamples: readonly Example[] = [
  { name: 'cast f16', inputs: [f([3])], call: (x) => o.cast(x, 'f16') },
  {
    name: 'scaledDotProductAttention long',
    inputs: [0, 1, 2].map(() => f([1, 1, 520, 4])),
    call: (q, k, v) => o.scaledDotProductAttention(q, k, v),
  },
  ...(['max', 'min', 'argMax', 'argMin'] as const).map((name) => ({
    name: `${name} i32`,
    inputs: [w([3])],
    call: (x: Tensor) => o[name](x),
  })),
];

/** Transformations add primitives around the given function. */
const transformed: readonly Example[] = [
  { name: 'checkpoint', inputs: [f([3])], call: checkpoint((x: Tensor) => o.tanh(o.sin(x))) },
  {
    name: 'customGradient',
    inputs: [f([3])],
    call: customGradient((x: Tensor) => ({ value: o.sin(x), gradient: (g: Tensor) => o.neg(g) })),
  },
];

/** `add`, `random.normal`. */
const exportedName = ({ name }: Example): string => name.replace(/^random (\w+).*/, 'random.$1').split(' ')[0];

const onlyFits = new Set(['constant', 'placeholder', 'broadcastTo', 'cast', 'reshape', 'alias']);

interface Trace {
  readonly values: readonly Node[];
  /** With the nodes of the first and second gradients. */
  readonly all: readonly Node[];
  readonly slope: Slope;
}

const none = (reason?: string): Slope => ({ kind: 'none', reason });
const dtypesOf = (types: readonly { readonly dtype: Dtype }[]): string => [...new Set(types.map(({ dtype }) => dtype))].join(', ');

function traceOf(example: Example): Trace {
  const made = (spec: InputSpec, position: number): Tensor => placeholder(spec.shape, spec.dtype, { position });
  const inputs = example.inputs.map(made);
  const output = example.call(...inputs);
  const values = topological([output]);
  const floats = inputs.filter(({ dtype }) => isFloat(dtype));
  if (inputs.length === 0) return { values, all: values, slope: none('takes no tensor') };
  if (!isFloat(output.dtype)) return { values, all: values, slope: none(`gives ${output.dtype}`) };
  if (floats.length === 0) return { values, all: values, slope: none(`takes ${dtypesOf(inputs)}`) };
  const cotangent = placeholder(output.shape, output.dtype, { position: inputs.length });
  const first = pullback([output], [cotangent], floats);
  // A gradient that the cotangent does not reach is always 0.
  const flows = first.some((gradient) => topological([gradient]).includes(cotangent.node!));
  const second = flows ? pullback(first, first, [...floats, cotangent]) : [];
  return { values, all: topological([output, ...first, ...second]), slope: flows ? { kind: 'gradient' } : none() };
}

const traced = (examples: readonly Example[]): (readonly [Example, Trace])[] => examples.map((example) => [example, traceOf(example)]);
const traces = traced([...opRows, ...furtherExamples]);
const allNodes = [...traces, ...traced(transformed)].flatMap(([, { all }]) => all);

/** An op over whole rows needs no rule if its elements are independent. */
const isBatched = (op: OpDefinition): boolean => typeof op.batch === 'function' || op.lowering.kind === 'elementwise';

function anatomyOf(name: string, found: readonly (readonly [Example, Trace])[]): Anatomy {
  const used = [...new Set(found.flatMap(([, { values }]) => values.map(({ op }) => op)))].filter(
    ({ lowering }) => lowering.kind !== 'leaf',
  );
  const working = used.filter((op) => op.name === name || !onlyFits.has(op.name));
  const slopes = found.map(([, { slope }]) => slope);
  const derived = slopes.every((slope) => slope.kind === 'none' && slope.reason !== undefined);
  const stated: Slope = derived ? slopes[0] : none(statedReasons[name]);
  return {
    name,
    primitives: working.length > 0 ? working : used,
    slope: slopes.find(({ kind }) => kind === 'gradient') ?? stated,
    rowByRow: found.some(([{ inputs }]) => inputs.length > 0) ? used.filter((op) => !isBatched(op)).map((op) => op.name) : undefined,
    rows: opRows.filter((row) => found.some(([example]) => example === row)),
  };
}

/** Every exported function that returns a tensor, by name. */
export const functions: readonly Anatomy[] = [...new Set(traces.map(([example]) => exportedName(example)))]
  .sort((a, b) => a.localeCompare(b, 'en'))
  .map((name) =>
    anatomyOf(
      name,
      traces.filter(([example]) => exportedName(example) === name),
    ),
  );

function slopeOf(op: OpDefinition, nodes: readonly Node[]): Slope {
  const stated = (): Slope => {
    const outputs = nodes.flatMap(({ types }) => types);
    if (nodes.length > 0 && !outputs.some(({ dtype }) => isFloat(dtype))) return none(`gives ${dtypesOf(outputs)}`);
    const inputs = nodes.flatMap((node) => node.inputs);
    if (nodes.length > 0 && inputs.length === 0) return none('takes no tensor');
    if (nodes.length > 0 && !inputs.some(({ dtype }) => isFloat(dtype))) return none(`takes ${dtypesOf(inputs)}`);
    return none(statedReasons[op.name]);
  };
  const { vjp } = op;
  if (vjp === 'nondifferentiable') return stated();
  if (nodes.length === 0) return { kind: 'gradient' };
  const flows = nodes.some((node) => {
    if (!node.types.some(({ dtype }) => isFloat(dtype))) return false;
    const outputs = node.types.map((type, index) => new Tensor(type, { node, index }));
    const cotangents = node.types.map(({ shape, dtype }) => (isFloat(dtype) ? placeholder(shape, dtype, { position: -1 }) : undefined));
    const needs = node.inputs.map(({ dtype }) => isFloat(dtype));
    return vjp({ inputs: node.inputs, outputs, cotangents, needs, attributes: node.attributes }).some((given) => given !== undefined);
  });
  return flows ? { kind: 'gradient' } : stated();
}

/** Every primitive that is defined, by name. */
export const primitives: readonly Anatomy[] = [...definedOps().values()]
  .filter(({ lowering }) => lowering.kind !== 'leaf')
  .sort((a, b) => a.name.localeCompare(b.name, 'en'))
  .map((op) => {
    const nodes = allNodes.filter((node) => node.op === op);
    const takesTensors = nodes.some(({ inputs }) => inputs.length > 0);
    return {
      name: op.name,
      primitives: [op],
      slope: slopeOf(op, nodes),
      rowByRow: takesTensors || nodes.length === 0 ? (isBatched(op) ? [] : [op.name]) : undefined,
      rows: opRows.filter((row) => traces.find(([example]) => example === row)![1].values.some((node) => node.op === op)),
    };
  });

/** Primitives that appear in no function and no gradient traced here. Only the rule of their gradient is known. */
export const unseen: readonly string[] = primitives.map(({ name }) => name).filter((name) => !allNodes.some(({ op }) => op.name === name));

/** Functions and primitives without a gradient and without a reason for it. */
export const lackingReason = (): readonly string[] =>
  [...functions, ...primitives].flatMap(({ name, slope }) => (slope.kind === 'none' && slope.reason === undefined ? [name] : []));

/** Exported functions of ops that no row builds. */
export const withoutRow = (): readonly string[] => {
  const tested = new Set(opRows.map(functionOf));
  return Object.keys(o).filter((name) => !tested.has(name) && name !== 'setSeed');
};
