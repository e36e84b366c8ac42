// Mutable places for values that differ between ways through the code: variables after branches and in loops, results of functions.
import type { Cell, Value } from '../ir/code.ts';
import type { Kernel } from './kernel.ts';
import { leaves, one, valueOf, withLeaves } from './nodes.ts';
import type { Lanes, Node } from './types.ts';

export interface Slots {
  set(lanes: Lanes): void;
  get(): Lanes;
  /** Number of lanes that it holds. */
  readonly width: number;
}

/** Cells for values of the type of a sample: one, or four as a vector where the lanes are scalars. */
export function slotsFor(kernel: Kernel, sample: Node, width: number): Slots {
  if (width === 1) {
    const cells = nodeCells(kernel, sample);
    return { width, set: ([node]) => setNode(kernel, cells, node), get: () => [getNode(kernel, cells, sample)] };
  }
  const { builder, packer } = kernel;
  const { type } = sample;
  if (type.kind !== 'scalar') {
    const cells = Array.from({ length: 4 }, () => nodeCells(kernel, sample));
    return {
      width,
      set: (lanes) => cells.forEach((own, lane) => setNode(kernel, own, lanes[lanes.length === 1 ? 0 : lane])),
      get: () => cells.map((own) => getNode(kernel, own, sample)),
    };
  }
  const cell = builder.cell('v128');
  return {
    width,
    set: (lanes) => {
      const values = Array.from({ length: 4 }, (_, lane) => valueOf(lanes[lanes.length === 1 ? 0 : lane])) as [Value, Value, Value, Value];
      builder.set(cell, (type.name === 'bool' ? packer.mask(values) : packer.pack(values)).value);
    },
    get: () => {
      const vector = builder.get(cell);
      return Array.from({ length: 4 }, (_, lane): Node => {
        if (type.name === 'bool') return one('bool', packer.truth(vector, lane));
        return one(type.name, packer.lane(vector, valueOf(sample).type === 'f32' ? 'f32' : 'i32', lane));
      });
    },
  };
}

const nodeCells = (kernel: Kernel, sample: Node): Cell[] => leaves(sample).map(({ type }) => kernel.builder.cell(type));

function setNode(kernel: Kernel, cells: readonly Cell[], node: Node): void {
  leaves(node).forEach((value, i) => kernel.builder.set(cells[i], value));
}

function getNode(kernel: Kernel, cells: readonly Cell[], sample: Node): Node {
  let next = 0;
  return withLeaves(sample, () => kernel.builder.get(cells[next++]));
}
