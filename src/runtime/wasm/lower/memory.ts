// Loads, stores and references to memory.
import type { Place, Value } from '../ir/code.ts';
import { unknownConstruct } from '../wgsl/errors.ts';
import type { Kernel } from './kernel.ts';
import { component, concrete, one, valueOf } from './nodes.ts';
import type { Stored } from './scope.ts';
import { type Lanes, type Node, type Type, elementOf, isPacked, laneOf, layoutOf, offsetOf, scalar, strideOf, vector } from './types.ts';

/** A part of a variable in memory: one address, or one for each lane. */
export interface Reference {
  readonly place: Place;
  readonly type: Type;
  readonly addresses: readonly Value[];
  readonly length?: () => Value;
}

export const referenceTo = ({ place, type, addresses, length }: Stored): Reference => ({ place, type, addresses, length });

/** Splits an address into a value and a constant offset that the instruction adds. */
function placed(kernel: Kernel, address: Value): [Value, number] {
  if (address.op === 'i32.add' && address.args[1].op === 'const') {
    const offset = address.args[1].imm;
    if (offset > 0) return [address.args[0], offset];
  }
  if (address.op === 'const' && address.imm >= 0) return [kernel.builder.i32(0), address.imm];
  return [address, 0];
}

const plus = (kernel: Kernel, address: Value, bytes: number): Value => kernel.builder.op('i32.add', [address, kernel.builder.i32(bytes)]);

/** Loads a value of a type from an address. */
export function loadFrom(kernel: Kernel, place: Place, address: Value, type: Type): Node {
  const { builder } = kernel;
  switch (type.kind) {
    case 'scalar': {
      const [base, offset] = placed(kernel, address);
      if (type.name === 'f16') {
        return one('f16', kernel.halves.widened(builder.load({ place, instruction: 'i32.load16_u' }, base, offset, 'i32')));
      }
      if (type.name === 'f32') return one('f32', builder.load({ place, instruction: 'f32.load' }, base, offset, 'f32'));
      return one(type.name, builder.load({ place, instruction: 'i32.load' }, base, offset, 'i32'));
    }
    case 'vector': {
      if (isPacked(type)) {
        const [base, offset] = placed(kernel, address);
        return { type, value: builder.load({ place, instruction: 'v128.load' }, base, offset, 'v128') };
      }
      const bytes = type.of === 'f16' ? 2 : 4;
      const parts = Array.from({ length: type.size }, (_, i) => loadFrom(kernel, place, plus(kernel, address, bytes * i), scalar(type.of)));
      return { type, parts };
    }
    case 'matrix': {
      const column = vector(type.rows, 'f32');
      return {
        type,
        parts: Array.from({ length: type.columns }, (_, i) => loadFrom(kernel, place, plus(kernel, address, strideOf(column) * i), column)),
      };
    }
    case 'struct':
      return {
        type,
        parts: type.fields.map((field) => loadFrom(kernel, place, plus(kernel, address, offsetOf(type, field.name)), field.type)),
      };
    case 'array': {
      const stride = strideOf(type.of);
      return {
        type,
        parts: Array.from({ length: type.length }, (_, i) => loadFrom(kernel, place, plus(kernel, address, stride * i), type.of)),
      };
    }
    default:
      return type satisfies never;
  }
}

/** Stores a value of a type to an address. */
export function storeTo(kernel: Kernel, place: Place, address: Value, given: Node, type: Type): void {
  const { builder } = kernel;
  const node = concrete(kernel, given, elementOf(type));
  if (type.kind === 'scalar') {
    const [base, offset] = placed(kernel, address);
    if (type.name === 'f16') builder.store(place, 'i32.store16', base, offset, kernel.halves.narrowed(valueOf(node)));
    else builder.store(place, type.name === 'f32' ? 'f32.store' : 'i32.store', base, offset, valueOf(node));
  } else if (isPacked(type)) {
    const [base, offset] = placed(kernel, address);
    builder.store(place, 'v128.store', base, offset, valueOf(node));
  } else {
    partsOf(type).forEach(([offset, part], i) => {
      const value = type.kind === 'vector' ? component(kernel, node, i) : node.parts![i];
      storeTo(kernel, place, plus(kernel, address, offset), value, part);
    });
  }
}

