// Bytes of a WebAssembly module. WebAssembly Core Specification 2.0, chapter 5.
import type { WasmType } from './operations.ts';

const typeCodes: Readonly<Record<WasmType, number>> = { i32: 0x7f, f32: 0x7d, v128: 0x7b };

export const typeCode = (type: WasmType): number => typeCodes[type];

const float = new DataView(new ArrayBuffer(4));

/** A growing list of bytes. */
export class Bytes {
  private data = new Uint8Array(1024);
  length = 0;

  byte(...values: readonly number[]): void {
    if (this.length + values.length > this.data.length) this.grow(values.length);
    for (const value of values) this.data[this.length++] = value;
  }

  private grow(more: number): void {
    const data = new Uint8Array(Math.max(this.data.length * 2, this.length + more));
    data.set(this.data.subarray(0, this.length));
    this.data = data;
  }

  unsigned(value: number): void {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  signed(value: number): void {
    let rest = value | 0;
    for (;;) {
      const low = rest & 0x7f;
      rest >>= 7;
      if ((rest === 0 && !(low & 0x40)) || (rest === -1 && low & 0x40)) return this.byte(low);
      this.byte(low | 0x80);
    }
  }

  f32(value: number): void {
    float.setFloat32(0, value, true);
    this.byte(float.getUint8(0), float.getUint8(1), float.getUint8(2), float.getUint8(3));
  }

  text(value: string): void {
    const encoded = new TextEncoder().encode(value);
    this.unsigned(encoded.length);
    this.append(encoded);
  }

  append(bytes: Uint8Array): void {
    if (this.length + bytes.length > this.data.length) this.grow(bytes.length);
    this.data.set(bytes, this.length);
    this.length += bytes.length;
  }

  section(number: number, build: (body: Bytes) => void): void {
    const body = new Bytes();
    build(body);
    this.byte(number);
    this.unsigned(body.length);
    this.append(body.result());
  }

  result(): Uint8Array<ArrayBuffer> {
    return this.data.slice(0, this.length);
  }
}

/** A module that imports a memory and exports one function `run`. */
export function moduleBytes(
  parameters: readonly WasmType[],
  locals: readonly WasmType[],
  code: Uint8Array,
  isShared: boolean,
): Uint8Array<ArrayBuffer> {
  const module = new Bytes();
  module.byte(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
  module.section(1, (types) => {
    types.byte(1, 0x60);
    types.unsigned(parameters.length);
    types.byte(...parameters.map(typeCode), 0);
  });
  module.section(2, (imports) => {
    imports.byte(1);
    imports.text('env');
    imports.text('memory');
    imports.byte(0x02);
    // A shared memory must have the maximum of the module.
    if (isShared) {
      imports.byte(0x03);
      imports.unsigned(1);
      imports.unsigned(65536);
    } else {
      imports.byte(0x00);
      imports.unsigned(1);
    }
  });
  module.section(3, (functions) => functions.byte(1, 0));
  module.section(7, (exported) => {
    exported.byte(1);
    exported.text('run');
    exported.byte(0, 0);
  });
  module.section(10, (codes) => {
    const body = new Bytes();
    const groups: [WasmType, number][] = [];
    for (const type of locals) {
      if (groups.at(-1)?.[0] === type) groups.at(-1)![1]++;
      else groups.push([type, 1]);
    }
    body.unsigned(groups.length);
    for (const [type, count] of groups) {
      body.unsigned(count);
      body.byte(typeCode(type));
    }
    body.append(code);
    codes.unsigned(1);
    codes.unsigned(body.length);
    codes.append(body.result());
  });
  return module.result();
}
