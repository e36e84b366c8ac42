// Runs the kernel plan of one op on the WebAssembly runtime, without the compiler.
import { type Dtype, type HostArray, roundToF16, storedBytes } from '../../src/core/dtype.ts';
import type { Dispatch, Program, Slot } from '../../src/compiler/index.ts';
import type { KernelPlan, Operand, TensorType } from '../../src/graph/op.ts';
import { HostValue } from '../../src/graph/tensor.ts';
import type { WasmRuntime } from '../../src/runtime/wasm/index.ts';
import { findBindings } from '../../src/wgsl/index.ts';
import type { PlanInput } from './runPlan.ts';

/** The plan as a program. Outputs and temporaries have ranges of one arena. */
function programOf(plan: KernelPlan, inputs: readonly PlanInput[], outputs: readonly TensorType[], spareBytes: number): Program {
  const slots: Slot[] = inputs.map(({ dtype, data }, position) => {
    const type = { shape: [data.length], dtype };
    return { kind: 'input', position, bytes: storedBytes(type), type, label: `input ${position}` };
  });
  let end = 0;
  for (const type of [...outputs, ...plan.temporaries]) {
    const bytes = storedBytes(type);
    slots.push({ kind: 'scratch', arena: 0, offset: end, bytes, type, spareBytes });
    end = Math.ceil((end + bytes + spareBytes) / 256) * 256;
  }
  const first: Readonly<Record<Operand['kind'], number>> = { input: 0, output: inputs.length, temporary: inputs.length + outputs.length };
  const dispatches = plan.dispatches.map(({ name, source, params, operands, workgroups }): Dispatch => {
    const access = new Map(findBindings(source).map((binding) => [binding.number, binding.access]));
    const bindings = operands.map(({ kind, index }, i) => ({
      role: `${kind} ${index}`,
      slot: first[kind] + index,
      access: access.get(i + 1) ?? ('read' as const),
    }));
    return { label: name, wgsl: source, bindings, params, workgroups, scope: '', ops: [name], operations: 0 };
  });
  return {
    name: plan.dispatches[0].name,
    slots,
    dispatches,
    outputs: outputs.map((type, i) => ({ type, slot: first.output + i, offset: 0 })),
    arenas: [end],
    scalars: [],
    peakBytes: end,
  };
}

/** Elements in an array of their dtype. Halves are rounded. */
function elements(dtype: Dtype, data: HostArray): HostArray {
  if (dtype === 'i32') return Int32Array.from(data);
  if (dtype === 'u32') return Uint32Array.from(data);
  return dtype === 'f16' ? Float32Array.from(data, roundToF16) : Float32Array.from(data);
}

/** Runs the dispatches in order, with a guard zone after each output and temporary. Returns the outputs. */
export async function runPlanWasm(
  runtime: WasmRuntime,
  plan: KernelPlan,
  inputs: readonly PlanInput[],
  outputs: readonly TensorType[],
): Promise<HostArray[]> {
  const executable = await runtime.load(programOf(plan, inputs, outputs, runtime.target.spareBytes ?? 0));
  const values = await executable.run(inputs.map(({ dtype, data }) => new HostValue(elements(dtype, data))));
  const read = await runtime.read(values.map((value, i) => ({ value, type: outputs[i] })));
  executable.dispose();
  for (const value of values) if (value.kind === 'device') value.release();
  return read;
}
