// The CPU runtime. It interprets graphs with each op's `reference`. Tests compare the GPU with it, and it is the fallback without WebGPU.
import { type FloatMode, type HostArray, allocate, roundToF16 } from '../core/dtype.ts';
import { TraceError } from '../core/errors.ts';
import { contiguousView, forEachIndex, isContiguous, sizeOf } from '../core/shape.ts';
import { type Graph, readInputs, topological } from '../graph/graph.ts';
import type { HostTensor } from '../graph/op.ts';
import { HostValue, type Node, type Tensor, type Value } from '../graph/tensor.ts';
import { type Profile, ProfileLog } from './profile.ts';
import { simplify } from '../compiler/index.ts';
import { InterpretedGraph } from './interpretedGraph.ts';
import { logGraph } from './logging.ts';
import type { DeviceInfo, Executable, MemoryInfo, PreparedGraph, RunInput, Runtime, TypedValue, ValueOwner } from './runtime.ts';

export interface InterpretOptions {
  /** f64 keeps floats unrounded in Float64Array, for finite differences and reference tables. */
  mode?: FloatMode;
  /** Values of placeholders, or replacements for any other tensor. */
  feeds?: ReadonlyMap<Tensor, HostArray>;
  /** Called with the time of each op. */
  onTime?: (node: Node, milliseconds: number) => void;
}

/** Computes the values of the tensors now, one op at a time, without fusion. An intermediate is dropped after its last use. */
export function interpret(outputs: readonly Tensor[], { mode = 'f32', feeds = new Map(), onTime }: InterpretOptions = {}): HostArray[] {
  // Several tensors may refer to one output of a node, so values are fed by node and output number.
  const fed = new Map<Node, (HostArray | undefined)[]>();
  for (const [tensor, data] of feeds) {
    if (!tensor.node) continue;
    if (!fed.has(tensor.node)) fed.set(tensor.node, []);
    fed.get(tensor.node)![tensor.index] = data;
  }
  const given = (tensor: Tensor): HostArray | undefined => (tensor.node ? fed.get(tensor.node)?.[tensor.index] : feeds.get(tensor));
  const order = topological(outputs, (tensor) => given(tensor) !== undefined, readInputs);
  const lastUse = new Map<Node, number>();
  order.forEach((node, i) => readInputs(node).forEach((input) => input.node && lastUse.set(input.node, i)));
  for (const output of outputs) if (output.node) lastUse.set(output.node, Infinity);
  const values = new Map<Node, readonly HostArray[]>();
  const valueOf = (tensor: Tensor): HostArray => {
    const fedValue = given(tensor);
    if (fedValue) return fedValue;
    if (tensor.node) return values.get(tensor.node)![tensor.index];
    if (tensor.value?.kind === 'host') return tensor.value.data;
    throw new TraceError(`interpret: ${tensor.toString()} has no value on the host; read it from its device first`);
  };
  order.forEach((node, i) => {
    const began = onTime ? performance.now() : 0;
    values.set(node, run(node, readInputs(node).map(valueOf), mode));
    onTime?.(node, performance.now() - began);
    for (const input of readInputs(node)) if (input.node && lastUse.get(input.node) === i) values.delete(input.node);
  });
  return outputs.map(valueOf);
}

function run(node: Node, data: HostArray[], mode: FloatMode): readonly HostArray[] {
  const inputs: HostTensor[] = readInputs(node).map(({ shape, dtype }, i) => ({ shape, dtype, data: data[i] }));
  const { lowering } = node.op;
  if (lowering.kind === 'view') {
    // A view with strides is copied by its strides: the GPU uses the same rule.
    const view = lowering.view(contiguousView(inputs[0].shape), node.attributes, node.types[0]);
    if (view && isContiguous(view) && view.offset === 0 && sizeOf(view.shape) === data[0].length) return [data[0]];
    if (view) {
      const out = allocate(node.types[0].dtype, sizeOf(view.shape), mode);
      if (data[0].length === 1) out.fill(data[0][0]);
      else forEachIndex(view, (flat, position) => (out[flat] = data[0][position]));
      return [out];
    }
  }
  const results = node.op.reference({
    inputs,
    outputs: node.types,
    attributes: node.attributes,
    allocate: (dtype, size) => allocate(dtype, size, mode),
  });
  node.types.forEach((type, i) => {
    if (type.dtype === 'f16' && mode === 'f32') for (let j = 0; j < results[i].length; j++) results[i][j] = roundToF16(results[i][j]);
  });
  return results;
}

/** The CPU as a device: programs are graphs, values are host arrays. */
export class CpuRuntime implements Runtime {
  /** The CPU is never lost. */
  readonly owner: ValueOwner = { name: 'cpu', assertAlive: () => undefined };
  /** The interpreter has no kernels to tune. */
  readonly tuner = undefined;
  readonly compilations = 0;
  readonly info: DeviceInfo = {
    kind: 'cpu',
    processor: 'cpu',
    vendor: '',
    architecture: '',
    description: 'JavaScript on the CPU',
    features: [],
    limits: {},
  };
  private profile: ProfileLog | undefined;

  prepare(graph: Graph, name: string): PreparedGraph {
    return new InterpretedGraph(() => {
      const simplified = simplify(graph);
      logGraph(name, simplified);
      return this.load(simplified);
    });
  }

  load(graph: Graph): Executable {
    return {
      run: async (inputs: readonly RunInput[]): Promise<Value[]> => {
        const feeds = new Map<Tensor, HostArray>();
        graph.inputs.forEach((placeholder, i) => {
          const input = inputs[i];
          if (typeof input === 'number') feeds.set(placeholder, allocate(placeholder.dtype, 1).fill(input));
          else if (input instanceof HostValue) feeds.set(placeholder, input.data);
        });
        const { profile } = this;
        profile?.submit(0);
        const onTime =
          profile &&
          (({ scope, op }: Node, milliseconds: number) => {
            profile.add({ label: scope ? `${scope}: ${op.name}` : op.name, scope, ops: [op.name] }, milliseconds);
          });
        return interpret(graph.outputs, { feeds, onTime }).map((data) => new HostValue(data));
      },
      dispose: () => undefined,
    };
  }

  requireAlive(): Promise<void> {
    return Promise.resolve();
  }

  awaitLateLoss(): Promise<void> {
    return Promise.resolve();
  }

  configure(): Promise<void> {
    return Promise.resolve();
  }

  read(values: readonly TypedValue[]): Promise<HostArray[]> {
    return Promise.resolve(values.map(({ value }) => (value as HostValue).data.slice()));
  }

  duplicate(value: Value): Value {
    return value; // host values are never written: sharing one is safe
  }

  settle(): Promise<void> {
    return Promise.resolve();
  }

  startProfile(): void {
    this.profile = new ProfileLog();
  }

  endProfile(): Promise<Profile> {
    const profile = this.profile!;
    this.profile = undefined;
    return Promise.resolve(
      profile.finish(
        'host',
        "By the host's clock, op by op: the CPU runtime does not fuse ops, so the times do not predict those of a GPU.",
      ),
    );
  }

  /** Host arrays are not counted. The garbage collector manages them. */
  memory(): MemoryInfo {
    return { bytes: 0, buffers: 0, peakBytes: 0 };
  }

  dispose(): void {
    // There is nothing to free.
  }
}
