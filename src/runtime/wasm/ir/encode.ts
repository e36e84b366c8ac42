// Encodes intermediate code as a WebAssembly function. A value with one use is computed where it is used; others have a local.
import type { Builder } from './builder.ts';
import { Bytes, moduleBytes } from './bytes.ts';
import type { Cell, Item, Label, Region, Value } from './code.ts';
import { type WasmType, operation } from './operations.ts';

const memoryOps: Readonly<Record<string, readonly number[]>> = {
  'i32.load': [0x28],
  'f32.load': [0x2a],
  'i32.load8_u': [0x2d],
  'i32.load16_u': [0x2f],
  'i32.store': [0x36],
  'f32.store': [0x38],
  'i32.store16': [0x3b],
  'v128.load': [0xfd, 0],
  'v128.load64_zero': [0xfd, 93],
  'v128.load32_splat': [0xfd, 9],
  'v128.store': [0xfd, 11],
};

class Encoder {
  readonly code = new Bytes();
  readonly locals: WasmType[] = [];
  private readonly parameters: number;
  private readonly labels: (Label | undefined)[] = [];

  constructor(parameters: number) {
    this.parameters = parameters;
  }

  region(region: Region): void {
    for (const item of region.items) this.item(item);
  }

  private local(type: WasmType): number {
    this.locals.push(type);
    return this.parameters + this.locals.length - 1;
  }

  private localOf(cell: Cell): number {
    if (cell.local < 0) cell.local = this.local(cell.type);
    return cell.local;
  }

  private item(item: Item): void {
    const { code } = this;
    switch (item.kind) {
      case 'define':
        return this.define(item.value);
      case 'set':
        this.use(item.value);
        code.byte(0x21);
        return code.unsigned(this.localOf(item.cell));
      case 'store':
        this.use(item.address);
        this.use(item.value);
        code.byte(...memoryOps[item.instruction]);
        return this.memoryArgument(item.offset);
      case 'if':
        this.use(item.condition);
        code.byte(0x04, 0x40);
        this.labels.push(undefined);
        this.region(item.then);
        if (item.otherwise.items.length) {
          code.byte(0x05);
          this.region(item.otherwise);
        }
        this.labels.pop();
        return code.byte(0x0b);
      case 'block':
        code.byte(0x02, 0x40);
        this.labels.push(item.exit);
        this.region(item.body);
        this.labels.pop();
        return code.byte(0x0b);
      case 'loop':
        code.byte(0x02, 0x40, 0x03, 0x40);
        this.labels.push(item.exit, item.head);
        this.region(item.body);
        code.byte(0x0c, 0, 0x0b, 0x0b);
        this.labels.length -= 2;
        return undefined;
      case 'branch':
        return this.branch(item.target, item.condition);
      default:
        return item satisfies never;
    }
  }

  private branch(target: Label, condition: Value | undefined): void {
    if (condition) this.use(condition);
    this.code.byte(condition ? 0x0d : 0x0c);
    this.code.unsigned(this.labels.length - 1 - this.labels.lastIndexOf(target));
  }

  private memoryArgument(offset: number): void {
    this.code.unsigned(0);
    this.code.unsigned(offset);
  }

  private define(value: Value): void {
    if (value.uses === 0) return;
    if (value.uses === 1 && value.op !== 'load' && value.op !== 'get' && value.local !== mustKeep) return;
    this.compute(value);
    value.local = this.local(value.type);
    this.code.byte(0x21);
    this.code.unsigned(value.local);
  }

  private use(value: Value): void {
    if (value.op === 'argument') {
      this.code.byte(0x20);
      this.code.unsigned(value.imm);
    } else if (value.local >= 0) {
      this.code.byte(0x20);
      this.code.unsigned(value.local);
    } else this.compute(value);
  }

  private compute(value: Value): void {
    const { code } = this;
    const { op, args, imm } = value;
    if (op === 'const') {
      if (value.type === 'i32') {
        code.byte(0x41);
        code.signed(imm);
      } else {
        code.byte(0x43);
        code.f32(imm);
      }
      return;
    }
    if (op === 'get') {
      code.byte(0x20);
      code.unsigned(this.localOf(value.cell!));
      return;
    }
    if (op === 'quad') {
      code.byte(0xfd, 12);
      for (const word of value.words!) code.byte(word & 255, (word >>> 8) & 255, (word >>> 16) & 255, word >>> 24);
      return;
    }
    for (const argument of args) this.use(argument);
    if (op === 'load') {
      code.byte(...memoryOps[value.load!.instruction]);
      this.memoryArgument(imm);
    } else if (op === 'select') {
      if (value.type === 'v128') code.byte(0x1c, 1, 0x7b);
      else code.byte(0x1b);
    } else this.operation(op, imm);
  }

  private operation(name: string, imm: number): void {
    const { code } = this;
    const { opcode, isVector } = operation(name);
    if (!isVector) {
      if (opcode > 0xff) code.byte(opcode >> 8, opcode & 0xff);
      else code.byte(opcode);
      return;
    }
    code.byte(0xfd);
    code.unsigned(opcode);
    if (name.endsWith('_lane')) code.byte(imm);
    if (name === 'i8x16.shuffle') {
      // Four digits in base 8: the lanes of both operands.
      for (let lane = 0; lane < 4; lane++) {
        const from = (imm >> (3 * lane)) & 7;
        code.byte(4 * from, 4 * from + 1, 4 * from + 2, 4 * from + 3);
      }
    }
  }
}

/** Marks a value that gets a local although it has one use: the use is in another region. */
const mustKeep = -2;

/** Counts the uses of values that items need. A value that is used in another region, a loop perhaps, keeps a local. */
function countUses(root: Region): void {
  const visit = (value: Value, from: Region): void => {
    if (value.region !== from && value.op !== 'const') value.local = mustKeep;
    if (value.uses++ > 0) return;
    for (const argument of value.args) visit(argument, value.region);
  };
  const walk = (region: Region): void => {
    for (const item of region.items) {
      switch (item.kind) {
        case 'set':
          visit(item.value, region);
          break;
        case 'store':
          visit(item.address, region);
          visit(item.value, region);
          break;
        case 'if':
          visit(item.condition, region);
          walk(item.then);
          walk(item.otherwise);
          break;
        case 'branch':
          if (item.condition) visit(item.condition, region);
          break;
        case 'loop':
        case 'block':
          walk(item.body);
          break;
        case 'define':
          break; // A value counts when it is used.
        default:
          item satisfies never;
      }
    }
  };
  walk(root);
}

/** The bytes of a module whose function `run` has the builder's code. */
export function encodeModule(builder: Builder, isShared: boolean): Uint8Array<ArrayBuffer> {
  countUses(builder.root);
  const encoder = new Encoder(builder.arguments.length);
  encoder.region(builder.root);
  encoder.code.byte(0x0b);
  return moduleBytes(
    builder.arguments.map(({ type }) => type),
    encoder.locals,
    encoder.code.result(),
    isShared,
  );
}
