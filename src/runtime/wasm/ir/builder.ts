// Builds intermediate code. Equal values are made once, constants are folded, sums have their constant last, and values move out of loops
// that they do not depend on.
import { type Cell, type Item, type Label, type LoadKind, type Place, Region, type Value } from './code.ts';
import { fold } from './fold.ts';
import { type WasmType, operation } from './operations.ts';

export class Builder {
  readonly root = new Region(undefined, false);
  region = this.root;
  readonly arguments: Value[] = [];
  private count = 0;
  /** Values by what they compute. */
  private readonly values = new Map<string, Value[]>();

  constructor() {
    this.root.isOpen = true;
  }

  argument(type: WasmType): Value {
    const value = this.create('argument', type, [], this.arguments.length, this.root);
    this.arguments.push(value);
    return value;
  }

  cell(type: WasmType): Cell {
    return { type, local: -1 };
  }

  label(name: string): Label {
    return { name };
  }

  push(item: Item): void {
    this.region.items.push(item);
  }

  /** Builds the items of a new region. */
  within<T>(isMovable: boolean, build: (region: Region) => T): { region: Region; result: T } {
    const outer = this.region;
    const region = new Region(outer, isMovable);
    this.region = region;
    region.isOpen = true;
    try {
      return { region, result: build(region) };
    } finally {
      region.isOpen = false;
      this.region = outer;
    }
  }

  const(type: 'i32' | 'f32', value: number): Value {
    const number = type === 'i32' ? value | 0 : Math.fround(value);
    const key = `const ${type} ${Object.is(number, -0) ? '-0' : number}`;
    return this.known(key, this.root) ?? this.define(key, 'const', type, [], number, this.root, false);
  }

  /** Builds items at the end of a region that is finished. */
  inside(region: Region, build: () => void): void {
    const outer = this.region;
    const wasOpen = region.isOpen;
    this.region = region;
    region.isOpen = true;
    build();
    region.isOpen = wasOpen;
    this.region = outer;
  }

  /** A constant of four 32-bit words. */
  quad(words: readonly number[]): Value {
    const key = `quad ${words.join()}`;
    const known = this.known(key, this.root);
    if (known) return known;
    const value = this.create('quad', 'v128', [], 0, this.root, { words });
    this.remember(key, value);
    this.root.items.push({ kind: 'define', value });
    return value;
  }

  i32 = (value: number): Value => this.const('i32', value);
  f32 = (value: number): Value => this.const('f32', value);

  /** A pure operation. */
  op(name: string, args: readonly Value[], imm = 0): Value {
    const folded = fold(this, name, args, imm);
    if (folded) return folded;
    return this.pure(name, operation(name).type, args, imm);
  }

  /** `chosen` if the condition is not 0, else `other`. */
  select(other: Value, chosen: Value, condition: Value): Value {
    if (other === chosen) return other;
    if (condition.op === 'const') return condition.imm !== 0 ? chosen : other;
    if (condition.op === 'i32.eqz') return this.select(chosen, other, condition.args[0]);
    return this.pure('select', chosen.type, [chosen, other, condition], 0);
  }

  private pure(name: string, type: WasmType, args: readonly Value[], imm: number): Value {
    const key = `${name} ${Object.is(imm, -0) ? '-0' : imm} ${args.map(({ id }) => id).join()}`;
    let place = this.region;
    while (place.parent && place.isMovable && args.every(({ region }) => region.depth < place.depth)) place = place.parent;
    return this.known(key, this.region) ?? this.define(key, name, type, args, imm, place, true);
  }

  load(load: LoadKind, address: Value, offset: number, type: WasmType): Value {
    const key = `${load.instruction} ${load.place.name} ${offset} ${address.id}`;
    if (load.place.isConstant) {
      const known = this.known(key, this.region);
      if (known) return known;
    }
    const value = this.create('load', type, [address], offset, this.region, { load });
    if (load.place.isConstant) this.remember(key, value);
    this.push({ kind: 'define', value });
    return value;
  }

  /** Reads a cell now. */
  get(cell: Cell): Value {
    const value = this.create('get', cell.type, [], 0, this.region, { cell });
    this.push({ kind: 'define', value });
    return value;
  }

  set(cell: Cell, value: Value): void {
    this.push({ kind: 'set', cell, value });
  }

  store(place: Place, instruction: string, address: Value, offset: number, value: Value): void {
    this.push({ kind: 'store', place, instruction, address, offset, value });
  }

  private known(key: string, { depth }: Region): Value | undefined {
    return this.values.get(key)?.find(({ region }) => region.isOpen && region.depth <= depth);
  }

  private remember(key: string, value: Value): void {
    const values = this.values.get(key);
    if (values) values.push(value);
    else this.values.set(key, [value]);
  }

  private define(key: string, op: string, type: WasmType, args: readonly Value[], imm: number, region: Region, isItem: boolean): Value {
    const value = this.create(op, type, args, imm, region);
    this.remember(key, value);
    if (isItem) region.items.push({ kind: 'define', value });
    return value;
  }

  private create(
    op: string,
    type: WasmType,
    args: readonly Value[],
    imm: number,
    region: Region,
    more: Partial<Pick<Value, 'cell' | 'load' | 'words'>> = {},
  ): Value {
    return { id: this.count++, op, type, args, imm, region, uses: 0, local: -1, ...more };
  }
}