/** Offsets and types of the parts of a type. */
function partsOf(type: Type): (readonly [number, Type])[] {
  switch (type.kind) {
    case 'vector':
      return Array.from({ length: type.size }, (_, i) => [(type.of === 'f16' ? 2 : 4) * i, scalar(type.of)]);
    case 'matrix': {
      const column = vector(type.rows, 'f32');
      return Array.from({ length: type.columns }, (_, i) => [strideOf(column) * i, column]);
    }
    case 'struct':
      return type.fields.map((field) => [offsetOf(type, field.name), field.type]);
    case 'array':
      return Array.from({ length: type.length }, (_, i) => [strideOf(type.of) * i, type.of]);
    default:
      return [];
  }
}

/** A member of a struct or a component of a vector in memory. */
export function memberOf(kernel: Kernel, { place, type, addresses }: Reference, name: string): Reference {
  const at = (offset: number, of: Type): Reference => ({
    place,
    type: of,
    addresses: addresses.map((address) => plus(kernel, address, offset)),
  });
  if (type.kind === 'struct') {
    const field = type.fields.find((one) => one.name === name);
    if (!field) return unknownConstruct(`the member '${name}'`);
    return at(offsetOf(type, name), field.type);
  }
  const index = 'xyzw'.indexOf(name);
  if (type.kind !== 'vector' || name.length !== 1 || index < 0) return unknownConstruct(`the member '${name}' of a value in memory`);
  return at(layoutOf(scalar(type.of)).size * index, scalar(type.of));
}

/** An element of an array, a matrix or a vector in memory. */
export function elementAt(kernel: Kernel, { place, type, addresses, length }: Reference, index: Lanes): Reference {
  const { builder } = kernel;
  const of = type.kind === 'array' ? type.of : type.kind === 'matrix' ? vector(type.rows, 'f32') : scalar(elementOf(type)!);
  const stride = builder.i32(strideOf(of));
  const width = Math.max(addresses.length, index.length);
  const made = Array.from({ length: width }, (_, lane) => {
    let position = valueOf(concrete(kernel, laneOf(index, lane), 'i32'));
    if (length && kernel.isGuarded) {
      // The index may be outside of the buffer: select() drops the element then.
      const last = builder.op('i32.sub', [length(), builder.i32(1)]);
      position = builder.select(last, position, builder.op('i32.le_u', [position, last]));
    }
    return builder.op('i32.add', [addresses[addresses.length === 1 ? 0 : lane], builder.op('i32.mul', [position, stride])]);
  });
  return { place, type: of, addresses: made.every((address) => address === made[0]) ? [made[0]] : made };
}

/** Reads what a reference refers to, in each lane. */
export function read(kernel: Kernel, { place, type, addresses }: Reference): Lanes {
  const lanes = addresses.map((address) => loadFrom(kernel, place, address, type));
  if (!place.isConstant) kernel.strip?.noteLoad(place, addresses);
  return lanes;
}

/** Writes a value for each lane. Neighbours are written at once. */
export function write(kernel: Kernel, { place, type, addresses }: Reference, value: Lanes): void {
  if (addresses.length === 1 && value.length === 1) {
    kernel.strip?.noteStore(place, addresses, false);
    return storeTo(kernel, place, addresses[0], value[0], type);
  }
  const bases = Array.from({ length: 4 }, (_, lane) => placed(kernel, addresses[addresses.length === 1 ? 0 : lane]));
  const isRun =
    type.kind === 'scalar' &&
    type.name !== 'f16' &&
    bases.every(([base, offset], lane) => base === bases[0][0] && offset === bases[0][1] + 4 * lane);
  kernel.strip?.noteStore(place, addresses, isRun);
  if (isRun) {
    const values = Array.from({ length: 4 }, (_, lane) => valueOf(concrete(kernel, laneOf(value, lane), type.name)));
    kernel.builder.store(place, 'v128.store', bases[0][0], bases[0][1], kernel.packer.pack(values as [Value, Value, Value, Value]).value);
    return;
  }
  for (let lane = 0; lane < 4; lane++) {
    storeTo(kernel, place, addresses[addresses.length === 1 ? 0 : lane], laneOf(value, lane), type);
  }
}
