// Fused code that computes four neighbouring elements. Buffers that it accesses in their order are bound as vec4.
import { type StridedView, collapse } from '../../core/shape.ts';
import { constantValue, isScalarInput } from '../../graph/leaves.ts';
import { mentions, parenthesized, storageType, stored } from '../../wgsl/index.ts';
import type { Group } from '../groups.ts';
import { isPositional } from '../positional.ts';
import { Body, FlatIndexer, loadKey } from './body.ts';
import type { EmitContext, FusedParts } from './kernel.ts';

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

/**
 * Emits the statements of a group's members and stores for the elements `index` to `index + 3`. `value` is the vec4 of the anchor's results, if
 * the group has an anchor. The vec4 buffers of `bindings` must be those of quadBuffers().
 */
export function emitQuad<Memory>(group: Group, context: EmitContext<Memory>, { fields, bindings }: FusedParts<Memory>): string[] {
  const { anchor } = group;
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
          const key = loadKey(roleOf(base), view);
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
    if (anchor) body.given(anchor, anchor.types[0].dtype === 'f16' ? `quantizeToF16(${value})` : value);
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
  return [...shared.statements, ...components.flatMap((body) => body.statements), ...stores];
}
