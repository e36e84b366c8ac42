// Declarations of the buffers that a kernel binds.
import type { Span } from './blocks.ts';

export type Access = 'read' | 'read_write';

export interface StorageBinding {
  /** Name of the variable. */
  readonly role: string;
  readonly access: Access;
}

/** A storage buffer as a text declares it; the span is that of its number. */
export interface Binding extends StorageBinding, Span {
  readonly number: number;
}

/** The storage buffers of a text, in its order. */
export function findBindings(text: string): Binding[] {
  const declaration = /^@group\(0\) @binding\((\d+)\) var<storage(?:, *(read|read_write))?> *(\w+)/gm;
  return [...text.matchAll(declaration)].map((match) => {
    const start = match.index + '@group(0) @binding('.length;
    const [, number, access = 'read', role] = match;
    return { role, access: access as Access, number: Number(number), start, end: start + number.length };
  });
}

/** The declaration of a storage buffer of elements of a type. */
export const declareStorage = (number: number, { role, access }: StorageBinding, element: string): string =>
  `@group(0) @binding(${number}) var<storage, ${access}> ${role}: array<${element}>;`;
