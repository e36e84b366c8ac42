// Fills the epilogue block of a kernel family with the fused code. If the block declares `store`, the kernel passes single results. If it
// declares `store4`, the kernel passes four neighbours, and buffers that are accessed in the order of the elements are bound as vec4.
import { type StridedView, collapse } from '../../core/shape.ts';
import { constantValue, isScalarInput } from '../../graph/leaves.ts';
import { UniformFields, findEpilogue, indent, mentions, parenthesized, replaceBlock, storageType, stored } from '../../wgsl/index.ts';
import type { Group } from '../groups.ts';
import { isPositional } from '../positional.ts';
import { Body, FlatIndexer } from './body.ts';
import { Bindings, type EmitContext, type Emitted, type FusedParts, assemble, declareOutputs, emitStore } from './kernel.ts';

/**
 * Returns how a view accesses four neighbours of the domain, the first at a multiple of four. 'vector': they are one vec4 in memory. 'one':
 * all four read the same element. 'other': neither.
 */
export function quadAccess(view: StridedView): 'vector' | 'one' | 'other' {
  const { shape, strides, offset } = collapse(view);
  const last = shape.length - 1;
  if (last < 0) return 'one';
  if (shape[last] % 4 !== 0) return 'other';
  if (strides[last] === 0) return 'one';
  return strides[last] === 1 && offset % 4 === 0 && strides.slice(0, -1).every((stride) => stride % 4 === 0) ? 'vector' : 'other';
}

/** Returns the buffers that fused code accesses as vec4, or undefined if it must access them element by element. */
export function quadBuffers<Memory>(group: Group, { sources, memoryOf }: EmitContext<Memory>): ReadonlySet<Memory> | undefined {
  if ([...(group.moved?.values() ?? [])].some((place) => quadAccess(place) !== 'vector')) return undefined;
  const made = new Set([group.anchor, ...group.members]);
  const vectors = new Set<Memory>(group.outputs.map(memoryOf));
  const singles = new Set<Memory>();
  for (const input of group.members.flatMap((node) => node.inputs)) {
    const { base, view } = sources.get(input);
    if ((base.node && (made.has(base.node) || isPositional(base.node))) || constantValue(base) !== undefined || isScalarInput(base))
      continue;
    const access = quadAccess(view);
    if (access === 'other') return undefined;
    (access === 'vector' ? vectors : singles).add(memoryOf(base));
  }
  return [...singles].some((memory) => vectors.has(memory)) ? undefined : vectors;
}

/** Emits the store4 function of a group's members. The vec4 buffers of `bindings` must be those of quadBuffers(). */
export function emitQuadStore<Memory>(
  group: Group,
  valueType: string,
  context: EmitContext<Memory>,
  { fields, bindings }: FusedParts<Memory>,
): string {
  const anchor = group.anchor!;
  const { roleOf } = bindings;
  const indexer = new FlatIndexer(fields, 'index', 'e');
  const position = (view: StridedView, statements: string[]): string => indexer.position(view, statements);
  const shared = new Body({ ...context, fields, roleOf, position, index: 'index' }, 'e');
  const vectors = new Map<string, string>();
  const components = ['x', 'y', 'z', 'w'].map((component, i) => {
    const index = i === 0 ? 'index' : `${component}_index`;
    const own = new FlatIndexer(fields, index, `${component}_`);
    const body = new Body(
      {
        ...context,
        fields,
        roleOf,
        index,
        position: (view, statements) => own.position(view, statements),
        around: { body: shared, constant: (view) => (quadAccess(view) === 'one' ? view : undefined) },
        element: ({ base, view }) => {
          const { shape, strides, offset } = collapse(view);
          const key = `${roleOf(base)} ${shape.join()} ${strides.join()} ${offset}`;
          let vector = vectors.get(key);
          if (!vector) {
            vectors.set(key, (vector = `quad${vectors.size}`));
            const at = position(view, shared.statements);
            shared.statements.push(`let ${vector} = ${roleOf(base)}[${parenthesized(at)} / 4u];`);
          }
          return `${vector}.${component}`;
        },
      },
      `${component}_`,
    );
    // Memory would hold the rounded value. Fusion must not change it.
    const value = `value.${component}`;
    body.given(anchor, anchor.types[0].dtype === 'f16' ? `quantizeToF16(${value})` : value);
    for (const node of group.members) {
      if (group.moved?.has(node)) body.move(node);
      else body.compute(node);
    }
    if (mentions(body.statements, `${component}_index`)) body.statements.unshift(`let ${index} = index + ${i}u;`);
    return body;
  });
  const stores = group.outputs.map((output) => {
    const values = components.map((body) => stored(output.dtype, body.operand(output)));
    const place = group.moved?.get(output.node!);
    const at = place ? `(${position(place, shared.statements)})` : 'index';
    return `${roleOf(output)}[${at} / 4u] = vec4<${storageType(output.dtype)}>(${values.join(', ')});`;
  });
  const statements = [...shared.statements, ...components.flatMap((body) => body.statements), ...stores];
  return `fn store4(index: u32, value: vec4<${valueType}>) {\n${indent(statements).join('\n')}\n}`;
}

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
