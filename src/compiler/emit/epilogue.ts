// Fills the epilogue block of a kernel family with the fused code. If the block declares `store`, the kernel passes single results. If it
// declares `store4`, the kernel passes four neighbours, and buffers that are accessed in the order of the elements are bound as vec4.
import { UniformFields, findEpilogue, indent, replaceBlock } from '../../wgsl/index.ts';
import type { Group } from '../groups.ts';
import { Bindings, type EmitContext, type Emitted, type FusedParts, assemble, declareOutputs, emitStore } from './kernel.ts';
import { emitQuad, quadBuffers } from './quads.ts';

/** Emits the store4 function of a group's members. The vec4 buffers of `parts.bindings` must be those of quadBuffers(). */
const emitQuadStore = <Memory>(group: Group, valueType: string, context: EmitContext<Memory>, parts: FusedParts<Memory>): string =>
  `fn store4(index: u32, value: vec4<${valueType}>) {\n${indent(emitQuad(group, context, parts)).join('\n')}\n}`;

/** Emits store4 as a loop over store, so that the fused code is inlined once. */
export const quadByElement = (valueType: string): string =>
  `fn store4(index: u32, value: vec4<${valueType}>) {\n  for (var i = 0u; i < 4u; i++) { store(index + i, value[i]); }\n}`;

/** Fills the epilogue block of a kernel's last dispatch. `ownBindings` storage buffers come before those of the fused code. */
export function emitEpilogue<Memory>(
  source: string,
  group: Group,
  context: EmitContext<Memory>,
  ownBindings: number,
  title: string,
): Emitted<Memory> {
  const op = group.anchor!.op.name;
  const epilogue = findEpilogue(op, source);
  if (!epilogue) {
    throw new Error(`${op}: its kernel has no epilogue block with store(index: u32, value: T) or store4(index: u32, value: vec4<T>)`);
  }
  const { valueType } = epilogue;
  const byFour = epilogue.store === 'store4';
  const quads = byFour ? quadBuffers(group, context) : undefined;
  const fields = new UniformFields('fused', 'FusedParams');
  const bindings = new Bindings(context.memoryOf, 1 + ownBindings, quads);
  declareOutputs(group, bindings);
  const parts = { fields, bindings };
  const stores = quads ? [emitQuadStore(group, valueType, context, parts)] : [emitStore(group, valueType, context, parts)];
  if (byFour && !quads) stores.push(quadByElement(valueType));
  const filled = replaceBlock(source, epilogue, [bindings.declarations(), ...stores].join('\n'));
  return {
    wgsl: assemble(filled, title, fields, ownBindings + bindings.list.length),
    bindings: bindings.list,
    params: [],
    fusedParams: fields.isEmpty ? undefined : fields.values,
  };
}
